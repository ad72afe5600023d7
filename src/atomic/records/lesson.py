"""Feedback and lessons: what somebody said of an outcome, and the evidence made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["person", "fact", "validator", "judge", "agreement"]
PRECEDENCE: tuple[Source, ...] = ("person", "fact", "validator", "judge", "agreement")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven:
    """Somebody or something later said of an outcome how probably it was right, in [0, 1].

    When the right answer itself was given it is the body `truth`, and `value` says whether it was ours. `asked`: of a
    random sample, all of which was asked for; else it came by itself.
    """

    source: Source
    value: float
    author: str = ""
    asked: bool = False
    task: str = ""  # empty: an older release did not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Evidence for a belief.

    kind "right": target is how right `key` was; features is (claim,) where it made one. kind "answer": the same
    for the confidence it gave with its answer. kind "agree": target 1 where `key` ("a|b") agreed; features is
    (agreement expected of independent bidders,). kind "differ": target 1 where a of `key` ("a|b") was right and b,
    who said otherwise, was not; features is (log-odds that were believed of that,). kind "settle": target is how right
    the settled answer was; features is (number of answers, joint posterior before calibration). kind "source": target
    is how far what `key` ("judge", "person/ann") said holds against what others know; nothing is learned of a bid.

    `family` is the bidder's, whose record in the domain a bid's being right counts for as well. `selected`: it was
    bought in view of other answers, so its case was harder than most.
    """

    kind: Literal["right", "answer", "agree", "differ", "settle", "source"]
    key: str
    target: float
    weight: float
    features: tuple[float, ...] = ()
    family: str = ""
    selected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonsLearned:
    """Lessons drawn at once from one event (`cause`, a seq; 0: the event recorded just before in the same append)."""

    task: str
    domain: str
    source: Source
    cause: int
    alternatives: int
    lessons: tuple[Lesson, ...]
    task_version: str = ""  # empty: an older release did not say


@dataclass(frozen=True, slots=True, kw_only=True)
class BidderChanged:
    """Somebody seems to be another than before, so its evidence counts for little from the event `cause` (a seq) on.

    `key` is of the bid, or the bidder's name where its model goes by another name (`detail`). `why`: "fell", "rose"
    (it is right less, or more often), "apart" (it agrees less with others), "tokens", "model". It tells people what
    the fold of the ledger found; folding it changes nothing.
    """

    key: str
    why: Literal["fell", "rose", "apart", "tokens", "model"]
    cause: int
    detail: str = ""

    @property
    def words(self) -> str:
        """Why it seems so, for people.

        >>> BidderChanged(key="a", why="model", cause=7, detail="m-2").words
        'its model is now called m-2 (since #7)'
        """
        words = {
            "fell": "it is right less often",
            "rose": "it is right more often",
            "apart": "it agrees less with others",
            "tokens": "it writes answers of another length",
            "model": f"its model is now called {self.detail}",
        }
        return f"{words[self.why]} (since #{self.cause})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRetired:
    """A verified example is shown no more: answers that repeated its label were wrong more often than was believed.

    `example` is the request it came from; `repeated` answers repeated its label, of which `wrong` were wrong and
    `expected` were to be expected. Decided by the event `cause` (a seq). It tells people what the ledger's events came
    to; a later word on that request verifies it anew.
    """

    task: str
    example: str
    tenant: str
    repeated: int
    wrong: float
    expected: float
    cause: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDecided:
    """Of a prompt variant and the words it would replace, one was right more often: the bid `stopped` is asked no more.

    `lead` is by how much `by` was right more often over `pairs` pairs of judged answers; decided by the event `cause`.
    """

    task: str
    stopped: str
    by: str
    pairs: int
    lead: float
    cause: int

"""A request: one call of a microtask with one input, and the terms it is bought on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atomic.records.budget import Budget
from atomic.records.mode import Assignment

DataLabel = Literal["public", "internal", "confidential", "sovereign"]
EVERYBODY = ("*",)
ANY_PRICE = 2**53  # a `max_price` that bounds nothing
LABELS: tuple[DataLabel, ...] = ("public", "internal", "confidential", "sovereign")


def accepts(highest: DataLabel, label: DataLabel) -> bool:
    """Whether something cleared up to `highest` may see data with `label`.

    >>> accepts("internal", "public"), accepts("internal", "sovereign")
    (True, False)
    """
    return LABELS.index(label) <= LABELS.index(highest)


def not_below(own: DataLabel, asked: DataLabel | None) -> DataLabel:
    """The higher of a task's data label and what was asked for: a caller may raise it, and never lower it.

    >>> not_below("confidential", "public"), not_below("internal", "sovereign"), not_below("internal", None)
    ('confidential', 'sovereign', 'internal')
    """
    return own if asked is None or accepts(own, asked) else asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a request is bought on. Money in nano-USD, times in nanoseconds.

    The objective is one of three: `worth`, or a `target` (the mean probability of being right that is wanted, above 0)
    or a `budget`. Under the last two, `worth` is where steering begins (0: found from the first bids), and in an award
    it is what steering made of it.

    `survey` names bidders whose bids are all bought at once in the first round, within `max_price`; then it settles.
    So a market learns who is right where. `EVERYBODY` means every bidder.

    `mandate` names the only bidder ("name", or "name+tactic") that may answer, whatever that is worth: what the market
    thinks of it keeps it out of nothing, but data labels, jurisdictions, policies and the deadline do.

    `barred` names the bidders that a policy keeps out of this request, each with why.

    `streamed` says that the caller reads along: bids are bought one at a time, and the first answer settles it.
    """

    worth: int = 0
    latency_price: int = 0  # nano-USD per second of waiting
    max_price: int
    deadline_ns: int = 60_000_000_000
    refuse_below: float = 0.0
    explore: bool = True
    jurisdictions: tuple[str, ...] = ()  # where it may be worked on; empty: anywhere
    survey: tuple[str, ...] = ()
    mandate: str = ""
    target: float = 0.0
    budget: Budget | None = None
    streamed: bool = False
    barred: tuple[tuple[str, str], ...] = ()

    @property
    def objective(self) -> str:
        """The name of what is steered for; empty where the worth is given.

        >>> Terms(worth=5, max_price=5).objective, Terms(target=0.9, max_price=5).objective
        ('', 'target 0.9')
        """
        if self.budget is not None:
            return f"budget {self.budget.name}"
        return f"target {self.target!r}" if self.target > 0.0 else ""

    @property
    def stated(self) -> str:
        """The same for people.

        >>> Terms(budget=Budget.of("$2/1k"), max_price=5).stated
        'budget $2.00/1k'
        """
        return f"budget {self.budget}" if self.budget is not None else self.objective


def surveyed(terms: Terms, bidder: str) -> bool:
    """Whether a survey on these terms asks this bidder.

    >>> surveyed(Terms(worth=1, max_price=1, survey=EVERYBODY), "words"), surveyed(Terms(worth=1, max_price=1), "words")
    (True, False)
    """
    return terms.survey == EVERYBODY or bidder in terms.survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the market may know of an input before anybody answers. `text` and what derives from it is a body."""

    text: str
    characters: int
    numbers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOpened:
    """A request was accepted. The input is this event's body `input`, the features its body `features`."""

    task: str
    task_version: str
    domain: str
    labels: tuple[str, ...]
    terms: Terms
    assignment: Assignment | None = None  # who answers it, where a mode is stated that names an incumbent
    principal: str = ""  # for whom, in words; empty: for a program of ours

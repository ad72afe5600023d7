"""An award: a round's result and everything it was computed from, so that it can be computed again."""

from __future__ import annotations

from dataclasses import dataclass

from atomic.records.bid import Bid, NoBid
from atomic.records.request import Terms
from atomic.records.responses import ResponseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An attempt with an answer, as the auction sees it: who, which group of equal answers, how sure."""

    key: str
    group: int
    probability: float  # that this answer is right, by itself
    lift: float = 0.0  # by how much its own word for this input moved that, in log-odds


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An agreement state: who has answered, in order, and which of them agree; in what domain, and for what worth.

    Groups count from 0.
    """

    answered: tuple[Answered, ...] = ()
    domain: str = ""
    worth: int = 0

    @property
    def key(self) -> str:
        """The state's name, for look-ups.

        >>> State(answered=(Answered(key="a+plain", group=0, probability=0.9),)).key
        'a+plain:0'
        """
        return " ".join(f"{one.key}:{one.group}" for one in self.answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is believed of agreement in one task: a snapshot stored by its content.

    `alternatives` is the number of possible answers (0: unbounded). `copying` maps "a|b" (keys in order) to
    the learned share of cases in which b's answer is but a copy of a's. `differing` maps it to what was seen when
    the two differed and one was right: (intercept, slope) of the log-odds that it was a, over those that are believed
    without it. `settling` maps the number of answers
    in hand to (intercept, slope) of the calibration of their joint posterior, on the log-odds scale. Where there is a
    response `model`, it takes the place of copying. `apart` says that
    answers of this task are never equal, so that one says nothing of another.
    """

    alternatives: int
    copying: tuple[tuple[str, float], ...] = ()
    settling: tuple[tuple[int, float, float], ...] = ()
    model: ResponseModel | None = None
    apart: bool = False
    differing: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slate:
    """One round's bids and no-bids: the content-addressed blob beside an award."""

    bids: tuple[Bid, ...]
    no_bids: tuple[NoBid, ...]


NOBODY = Slate(bids=(), no_bids=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a request stands when a round begins; with slate, table and draw it decides the award."""

    terms: Terms
    state: State
    round: int
    spent: int
    elapsed_ns: int
    shadow_price: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate action: a set of bids bought at once, its score over settling now, its propensity."""

    action: tuple[str, ...]
    score: int
    propensity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """A round's result. An empty `chosen` means: settle for the standing answer.

    `candidates` are in the total order (score, then price, then key); `considered` names the bids that any
    considered plan uses; `standing` is the calibrated probability of the answer in hand (0 when there is none);
    `waited_ns` is how long the round waited in line for somebody to have a place.
    """

    position: Position
    slate: str  # content id
    table: str  # content id
    draw: float
    beliefs_seq: int
    rules_version: str
    capacity: tuple[tuple[str, int], ...]
    standing: float
    standing_group: int
    considered: tuple[str, ...]
    candidates: tuple[Scored, ...]
    chosen: tuple[str, ...]
    propensity: float
    waited_ns: int = 0

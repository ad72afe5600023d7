"""What an explanation holds, as frozen records: numbers as recorded, with where each came from.

`atomic.explain` fills them, `atomic.explain.telling` puts them into words. Money is in integer nano-USD, times in
nanoseconds, shares and probabilities in [0, 1]. A `None` says that there is no such number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from atomic.counterfactual import Action, PriceBreak, WorthPoint
from atomic.explain.story import BodyState
from atomic.grids import GridPoint
from atomic.records.money import dollars
from atomic.records.outcome import ProbabilitySource
from atomic.records.validator import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked, and on which terms. `input` is there only when bodies were asked for and it was not erased."""

    request_id: str
    tenant: str
    task: str
    task_version: str
    domain: str
    label: str
    labels: tuple[str, ...]
    worth: int
    max_price: int
    latency_price: int
    deadline_ns: int
    refuse_below: float
    explore: bool
    time_ns: int
    input_state: BodyState
    input: Any = None
    assigned: str = ""  # who was to answer and who was asked beside it, where the task has a mode
    objective: str = ""  # what the worth was steered for

    @property
    def worth_told(self) -> str:
        """What a right answer was bought at, for people."""
        return dollars(self.worth) + (f" (steered for the {self.objective})" if self.objective else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """One lesson behind a bid: the event `seq` drew it from what `source` said of `request_id`."""

    seq: int
    time_ns: int
    request_id: str
    source: str
    target: float  # how right the bid was then
    weight: float  # negative: an earlier lesson taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Evidence behind a probability, per level. Counts are effective: old outcomes fade.

    `…_share` are the shares that were right; `youngest_age_ns` is from the youngest of those
    outcomes to the award.
    """

    prior: float
    prior_weight: float
    domain_count: float
    domain_share: float | None
    task_count: float
    task_share: float | None
    youngest_age_ns: int | None
    lessons: tuple[Taught, ...]
    family: str = ""
    family_count: float = 0.0
    family_share: float | None = None
    agreed_count: float = 0.0
    agreed_share: float | None = None
    version_count: float = 0.0
    changed: str = ""  # why it seemed to be another than before; empty: it never did


@dataclass(frozen=True, slots=True, kw_only=True)
class BidTold:
    """A bid as offered (`claim`, `offered_…`) and as appraised. `read`: the claim is the market's own, by the text.

    `considered`: some plan that the auction weighed uses it. `score` is that of buying it alone, over settling; None
    when that was no candidate.
    """

    key: str
    bidder: str
    tactic: str
    bought: bool
    considered: bool
    probability: float
    spread: float
    claim: float | None
    read: bool
    price: int
    offered_price: int
    ceiling: int
    latency_ns: int
    latency_high_ns: int
    offered_latency_ns: int | None
    score: int | None
    propensity: float | None
    grounds: Grounds


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBidTold:
    """Who did not bid, with the numbered reason in words."""

    key: str
    bidder: str
    tactic: str
    reason: int
    words: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTold:
    """A candidate of the auction in its order: bids bought at once, score over settling, expected price."""

    action: Action
    score: int
    propensity: float
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TacticTold:
    """Another tactic of a bidder that was bought: how far behind (nano-USD), or why it was no candidate."""

    key: str
    other: str
    behind: int | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTold:
    """An attempt and what one knew after it: `hand` is the probability of the best answer in hand, `hand_group` which.

    `status` "unfinished": it was cut, or still runs. Equal `group` numbers are equal answers.
    """

    key: str
    status: Literal["answered", "failed", "unfinished"]
    answer_state: BodyState
    answer: Any = None
    group: int | None = None
    confidence: float | None = None
    probability: float | None = None
    reason: int | None = None
    words: str = ""
    detail: str = ""
    price: int = 0
    expected_price: int = 0
    reserved: int | None = None
    latency_ns: int = 0
    examples: tuple[str, ...] = ()
    hand: float | None = None
    hand_group: int | None = None
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeTold:
    """What was done while the round's attempts ran: `chosen` was bought as well, or (empty) waiting ended.

    `waiting` and `gain` are what waiting on and what was done are worth over settling then.
    """

    running: Action
    waited_ns: int
    chosen: Action
    waiting: int
    gain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTold:
    """One round: what was on the table, what was chosen and by how much, and what would have changed it.

    `margin` is the chosen action's score over `runner_up`'s, the best other candidate; `over_settling` its score
    over settling, or, when the market settled, that of the best action it did not buy (None: there was none).
    `unproven` says why there are no counterfactuals, if so; `expected` what the values were worked out from, where
    that is a response model. `waited_ns` is how long it waited in line for a place.
    """

    number: int
    seq: int
    time_ns: int
    elapsed_ns: int
    waited_ns: int
    spent: int
    standing: float
    standing_group: int | None
    chosen: Action
    best: Action
    explored: bool  # shares were drawn in this round
    propensity: float
    draw: float
    over_settling: int | None
    runner_up: Action | None
    margin: int | None
    actions: tuple[ActionTold, ...]
    bids: tuple[BidTold, ...]
    no_bids: tuple[NoBidTold, ...]
    tactics: tuple[TacticTold, ...]
    attempts: tuple[AttemptTold, ...]
    hedges: tuple[HedgeTold, ...]
    prices: tuple[PriceBreak, ...]
    worths: tuple[WorthPoint, ...]
    grids: tuple[GridPoint, ...]
    unproven: str
    expected: str
    capacity: tuple[tuple[str, int], ...]
    beliefs_seq: int
    rules_version: str
    slate: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the request ended with. `behind` is the number of labelled outcomes behind the best of its bids."""

    status: Literal["answered", "refused"]
    why: str
    answer_state: BodyState
    answer: Any
    probability: float
    probability_source: ProbabilitySource
    behind: float
    winner: str
    group: int | None
    rounds: int
    cost: int
    latency_ns: int
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonTold:
    """One lesson drawn from a word."""

    kind: str
    key: str
    target: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTold:
    """Feedback given since."""

    seq: int
    time_ns: int
    source: str
    author: str
    value: float
    truth_state: BodyState
    truth: Any
    lessons: tuple[LessonTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What a bid that was never bought would have been expected to cost, bought alone in the first round."""

    key: str
    price: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The story of one request. `outcome` is None while it is open, or when it was cut."""

    asked: Asked
    outcome: Settled | None
    rounds: tuple[RoundTold, ...]
    alternatives: tuple[Alternative, ...]
    words: tuple[WordTold, ...]

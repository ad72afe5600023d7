"""Modes: who answers a task's requests, what is bought beside them, and what that came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atomic.records.outcome import ProbabilitySource

ModeName = Literal["market", "observe", "canary"]
Phase = Literal["market", "observe", "canary", "promoted", "returned"]
WhyChanged = Literal["won", "lost", "below the floor", "below the floor, as estimated"]
MARKET = "market"  # the arm that is not one bidder


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How a task's requests are answered, as its owner states it.

    An arm is who answers: `MARKET`, or one bidder ("name", or "name+tactic"). In "observe" the incumbent answers
    everything; in "canary" the challengers have `share` of the traffic between them; in "market" the market answers
    everything. With the chance `sample` the other arm is asked beside it, out of the shadow budget.

    A change of who answers is decided at the level `alpha`. `unlabelled` says what an answer counts for that differs
    from the incumbent's and that nobody judged: "worst" is against the challenger, "estimate" the market's own
    probabilities.
    """

    mode: ModeName = "market"
    incumbent: str = ""
    challengers: tuple[str, ...] = (MARKET,)
    sample: float = 0.1
    shadow_per_day: int = 0  # nano-USD
    share: float = 0.05
    floor: float = 0.0  # how right a challenger's answers must be; 0: no floor
    if_incumbent_fails: Literal["refuse", "market"] = "refuse"
    alpha: float = 0.05
    unlabelled: Literal["worst", "estimate"] = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeStated:
    """From here on a task's requests are answered so. `number` counts the statements and changes of the task."""

    task: str
    number: int
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged:
    """The market changed by itself who answers, as the evidence up to event `seen` decided.

    `pairs` and `mean` (of the value gained for each, as a share of the worth) are of `arm` against the incumbent since
    the last change; `evidence` is what a bet against the opposite has grown to, which had to reach `needed`. In
    "observe" a challenger that won is named and gets no traffic.
    """

    task: str
    number: int
    to: Phase
    arm: str
    why: WhyChanged
    seen: int
    pairs: int
    mean: float
    evidence: float
    needed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Who answers a request, and who is asked beside it, drawn as exploration is.

    `number` is the statement or change it follows. `propensity` is the chance of `arm`, `inclusion` that of `other`
    given the arm ("": nobody is asked beside it), `pair` that of both answers being bought, whichever comes first.
    In a shadow purchase `shadows` names the request whose input it is.
    """

    number: int
    arm: str
    propensity: float
    draw: float
    other: str
    inclusion: float
    pair: float
    other_draw: float
    shadows: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One arm's part of a pair: what its answer cost (nano-USD), how probably it is right, given all answers.

    `price` is what it would have cost alone: an attempt that both arms bought was paid once.
    """

    arm: str
    answered: bool
    winner: str  # the bid whose answer it is; empty without one
    price: int
    probability: float
    source: ProbabilitySource


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMade:
    """Both arms answered one input: `caller` is whose answer the caller got, `beside` was bought as request `shadow`.

    `equal` says that their type calls both answers equal; `most` (nano-USD) is the most that either could have cost,
    as known before. `number` and `pair` are of the assignment. Where it is not `whole`, a day's cap or a data label
    kept somebody from being asked beside: that says nothing of how good anybody is.
    """

    task: str
    number: int
    pair: float
    shadow: str
    caller: Side
    beside: Side
    equal: bool
    worth: int
    most: int
    whole: bool = True

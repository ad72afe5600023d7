"""Offers, bids and no-bids: what bidders say, what the market makes of it, and who does not take part and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Reason(IntEnum):
    """Why somebody does not bid, or why an attempt has no answer. Numbers are for ever; add at the end."""

    LABEL_NOT_ACCEPTED = 1
    JURISDICTION = 2
    INPUT_TOO_LONG = 3
    TYPE_NOT_SUPPORTED = 4
    UNHEALTHY = 5
    NO_CAPACITY = 6
    DAILY_BUDGET = 7
    MAX_PRICE = 8
    DEADLINE = 9
    NOT_CONFIGURED = 10
    DECLINED = 11
    OFFER_INVALID = 12
    NO_EXAMPLES = 13
    ALREADY_ANSWERED = 14
    PRICE_OVER_OFFER = 15
    FAILED = 16
    TIMED_OUT = 17
    NOT_THE_TYPE = 18
    CUT = 19
    EMPTY = 20
    REFUSED = 21
    CRASHED = 22
    CANCELLED = 23
    INTERRUPTED = 24
    NOTHING_SIMILAR = 25
    NO_RULE = 26
    DISAGREED = 27
    QUEUE_FULL = 28
    OVERTAKEN = 29
    BUDGET_SPENT = 30
    CANNOT_GO_ON = 31
    NOT_ASKED = 32  # in ledgers of before it was 29 as well, and is read as overtaken
    POLICY = 33
    DECIDED_AGAINST = 34

    @property
    def words(self) -> str:
        """The reason for people.

        >>> Reason.NO_CAPACITY.words
        'no capacity'
        """
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a bidder says it would do, before it does it.

    `claim` is its own opinion that it would be right, in (0, 1), or None; it is calibrated, never believed.
    `read`: the claim is the market's, from the request's text and what came of others, since the bidder makes none.
    `price` is its expected price and `ceiling` the most it may bill, both in nano-USD; `latency_ns` its own
    expectation, or None when it leaves that to the market's records. `warm` is how many tokens of a conversation it
    expects to read from its prompt cache: what staying with it saves is in its price.
    """

    bidder: str
    tactic: str
    claim: float | None = None
    read: bool = False
    price: int = 0
    ceiling: int = 0
    latency_ns: int | None = None
    warm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a probability comes from: a prior, and weighted outcomes seen of the bidder's family, in the domain (tasks
    with as many possible answers), in the task, and in this version of it in this domain.

    The prior is worth `prior_weight` outcomes. What is inferred from agreement alone (`agreed_…`) is kept apart: it is
    no label. With a bid's offer this is all that its probability is computed from.
    """

    prior: float
    prior_weight: float
    chance: float  # of a guess: nobody is believed to do worse
    domain_count: float
    domain_right: float
    task_count: float
    task_right: float
    last_ns: int  # when the youngest of them happened; 0: never
    lessons: tuple[int, ...]  # seq of the last five lesson events
    family: str = ""  # whose record in the domain it starts from; empty: none declared
    family_count: float = 0.0
    family_right: float = 0.0
    agreed_count: float = 0.0
    agreed_right: float = 0.0
    version: str = ""  # of the task; empty: an older release did not say
    version_count: float = 0.0
    version_right: float = 0.0
    changed: int = 0  # seq of the event that last showed it to be another than it was; 0: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """An offer as the market appraises it: expected probability of being right, price and latency."""

    offer: Offer
    probability: float
    spread: float  # standard deviation of that probability
    price: int
    latency_ns: int
    latency_high_ns: int  # nine in ten are faster
    evidence: Evidence

    @property
    def key(self) -> str:
        """The bid's name within a round: bidder and tactic."""
        return f"{self.offer.bidder}+{self.offer.tactic}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBid:
    """Somebody who does not take part in a round, with the numbered reason."""

    bidder: str
    tactic: str
    reason: Reason
    detail: str = ""

    @property
    def key(self) -> str:
        """The name the bid would have had."""
        return f"{self.bidder}+{self.tactic}"

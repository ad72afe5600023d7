"""Arms: what a purchase is when somebody in particular is to answer, or when it shadows another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from atomic.protocols import Bidder, Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer
from atomic.records.microtask import Ask
from atomic.records.mode import MARKET, Assignment, Mode
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import ANY_PRICE, Terms
from atomic.shop import Shop
from atomic.stages.execute import Attempted
from atomic.stages.settle import Hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a purchase is to be: where it buys and on which terms.

    `otherwise` is where and on which terms the market goes on when the one who was to answer alone did not.
    `brought` is the answer that the caller got to the request that this one shadows.
    """

    shop: Shop
    terms: Terms
    otherwise: tuple[Shop, Terms] | None = None
    brought: Attempted | None = None

    def charged(self, purses: tuple[tuple[str, int | None], ...]) -> Errand:
        """The same, booked on these purses as well: their caps hold whoever answers."""
        if not purses:
            return self
        otherwise = self.otherwise and (replace(self.otherwise[0], purses=purses), self.otherwise[1])
        return replace(self, shop=replace(self.shop, purses=purses), otherwise=otherwise)


def errand_for(shop: Shop, terms: Terms, assignment: Assignment | None, mode: Mode | None) -> Errand:
    """What answering the caller is, as it was assigned.

    The incumbent answers as if there were no market: none of the market's bounds hold for it, nor do caps of a day
    refuse it, though what it costs counts towards them.
    """
    if assignment is None or mode is None or assignment.arm == MARKET:
        return Errand(shop=shop, terms=terms)
    incumbent = assignment.arm == mode.incumbent
    return Errand(
        shop=replace(shop, per_day=None, per_task={}) if incumbent else shop,
        terms=mandated(terms, assignment.arm),
        otherwise=(shop, outright(terms)) if mode.if_incumbent_fails == "market" else None,
    )


def mandated(terms: Terms, arm: str) -> Terms:
    """The terms under which an arm answers alone."""
    return replace(outright(terms), mandate=arm, refuse_below=0.0, explore=False, max_price=ANY_PRICE)


def outright(terms: Terms) -> Terms:
    """The same terms without a target or a budget to steer for: a request outside the stream that is steered."""
    return replace(terms, worth=terms.worth or terms.max_price, target=0.0, budget=None)


def beside(shop: Shop, terms: Terms, arm: str, known: Mapping[str, Attempted]) -> Errand:
    """What asking another arm is, once the caller has its answer: `known` are the attempts that were made for it.

    They are recalled, neither asked nor paid again. People are not asked: nobody waits for the answer.
    """
    bidders: dict[str, Bidder] = {}
    for name, bidder in shop.bidders.items():
        if bidder.profile.lasting_ns == 0:
            mine = {key: one.reply for key, one in known.items() if one.bid.offer.bidder == name}
            bidders[name] = Recalling(bidder, mine) if mine else bidder
    shop = replace(shop, bidders=bidders, recalled=known)
    return Errand(shop=shop, terms=terms if arm == MARKET else mandated(terms, arm))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A purchase that has run, for comparison: its answers in hand, its attempts by bid, what it was bought on at last.

    `paid` is what its attempts were billed, without those that were only recalled; `usage` what all of them used;
    `capped` whether a day's cap kept anybody from being asked.
    """

    settled: OutcomeSettled
    hand: Hand
    attempts: Mapping[str, Attempted]
    terms: Terms
    paid: int
    usage: Usage
    capped: bool


class Recalling:
    """A bidder whose answer to this input is known by some tactics; it bids as ever."""

    def __init__(self, bidder: Bidder, known: Mapping[str, Reply]) -> None:
        self._bidder = bidder
        self._known = known

    @property
    def profile(self) -> Profile:
        """As the bidder's."""
        return self._bidder.profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """As the bidder's."""
        return self._bidder.offer(ask, sketch)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """What it said then, else as the bidder's."""
        known = self._known.get(f"{plan.bidder}+{plan.tactic}")
        return known if known is not None else await self._bidder.attempt(ask, plan)

    async def close(self) -> None:
        """Nothing: the bidder is still needed."""

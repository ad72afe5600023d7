"""While a round's attempts run: looks from time to time whether to ask somebody else as well, or to wait no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce

from atomic.books import Books
from atomic.errors import OperatorError
from atomic.records.attempt import Plan
from atomic.records.award import Award, Slate, Table
from atomic.records.bid import Bid
from atomic.records.event import Entry
from atomic.records.hedge import Hedged, Waiting
from atomic.records.microtask import Ask, Example
from atomic.rules.auction import RULES_VERSION
from atomic.rules.hedging import hedge
from atomic.shop import Shop
from atomic.stages.capacity import Held
from atomic.stages.race import Race
from atomic.stages.settle import Hand, finished
from atomic.stages.tune import tune

_SOONEST_NS = 10_000_000  # a look costs about a millisecond
_AGAIN = 4  # each look comes after a quarter of the time waited so far

Reserve = Callable[[Entry, Sequence[Bid], Sequence[Plan]], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """One round's looks. The first comes when an attempt has taken a quarter more than its mean time, later ones at
    growing distances.
    """

    shop: Shop
    books: Books
    ask: Ask
    award: Award
    slate: Slate
    table: Table
    hand: Hand
    nearest: Sequence[tuple[float, Example]]

    async def run(self, race: Race, held: Held, reserve: Reserve) -> None:
        """Wait until the race is over, and do on the way what pays more than waiting."""
        refused: set[str] = set()
        impatient = self.award.position.terms.latency_price > 0
        while race.running:
            ended = await race.wait(self._until_look(race))
            if not race.running or (ended and not (impatient and race.waited_ns >= _SOONEST_NS)):
                continue
            found = self.look(race, refused)
            if found is None:
                continue
            if not found.chosen:
                self.books.note(found)
                race.cut()
            elif not await self._buy(found, race, held, reserve):
                refused.update(found.chosen)

    def _until_look(self, race: Race) -> int | None:
        """None where no look can pay: waiting costs nothing, and after all patience there is time for anybody else."""
        slowest_ns = max(bid.latency_high_ns for bid in self.slate.bids)
        spare_ns = self.ask.time_left_ns - race.lasted_ns - race.patience_left_ns - _AGAIN * slowest_ns
        if self.award.position.terms.latency_price == 0 and spare_ns > 0:
            return None
        waited_ns = race.waited_ns
        usual_ns = max(_SOONEST_NS, *(bid.latency_ns for bid in race.awaited))
        first_ns = usual_ns + usual_ns // _AGAIN
        return first_ns - waited_ns if waited_ns < first_ns else max(_SOONEST_NS, waited_ns // _AGAIN)

    def look(self, race: Race, refused: set[str]) -> Hedged | None:
        """What pays more than waiting on, if anything does."""
        running, awaited = race.running, race.awaited
        if any(self._lasts(bid) for bid in running):
            return None
        asked = {bid.offer.bidder for bid in running if bid not in awaited}
        asked |= {done.bid.offer.bidder for done in race.ended}
        away = [
            bid.key
            for bid in self.slate.bids
            if bid not in awaited and (bid.offer.bidder in asked or self._is_away(bid))
        ]
        what = Waiting(
            running=tuple(bid.key for bid in awaited),
            waited_ns=race.waited_ns,
            patience_ns=max(0, race.patience_left_ns),
            left_out=tuple(sorted({*away, *refused})),
        )
        before, ended = self.award.position, race.ended
        reserved = sum(bid.offer.ceiling for bid in running if bid not in awaited)
        hand = reduce(lambda hand, done: finished(hand, self.ask, done, self.shop.beliefs)[0], ended, self.hand)
        position = replace(
            before,
            state=hand.state,
            spent=before.spent + sum(done.reply.price for done in ended) + reserved,
            elapsed_ns=before.terms.deadline_ns - self.ask.time_left_ns + race.lasted_ns,
        )
        choice = hedge(position, self.slate, self.table, what, valuation=self.shop.valuation)
        if choice.chosen is None:
            return None
        return Hedged(
            position=position,
            slate=self.award.slate,
            table=self.award.table,
            what=what,
            chosen=choice.chosen,
            waiting=choice.waiting,
            gain=choice.gain,
            rules_version=RULES_VERSION,
        )

    async def _buy(self, found: Hedged, race: Race, held: Held, reserve: Reserve) -> bool:
        """Buy the hedge under a reservation of its own; False when that cannot be."""
        chosen = [bid for bid in self.slate.bids if bid.key in found.chosen]
        if self.books.day != self.shop.today():  # what one round reserves counts for one day
            return False
        for bid in chosen:
            held.take(bid.offer.bidder)
        ask = replace(self.ask, time_left_ns=found.position.terms.deadline_ns - found.position.elapsed_ns)
        plans: Sequence[Plan] = ()
        with suppress(Exception):  # a tactic is foreign code: the round goes on without a hedge
            plans = tune(chosen, ask, self.shop.bidders, self.shop.tactics, self.nearest)
        bought = False
        with suppress(OperatorError):  # a ledger that is locked or full: what runs already is waited for
            bought = bool(plans) and await reserve(self.books.entry(found), chosen, plans)
        if bought:
            race.start(ask, chosen, plans)
            race.first_ends_it = True
        else:
            for bid in chosen:
                held.free(bid.offer.bidder)
        return bought

    def _lasts(self, bid: Bid) -> bool:
        return self.shop.bidders[bid.offer.bidder].profile.lasting_ns > 0

    def _is_away(self, bid: Bid) -> bool:
        """Whether its bidder could not be asked now, or should not: a trial is no help to somebody in a hurry."""
        shop, name = self.shop, bid.offer.bidder
        profile = shop.bidders[name].profile
        full = shop.capacity.busy.get(name, 0) >= profile.concurrency
        return full or self._lasts(bid) or shop.beliefs.health(name).on_trial or shop.punctual.pause_left(name) > 0

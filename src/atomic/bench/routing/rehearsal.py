"""What a market would buy at some worth: its own auctions, with answers that are known, and nothing recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from atomic.bench.routing.bidder import bidder_name, request_id
from atomic.bench.routing.learned import Trial
from atomic.bench.routing.outcomes import Item, hashed
from atomic.bench.routing.tasks import NO_HURRY_NS, terms
from atomic.market import Market
from atomic.records.award import Answered, Position, Slate, State
from atomic.records.microtask import Ask
from atomic.rules.auction import auction, without
from atomic.stages.collect import Round, collect
from atomic.stages.prepare import prepare
from atomic.tactics.plain import Plain

_SURE = 10**12  # nano-USD: a worth at which everybody is asked
_SAMPLE, _ROUGHLY = 800, 250  # learn items that a worth is tried on


class Rehearsed(NamedTuple):
    """Price in nano-USD, the market's own probability of being right, whether there is an answer; or their means."""

    price: float
    probability: float
    answered: float


class Rehearsal:
    """What the market would buy of some learn items, and what it would pay, if a right answer were worth so much.

    The same auctions on the same bids, with the answers of the table; nothing is recorded.
    """

    def __init__(self, market: Market, trial: Trial, items: Sequence[Item] | None = None) -> None:
        # The last by hash: where few are labelled these are not, like the items to come.
        self.items = items or sorted(trial.learn.items, key=hashed)[-_SAMPLE:]
        self._market, self._trial = market, trial
        self._rows = {bidder_name(model): rows for model, rows in trial.learn.rows.items()}
        self._offered = [self._collected(item) for item in self.items]
        self._known: dict[int, list[Rehearsed]] = {}

    @property
    def prices(self) -> tuple[float, float]:
        """The lowest and the highest mean price of a bidder, in nano-USD; of what is free, one."""
        means = [sum(rows[item.id].price for item in self.items) / len(self.items) for rows in self._rows.values()]
        return max(1.0, min(means)), max(1.0, *means)

    def at(self, worth: int) -> Rehearsed:
        """What would come of a mean item at this worth."""
        return self._mean(worth, len(self.items))

    def roughly(self, worth: int) -> Rehearsed:
        """The same by fewer items."""
        return self._mean(worth, min(_ROUGHLY, len(self.items)))

    def _mean(self, worth: int, count: int) -> Rehearsed:
        known = self._known.setdefault(worth, [])
        for index in range(len(known), count):
            known.append(self._bought(self.items[index], self._offered[index], worth))
        return Rehearsed(*(sum(column) / count for column in zip(*known[:count], strict=True)))

    def right(self, index: int, bidder: str) -> float:
        """How probably a bidder alone is right about an item, as an auction without the others values it."""
        ask, slate = self._offered[index]
        alone = Slate(bids=tuple(bid for bid in slate.bids if bid.offer.bidder == bidder), no_bids=())
        table, _, _ = self._market.beliefs.table(ask.task.name, ask.task.alternatives)
        state = State(domain=self.items[index].domain, worth=_SURE)
        position = Position(terms=terms(_SURE), state=state, round=1, spent=0, elapsed_ns=0)
        return (auction(position, alone, table, 0.0).candidates[0].score + alone.bids[0].price) / _SURE

    def _collected(self, item: Item) -> tuple[Ask, Slate]:
        market = self._market
        call = self._trial.tasks.call(item)
        ask = prepare(
            call, request_id=request_id("learn", item.id), tenant="", label=call.task.label, domain=item.domain
        )
        claims = market.claims(ask)
        this = Round(terms=terms(1), spent=0, now_ns=0, busy={}, excluded={}, examples=(), claims=claims)
        ask = replace(ask, time_left_ns=NO_HURRY_NS)
        return ask, collect(ask, market.bidders, (Plain(),), market.beliefs, this)

    def _bought(self, item: Item, offered: tuple[Ask, Slate], worth: int) -> Rehearsed:
        """What would be settled for."""
        ask, slate = offered
        table, _, _ = self._market.beliefs.table(ask.task.name, ask.task.alternatives)
        answered: list[Answered] = []
        groups: dict[str, int] = {}
        spent = 0
        bids = {bid.key: bid for bid in slate.bids}
        for number in count(1):
            state = State(answered=tuple(answered), domain=item.domain, worth=worth)
            position = Position(terms=terms(worth), state=state, round=number, spent=spent, elapsed_ns=0)
            verdict = auction(position, slate, table, 0.0)
            if not verdict.chosen:
                return Rehearsed(spent, verdict.standing, float(bool(answered)))
            slate = without(slate, verdict.chosen)
            for key in verdict.chosen:
                bid = bids[key]
                row = self._rows[bid.offer.bidder][item.id]
                spent += row.price
                if row.answer != "":
                    said = f"{key} alone" if row.answer is None else f"={row.answer}"
                    group = groups.setdefault(said, len(groups))
                    answered.append(Answered(key=key, group=group, probability=bid.probability))
        raise AssertionError("an auction among fewer and fewer bids ends")

"""The row `price`: one bidder halves its price; the very next request is bought by the new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from atomic.bench.routing.bidder import TableBidder, bidder_name, request_id
from atomic.bench.routing.learned import Trial, learned
from atomic.bench.routing.outcomes import Item
from atomic.bench.steered import aimed, bought, halves, one_task, rehearsed
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.market import Market, Trade
from atomic.protocols import Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.award import Award
from atomic.records.bid import NoBid, Offer
from atomic.records.microtask import Ask
from atomic.records.request import Terms

_REQUESTS = 150  # before the change, and after it


class Halving:
    """A bidder that offers and bills half of its price once it is told to."""

    def __init__(self, inner: TableBidder) -> None:
        self._inner = inner
        self.profile = inner.profile
        self.halved = False

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """What the inner one says, at its price of now."""
        offer = self._inner.offer(ask, sketch)
        if not self.halved or isinstance(offer, NoBid):
            return offer
        return replace(offer, price=offer.price // 2, ceiling=offer.ceiling // 2)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """What the inner one says, at its price of now."""
        reply = await self._inner.attempt(ask, plan)
        return replace(reply, price=reply.price // 2) if self.halved else reply

    async def close(self) -> None:
        """The inner one."""
        await self._inner.close()


def run(folder: Path) -> dict[str, Any]:
    """A market that learned from half of the items buys others at a middling worth; then the best halves its price.

    `expected_ratio`: what the first request after that expects to be billed, over what it expected just before;
    `acted_at` is the number of the request after the change from which the new price is reckoned with; the shares are
    of requests that bought from the bidder.
    """
    table = one_task(folder)
    clock = FrozenClock()
    return {"pack": table.name, **run_virtually(_row(next(iter(halves(table))), clock), clock)}


async def _row(trial: Trial, clock: FrozenClock) -> dict[str, Any]:
    market = await learned(trial, clock)
    rows = trial.learn.rows
    best = max(sorted(rows), key=lambda name: sum(row.right for row in rows[name].values()))
    name = bidder_name(best)
    (point,) = rehearsed(market, trial, "price=0.5x")
    terms = aimed(worth=round(point.mean))
    inner = market.bidders[name]
    assert isinstance(inner, TableBidder)
    market.bidders[name] = halving = Halving(inner)
    first, second = trial.test.items[:_REQUESTS], trial.test.items[_REQUESTS : 2 * _REQUESTS]
    before = [await _buys_from(market, trial, item, terms, name) for item in first]
    expected = _expected(market, trial, terms, name)
    halving.halved = True
    acted = _expected(market, trial, terms, name) / expected
    after = [await _buys_from(market, trial, item, terms, name) for item in second]
    return {
        "bidder": best,
        "expected_ratio": round(acted, 4),
        "acted_at": 1 if acted < 0.51 else None,
        "share_before": round(sum(before) / len(before), 3),
        "share_after": round(sum(after) / len(after), 3),
    }


def _expected(market: Market, trial: Trial, terms: Terms, name: str) -> int:
    """What the market expects to be billed by a bidder for the first of the items to come."""
    item = trial.test.items[_REQUESTS]
    trade = Trade(request_id=request_id("look", item.id), domain=item.domain, terms=terms)
    slate, _ = market.preview(trial.tasks.call(item), trade)
    return next(bid.price for bid in slate.bids if bid.offer.bidder == name)


async def _buys_from(market: Market, trial: Trial, item: Item, terms: Terms, name: str) -> bool:
    await bought(market, trial, item, terms)
    events = market.ledger.read(request_id=request_id("test", item.id), kinds=("award",))
    awards = [event.payload for event in events if isinstance(event.payload, Award)]
    return any(key.startswith(f"{name}+") for award in awards for key in award.chosen)

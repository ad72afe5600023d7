"""No labels and no priors but prices: a whole stream from its first item, with what exploring costs.

The first items are bought from everybody who asks at most half again what an item may cost; from then on the market
trades under what is left of the budget. Nobody is ever told anything. Of prices it is believed that dearer is better,
a little: as if of four outcomes of the dearest three had been right, of the cheapest two.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atomic.bench.learning import NoExamples
from atomic.bench.routing.bidder import TableBidder
from atomic.bench.routing.learned import Places, Trial
from atomic.bench.routing.outcomes import Table
from atomic.bench.routing.tasks import Tasks, terms
from atomic.bench.steered import aimed, bought, one_task
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market
from atomic.records.budget import Budget
from atomic.records.money import NANO, nano_usd
from atomic.tactics.plain import Plain

ORDERS = 5
EXPLORED = 15  # one in so many items, at the beginning
MOST_EXPLORED = 100
SHARES = {"zeroeval": 0.78}  # of the best fixed bidder's price that may be spent; elsewhere:
SHARE = 0.68
MUST = {"mmlu_pro": (-1.0, 0.7), "zeroeval": (-2.5, 0.8)}  # points beside the best fixed bidder, and price ratio
_AFFORDABLE = 1.5
_LEAST_RIGHT, _MOST_RIGHT = 0.5, 0.75
_EXPLORING_WORTH = nano_usd("$1")


@dataclass(frozen=True, slots=True)
class Stream:
    """One order of the items: points and price beside the best fixed bidder's, and what of that price exploring was."""

    points: float
    ratio: float
    explored: float


def run(folder: Path) -> dict[str, Any]:
    """Five orders, and their mean."""
    table = one_task(folder)
    streams = [run_virtually(_stream(table, seed, clock), clock) for seed, clock in _clocks()]
    points, ratio = MUST.get(table.name, (None, None))
    return {
        "pack": table.name,
        "items": len(table.items),
        "orders": [{"points": one.points, "ratio": one.ratio, "explored": one.explored} for one in streams],
        "points": sum(one.points for one in streams) / ORDERS,
        "ratio": sum(one.ratio for one in streams) / ORDERS,
        "must_points": points,
        "must_ratio": ratio,
    }


def table(found: dict[str, Any]) -> str:
    """A line for each order, and the mean."""
    lines = [
        f"  {one['points']:+.1f} points at {one['ratio']:.0%} of the best fixed bidder's price, "
        f"{one['explored']:.0%} of it for exploring"
        for one in found["orders"]
    ]
    must = ""
    if found["must_points"] is not None:
        must = f"; must {found['must_points']:+.1f} at {found['must_ratio']:.0%}"
    return "\n".join([*lines, f"  on average {found['points']:+.1f} points at {found['ratio']:.0%}{must}"])


def _clocks() -> list[tuple[int, FrozenClock]]:
    return [(seed, FrozenClock()) for seed in range(ORDERS)]


async def _stream(table: Table, seed: int, clock: FrozenClock) -> Stream:
    items = list(table.items)
    random.Random(seed).shuffle(items)
    table = table.only(items)
    best, price = _best(table)
    whole = SHARES.get(table.name, SHARE) * price * len(items)
    trial = Trial(learn=table, test=table, tasks=Tasks([table]), labelled=frozenset())
    market = _market(table, seed, clock)
    market.planning.hold = True
    await market.start()
    first = min(MOST_EXPLORED, len(items) // EXPLORED)
    affordable = _affordable(table, _AFFORDABLE * whole / len(items))
    survey = terms(_EXPLORING_WORTH, survey=affordable)
    places = Places(first)
    answers = []
    for item in items[:first]:
        answers.append(await bought(market, trial, item, survey))
        await places.past(market)
    explored = sum(one.price for one in answers)
    left = max(1.0, whole - explored) / (len(items) - first)
    budget = Budget.of(f"${1000 * left / NANO:.6f}/1k", when_spent="cheapest")
    for item in items[first:]:
        answers.append(await bought(market, trial, item, aimed(budget=budget)))
        await places.past(market)
    await market.close()
    spent = sum(one.price for one in answers)
    return Stream(
        points=100 * (sum(one.right for one in answers) / len(items) - best),
        ratio=spent / (price * len(items)),
        explored=explored / (price * len(items)),
    )


def _best(table: Table) -> tuple[float, float]:
    """How often the best fixed bidder is right, and its mean price in nano-USD."""
    means = []
    for rows in table.rows.values():
        own = [rows[item.id] for item in table.items]
        means.append((sum(row.right for row in own) / len(own), sum(row.price for row in own) / len(own)))
    return max(means)


def _prices(table: Table) -> dict[str, float]:
    return {name: sum(row.price for row in rows.values()) / len(rows) for name, rows in table.rows.items()}


def _affordable(table: Table, most: float) -> tuple[str, ...]:
    """Who costs at most so much, at its list price."""
    return tuple(sorted(name.replace("+", "_") for name, price in _prices(table).items() if price <= most))


def _market(table: Table, seed: int, clock: FrozenClock) -> Market:
    by_id = {item.id: item for item in table.items}
    ranked = sorted(_prices(table).items(), key=lambda one: (one[1], one[0]))
    bidders: list[TableBidder] = []
    for rank, (name, _) in enumerate(ranked):
        bidder = TableBidder(name, table, by_id, table.rows[name])
        step = (_MOST_RIGHT - _LEAST_RIGHT) / max(1, len(ranked) - 1)
        bidder.profile = replace(bidder.profile, right=_LEAST_RIGHT + rank * step)
        bidders.append(bidder)
    ledger = MemoryLedger(clock=clock, secret=f"bench {seed}".encode().ljust(32))
    return Market(ledger=ledger, bidders=bidders, tactics=(Plain(),), examples=NoExamples(), clock=clock)

"""The row `deadline`: with stragglers and a deadline, against buying one after the other and waiting for each."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from atomic.bench.routing.bidder import TableBidder
from atomic.bench.routing.learned import Trial, branched, learned
from atomic.bench.routing.outcomes import Row
from atomic.bench.steered import Answer, aimed, bought, halves, one_task, rehearsed
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.errors import CallerError
from atomic.market import Market
from atomic.protocols import Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer
from atomic.records.budget import Budget
from atomic.records.microtask import Ask
from atomic.records.request import Terms

_STRAGGLERS, _TIMES = 0.1, 8.0  # that share of attempts takes so many times as long
_DEADLINES = (0.75, 0.9)  # quantiles of the times that one after the other takes
_PRICE = "price=0.35x"  # where a second opinion is bought now and then


class Straggling:
    """A bidder of which some attempts take many times as long, and that nobody has to wait for."""

    def __init__(self, inner: TableBidder) -> None:
        self._inner = inner
        self.profile = replace(inner.profile, lasting_ns=0)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """What the inner one says, and nothing of how long it takes."""
        offer = self._inner.offer(ask, sketch)
        return offer if isinstance(offer, NoBid) else replace(offer, latency_ns=None)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """What the inner one says, some of it late; whether it is late depends on the request alone."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        reply = await self._inner.attempt(ask, plan)
        if random.Random(f"{self.profile.name} {ask.request_id}").random() < _STRAGGLERS:
            await asyncio.sleep((_TIMES - 1.0) * (loop.time() - began))
        return reply

    async def close(self) -> None:
        """The inner one."""
        await self._inner.close()


def run(folder: Path) -> dict[str, Any]:
    """Learn from half of the items, buy the others without a hurry, then with deadlines that most of those would miss.

    All else is the same: bidders (those whose latencies the table knows), stragglers, and by a budget the spending: at
    the same worth the market would pay more for being quick. `p95` is in seconds, refusals included; the ratios are
    over buying one after the other.
    """
    table = one_task(folder)
    table = replace(table, rows={name: rows for name, rows in table.rows.items() if _is_timed(rows.values())})
    if not table.rows:
        raise CallerError(f"{folder}: no bidder's latencies are known", hint="outcomes need latency_s for this row")
    clock = FrozenClock()
    return {"pack": table.name, **run_virtually(_row(next(iter(halves(table))), clock), clock)}


async def _row(trial: Trial, clock: FrozenClock) -> dict[str, Any]:
    market = _straggling(await learned(trial, clock))
    (point,) = rehearsed(market, trial, _PRICE)
    names = [item.id for item in trial.test.items]
    patient = await _play(market, trial, {name: aimed(worth=point.worth(name)) for name in names}, clock)
    spent = Budget(amount=round(_spend(patient)), requests=len(patient), when_spent="cheapest")
    found: dict[str, Any] = {"requests": len(patient), "one_after_the_other": _figures(patient)}
    for share in _DEADLINES:
        deadline_s = _quantile([one.latency_s for one in patient], share)
        terms = aimed(worth=round(point.mean), budget=spent, deadline_ns=int(deadline_s * 1e9))
        hurried = await _play(market, trial, dict.fromkeys(names, terms), clock)
        found[f"deadline_{deadline_s:.2f}s"] = _figures(hurried) | {
            "p95_ratio": round(_p95(hurried) / _p95(patient), 3),
            "spend_ratio": round(_spend(hurried) / _spend(patient), 3),
        }
    return found


def _is_timed(rows: Iterable[Row]) -> bool:
    return all(row.latency_s is not None for row in rows)


def _straggling(market: Market) -> Market:
    for name, bidder in market.bidders.items():
        if isinstance(bidder, TableBidder):
            market.bidders[name] = Straggling(bidder)
    return market


async def _play(market: Market, trial: Trial, terms: Mapping[str, Terms], clock: FrozenClock) -> list[Answer]:
    other = _straggling(await branched(market, trial, clock))
    return [await bought(other, trial, item, terms[item.id]) for item in trial.test.items]


def _figures(answers: Sequence[Answer]) -> dict[str, Any]:
    return {
        "p50": round(_quantile([one.latency_s for one in answers], 0.5), 2),
        "p95": round(_p95(answers), 2),
        "usd_per_1k": round(_spend(answers) / len(answers) / 1e6, 4),
        "right": round(sum(one.right for one in answers) / len(answers), 4),
        "refused": sum(one.refused for one in answers),
    }


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _p95(answers: Sequence[Answer]) -> float:
    return _quantile([one.latency_s for one in answers], 0.95)


def _spend(answers: Sequence[Answer]) -> float:
    return float(sum(one.price for one in answers))

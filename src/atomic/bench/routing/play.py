"""The market at work on items it has not seen, and what came of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from atomic.bench.routing.bidder import bidder_name, request_id
from atomic.bench.routing.learned import BETWEEN_S, Trial, judge, survey
from atomic.bench.routing.points import Point
from atomic.bench.routing.tasks import terms
from atomic.market import Market, Trade

Feedback = Literal["all", "bought", "none"]
_TIMED = 100  # decisions
_PLANNED = 100  # items with feedback before the market plans anew


@dataclass(frozen=True, slots=True)
class Played:
    """One item: how right the answer was, its price in nano-USD, and what the market said of it."""

    item: str
    right: float
    price: int
    probability: float
    answers: int  # bought, empty ones too
    latency_s: float


async def play(market: Market, trial: Trial, point: Point, feedback: Feedback) -> list[Played]:
    """Buy every test item in order. `feedback` on what was bought, on everybody's answers, or none, after each."""
    by_name = {bidder_name(model): rows for model, rows in trial.test.rows.items()}
    found: list[Played] = []
    again = _PLANNED
    for item in trial.test.items:
        name, call = request_id("test", item.id), trial.tasks.call(item)
        await asyncio.sleep(BETWEEN_S)
        asked = terms(point.worth(item.id), explore=feedback == "bought")
        outcome = await market.buy(call, Trade(request_id=name, domain=item.domain, terms=asked))
        winner = outcome.winner.partition("+")[0]
        right = by_name[winner][item.id].right if winner and not outcome.refused else 0.0
        bought = sum(1 for _ in market.ledger.read(request_id=name, kinds=("finished",)))
        found.append(Played(item.id, right, outcome.cost, outcome.probability, bought, outcome.latency))
        if feedback == "bought":
            await judge(market, name, item, trial.test.rows)
        elif feedback == "all":
            await survey(market, call, item, told=trial.test.rows, stage="told")
        if feedback != "none" and len(found) >= again:
            await market.planning.done()
            market.planning.hold, again = True, round(1.25 * again)
    return found


def decision_us(market: Market, trial: Trial, point: Point) -> float:
    """Median time of a first round's bids and auction, in microseconds of this machine."""
    times: list[int] = []
    for item in trial.test.items[:_TIMED]:
        call, trade = (
            trial.tasks.call(item),
            Trade(domain=item.domain, terms=terms(point.worth(item.id)), request_id=f":{item.id}"),
        )
        began = time.perf_counter_ns()
        market.preview(call, trade)
        times.append(time.perf_counter_ns() - began)
    return median(times) / 1e3


def total(played: Sequence[Played]) -> float:
    """What a mean item cost, in nano-USD."""
    return sum(one.price for one in played) / len(played)

"""The row `pacing`: a day's budget under uneven arrivals, against the best fixed multiplier in hindsight."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atomic.bench.routing.learned import Trial, branched, learned
from atomic.bench.routing.outcomes import Item
from atomic.bench.steered import Answer, aimed, bought, halves, one_task
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.market import Market
from atomic.records.budget import Budget
from atomic.records.request import Terms

SHARES = (0.3, 0.6)  # of what the best fixed bidder costs
_DAY = 86_400
_MIDNIGHT = 1_700_006_400  # 2023-11-15, UTC
_EARLIER = 3  # days that arrivals are learned from
_STEPS = 7  # of the bisection for the fixed multiplier
# Hour and width of the day's humps, with how much comes in each; the nights are quiet.
_HUMPS = ((9.5, 1.0, 5.0), (14.5, 1.8, 6.0), (20.0, 1.2, 1.5))


@dataclass(frozen=True, slots=True)
class Day:
    """Items in the order of their coming, each with the second of the day."""

    items: tuple[Item, ...]
    seconds: tuple[int, ...]


def day(items: Sequence[Item], rng: random.Random) -> Day:
    """Items spread unevenly over a day, whose humps come a little earlier or later than on other days."""
    shift = rng.uniform(-0.5, 0.5)
    weights = []
    for minute in range(0, _DAY, 60):
        hour = minute / 3600 - shift
        level = 0.05 + sum(size * math.exp(-(((hour - at) / width) ** 2)) for at, width, size in _HUMPS)
        weights.append(level * rng.uniform(0.5, 1.5))
    minutes = sorted(rng.choices(range(0, _DAY, 60), weights, k=len(items)))
    order = list(items)
    rng.shuffle(order)
    return Day(tuple(order), tuple(minutes))


def run(folder: Path) -> dict[str, Any]:
    """Learn from half of the items with labels; three earlier days of those, then a day of the others is measured.

    `spend` is that day's over its budget, `value` its right answers over those of the best fixed multiplier that spends
    no more, interpolated; the same under `cold` for a market whose very first day it is.
    """
    table = one_task(folder)
    trial = next(iter(halves(table)))
    rows = trial.learn.rows.values()
    best = max(rows, key=lambda own: sum(row.right for row in own.values()))
    fixed = sum(best[item.id].price for item in trial.learn.items) / len(trial.learn.items)
    clock = FrozenClock(_MIDNIGHT * 1_000_000_000 - 30 * _DAY * 1_000_000_000)
    found = run_virtually(_shares(trial, fixed, clock), clock)
    return {"pack": table.name, "requests": len(trial.test.items), **found}


async def _shares(trial: Trial, fixed: float, clock: FrozenClock) -> dict[str, Any]:
    market = await learned(trial, clock)
    rng = random.Random(7)
    days = []
    for _ in range(_EARLIER):
        count = min(len(trial.learn.items), round(len(trial.test.items) * rng.uniform(0.7, 1.0)))
        days.append(day(rng.sample(trial.learn.items, count), rng))
    measured = day(trial.test.items, rng)
    return {f"{share:g}x": await _share(market, trial, share * fixed, days, measured) for share in SHARES}


async def _share(market: Market, trial: Trial, mean_price: float, days: Sequence[Day], measured: Day) -> dict[str, Any]:
    amount = round(mean_price * len(measured.items))
    terms = aimed(budget=Budget(amount=amount, period="day"))
    first = _clock()
    paced = await branched(market, trial, first)
    for number, earlier in enumerate(days):
        await _play(paced, trial, earlier, terms, first, f"day{number}", _MIDNIGHT + number * _DAY)
    answers = await _play(paced, trial, measured, terms, first, "day", _MIDNIGHT + _EARLIER * _DAY)
    second = _clock()
    cold = await _play(await branched(market, trial, second), trial, measured, terms, second, "day", _MIDNIGHT)
    hindsight = await _hindsight(market, trial, measured, amount)
    return {
        "budget_usd": round(amount / 1e9, 4),
        "best_fixed_multiplier_right": round(hindsight, 2),
        **_figures(answers, amount, hindsight),
        "cold": _figures(cold, amount, hindsight),
    }


def _figures(answers: Sequence[Answer], amount: int, hindsight: float) -> dict[str, Any]:
    return {
        "spend": round(sum(one.price for one in answers) / amount, 4),
        "value": round(sum(one.right for one in answers) / hindsight, 4),
        "right": round(sum(one.right for one in answers) / len(answers), 4),
        "refused": sum(one.refused for one in answers),
    }


def _clock() -> FrozenClock:
    return FrozenClock((_MIDNIGHT - _DAY) * 1_000_000_000)


async def _play(
    market: Market, trial: Trial, played: Day, terms: Terms, clock: FrozenClock, stage: str, midnight: int
) -> list[Answer]:
    found = []
    for item, second in zip(played.items, played.seconds, strict=True):
        clock.advance(max(0, (midnight + second) * 1_000_000_000 - clock.time_ns()))
        found.append(await bought(market, trial, item, terms, stage))
    return found


async def _hindsight(market: Market, trial: Trial, measured: Day, amount: int) -> float:
    """Right answers of the best fixed multiplier that spends the budget: between the two nearest, in proportion."""
    low, high = 1e4, 1e12
    below, above = (0.0, 0.0), (math.inf, 0.0)
    for _ in range(_STEPS):
        worth = (low * high) ** 0.5
        clock = _clock()
        other = await branched(market, trial, clock)
        answers = await _play(other, trial, measured, aimed(worth=round(worth)), clock, "fixed", _MIDNIGHT)
        spent, right = float(sum(one.price for one in answers)), sum(one.right for one in answers)
        if spent <= amount:
            low, below = worth, max(below, (spent, right), key=lambda one: one[1])
        else:
            high, above = worth, (spent, right)
    if math.isinf(above[0]) or above[1] <= below[1]:
        return below[1]
    share = (amount - below[0]) / (above[0] - below[0])
    return below[1] + share * (above[1] - below[1])

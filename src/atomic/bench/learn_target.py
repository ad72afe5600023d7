"""The row `target`: a target of 95, 90 and 80 per cent is met where it can be, and called out of reach elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atomic.bench.routing.bidder import request_id
from atomic.bench.routing.learned import Trial, branched, judge, learned
from atomic.bench.routing.outcomes import Table
from atomic.bench.steered import Answer, aimed, bought, halves, one_task, rehearsed
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.progress import Progress, progress

TARGETS = (0.95, 0.9, 0.8)
_EVERY = 5
_Z = 2.5758  # both tails of one per cent


def run(folder: Path) -> dict[str, Any]:
    """Learn from half of the items with labels, buy the other half under each target, and the other way about.

    Of what is bought then, every fifth outcome is told, so that the probability of settling is calibrated.

    Steering starts where a rehearsal on the learned items says. `met` is whether the realised share of right answers
    lies within the 99 % binomial band around the target, or above it when no cheaper purchase exists (`cheapest`).
    """
    table = one_task(folder)
    found: dict[float, list[tuple[list[Answer], Progress]]] = {target: [] for target in TARGETS}
    for trial in halves(table):
        clock = FrozenClock()
        for target, result in run_virtually(_trial(trial, clock), clock).items():
            found[target].append(result)
    return {
        "pack": table.name,
        "items": len(table.items),
        **{f"target_{target:g}": _row(target, results, table) for target, results in found.items()},
    }


async def _trial(trial: Trial, clock: FrozenClock) -> dict[float, tuple[list[Answer], Progress]]:
    market = await learned(trial, clock)
    found = {}
    for target, point in zip(TARGETS, rehearsed(market, trial, *(f"target={one}" for one in TARGETS)), strict=True):
        terms = aimed(target=target, worth=round(point.mean))
        other = await branched(market, trial, clock)
        answers = []
        for number, item in enumerate(trial.test.items):
            answers.append(await bought(other, trial, item, terms))
            if number % _EVERY == 0:
                await judge(other, request_id("test", item.id), item, trial.test.rows)
        found[target] = answers, progress(other.ledger, other.beliefs, clock.time_ns())[0]
    return found


def _row(target: float, results: list[tuple[list[Answer], Progress]], table: Table) -> dict[str, Any]:
    answers = [one for some, _ in results for one in some if not one.refused]
    count = len(answers)
    right = sum(one.right for one in answers) / count
    band = _Z * (target * (1.0 - target) / count) ** 0.5
    usd = sum(one.price for one in answers) / count / 1e6
    cheapest = min(sum(row.price for row in rows.values()) / len(rows) for rows in table.rows.values()) / 1e6
    attainable = [told.attainable for _, told in results]
    met = abs(right - target) <= band or (right > target and usd <= 1.1 * cheapest)
    return {
        "right": round(right, 4),
        "low": round(target - band, 4),
        "high": round(target + band, 4),
        "usd_per_1k": round(usd, 4),
        "believed": round(sum(told.mean for _, told in results) / len(results), 4),
        "refused": sum(told.refused for _, told in results),
        "attainable": all(attainable),
        "best": round(sum(told.best or 0.0 for _, told in results) / len(results), 4),
        "cheapest": usd <= 1.1 * cheapest,
        "met": met if all(attainable) else None,
        "said": results[0][1].text(),
    }

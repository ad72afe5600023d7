"""What a run of the bench comes to: figures as JSON (schema: docs/bench-routing.schema.json), and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from atomic.bench.routing.controls import Line
from atomic.bench.routing.figures import area, calibration_error, interval
from atomic.bench.routing.matrix import Floats
from atomic.bench.routing.objectives import Objective
from atomic.bench.routing.outcomes import Table
from atomic.bench.routing.run import CONTROLS, Fold
from atomic.records.money import NANO

_PER_1K = 1_000 / NANO


def report(table: Table, found: Sequence[Fold], objectives: Sequence[Objective]) -> dict[str, Any]:
    """All figures but the time it took."""
    best = _joined([(one.test.right[:, one.best], one.test.price[:, one.best]) for one in found])
    names = Counter(one.bidders[one.best] for one in found).most_common()
    everybody = _everybody(found)
    cheapest = min(everybody, key=lambda one: one["usd_per_1k"])
    results = [_result(objective, found) for objective in objectives]
    fixed_price = float(best[1].mean()) * _PER_1K
    return {
        "pack": table.name,
        "items": sum(len(one.test.domain) for one in found),
        "bidders": everybody,
        "best_fixed": {"bidder": names[0][0], "right": float(best[0].mean()), "usd_per_1k": fixed_price},
        "results": results,
        "aiq": area(
            [(one["usd_per_1k"], one["right"]) for one in results],
            (cheapest["usd_per_1k"], cheapest["right"]),
            fixed_price,
        ),
        "apgr": None,
        "decision_us_p50": float(np.median([one.decision_us for one in found])),
        "notes": list(table.notes),
    }


def _everybody(found: Sequence[Fold]) -> list[dict[str, Any]]:
    """Every fixed bidder on the same items."""
    lines = []
    for number, name in enumerate(found[0].bidders):
        right, price = _joined([(one.test.right[:, number], one.test.price[:, number]) for one in found])
        lines.append({"bidder": name, "right": float(right.mean()), "usd_per_1k": float(price.mean()) * _PER_1K})
    return sorted(lines, key=lambda one: -float(one["right"]))


def _result(objective: Objective, found: Sequence[Fold]) -> dict[str, Any]:
    played = [one for fold in found for one in fold.plays[objective.text]]
    right, price = np.array([one.right for one in played]), np.array([one.price for one in played], dtype=float)
    probability = np.array([one.probability for one in played])
    versus: dict[str, Any] = {}
    for name in CONTROLS:
        lines = [fold.lines[objective.text][name] for fold in found]
        made = [line for line in lines if line is not None]
        versus[name] = _versus(right, price, _joined(made)) if len(made) == len(lines) else None
    return {
        "objective": objective.text,
        "right": float(right.mean()),
        "usd_per_1k": float(price.mean()) * _PER_1K,
        "answers_per_item": float(np.mean([one.answers for one in played])),
        "ece": calibration_error(probability, right),
        "probability": float(probability.mean()),
        "latency_p95": float(np.percentile([one.latency_s for one in played], 95)),
        "worth_usd": float(np.mean([fold.worths[objective.text] for fold in found])) / NANO,
        "versus": versus,
    }


def _versus(right: Floats, price: Floats, control: Line) -> dict[str, float]:
    difference = right - control[0]
    low, high = interval(difference)
    return {
        "right": float(control[0].mean()),
        "usd_per_1k": float(control[1].mean()) * _PER_1K,
        "right_diff": float(difference.mean()),
        "low": low,
        "high": high,
        "price_ratio": float(price.mean() / control[1].mean()),
    }


def _joined(lines: Sequence[Line]) -> Line:
    return np.concatenate([one[0] for one in lines]), np.concatenate([one[1] for one in lines])


def text(result: Mapping[str, Any]) -> str:
    """The figures for people."""
    return "\n".join(_text(result))


def _text(result: Mapping[str, Any]) -> Iterator[str]:
    best = result["best_fixed"]
    yield f"{result['pack']}: {result['items']} items, {len(result['bidders'])} bidders, {result['seconds']:.0f} s"
    yield from (f"  note: {note}" for note in result["notes"])
    yield f"  best fixed: {best['bidder']} right {best['right']:.3f} at ${best['usd_per_1k']:.3f}/1k"
    for one in result["results"]:
        yield ""
        yield (
            f"  {one['objective']}: right {one['right']:.3f} at ${one['usd_per_1k']:.3f}/1k, "
            f"{one['answers_per_item']:.2f} answers, ece {one['ece']:.3f}, p95 {one['latency_p95']:.1f} s"
        )
        yield f"    {'against':<12} {'right':>6} {'$/1k':>8} {'points':>7}  {'95 % interval':<16} {'price ratio':>11}"
        for name, line in one["versus"].items():
            if line is None:
                yield f"    {name:<12} cannot be made here: no answers to compare"
                continue
            between = f"[{100 * line['low']:+.1f}, {100 * line['high']:+.1f}]"
            yield (
                f"    {name:<12} {line['right']:>6.3f} {line['usd_per_1k']:>8.3f} {100 * line['right_diff']:>+7.1f}  "
                f"{between:<16} {100 * line['price_ratio']:>10.0f}%"
            )
    yield ""
    aiq = "-" if result["aiq"] is None else f"{result['aiq']:.4f}"
    yield f"  aiq {aiq}, apgr {result['apgr'] or '-'}, decision p50 {result['decision_us_p50']:.0f} µs"

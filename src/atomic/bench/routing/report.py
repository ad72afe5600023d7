"""What a run of the bench comes to, as figures and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from atomic.bench.routing.controls import Line
from atomic.bench.routing.figures import area, calibration_error, gap_recovered, interval, ranks
from atomic.bench.routing.matrix import Floats
from atomic.bench.routing.objectives import Objective
from atomic.bench.routing.outcomes import Table
from atomic.bench.routing.result import Against, Figures, Fixed, Result, Versus
from atomic.bench.routing.run import Fold
from atomic.records.money import NANO

_PER_1K = 1_000 / NANO
_NEARLY_FREE = 1e-9  # nano-USD, where a ratio to nothing is asked for


def figures(table: Table, found: Sequence[Fold], objectives: Sequence[Objective], seconds: float) -> Figures:
    """All figures of a run."""
    best = _joined([(one.test.right[:, one.best], one.test.price[:, one.best]) for one in found])
    names = Counter(one.bidders[one.best] for one in found).most_common()
    everybody = _everybody(found)
    cheapest = min(everybody, key=lambda one: one.usd_per_1k)
    results = [_result(objective, found) for objective in objectives]
    fixed = _fixed(names[0][0], best)
    return Figures(
        pack=table.name,
        items=sum(len(one.test.domain) for one in found),
        bidders=everybody,
        best_fixed=fixed,
        results=results,
        aiq=area(
            [(one.usd_per_1k, one.right) for one in results], (cheapest.usd_per_1k, cheapest.right), fixed.usd_per_1k
        ),
        apgr=_recovered(found),
        decision_us_p50=float(np.median([one.decision_us for one in found])),
        notes=list(table.notes),
        seconds=seconds,
    )


def _everybody(found: Sequence[Fold]) -> list[Fixed]:
    """Every fixed bidder on the same items, the best first."""
    lines = [
        _fixed(name, _joined([(one.test.right[:, number], one.test.price[:, number]) for one in found]))
        for number, name in enumerate(found[0].bidders)
    ]
    return sorted(lines, key=lambda one: (-one.right, one.usd_per_1k))


def _fixed(name: str, line: Line) -> Fixed:
    return Fixed(bidder=name, right=float(line[0].mean()), usd_per_1k=float(line[1].mean()) * _PER_1K)


def _result(objective: Objective, found: Sequence[Fold]) -> Result:
    played = [one for fold in found for one in fold.plays[objective.text]]
    right, price = np.array([one.right for one in played]), np.array([one.price for one in played], dtype=float)
    probability = np.array([one.probability for one in played])
    versus = {name: _versus(right, price, found, objective.text, name) for name in Versus.model_fields}
    return Result(
        objective=objective.text,
        right=float(right.mean()),
        usd_per_1k=float(price.mean()) * _PER_1K,
        answers_per_item=float(np.mean([one.answers for one in played])),
        ece=calibration_error(probability, right),
        probability=float(probability.mean()),
        latency_p95=float(np.percentile([one.latency_s for one in played], 95)),
        worth_usd=float(np.mean([fold.points[objective.text].mean for fold in found])) / NANO,
        versus=Versus.model_validate(versus),
    )


def _versus(right: Floats, price: Floats, found: Sequence[Fold], objective: str, name: str) -> Against | None:
    lines = [fold.lines[objective][name] for fold in found]
    made = [line for line in lines if line is not None]
    if len(made) < len(lines):
        return None
    control = _joined(made)
    difference = right - control[0]
    low, high = interval(difference)
    return Against(
        right=float(control[0].mean()),
        usd_per_1k=float(control[1].mean()) * _PER_1K,
        right_diff=float(difference.mean()),
        low=low,
        high=high,
        price_ratio=float(price.mean() / max(_NEARLY_FREE, control[1].mean())),
    )


def _recovered(found: Sequence[Fold]) -> dict[str, float | None] | None:
    """By task, where there are two bidders."""
    tasks = {task for fold in found for task in fold.gains}
    if not tasks:
        return None
    joined = {task: [fold.gains[task] for fold in found if task in fold.gains] for task in sorted(tasks)}
    return {
        task: gap_recovered(
            # Within a fold, since what was learned is worse where the fold itself is better, and the other way round.
            np.concatenate([ranks(one[0]) for one in parts]),
            np.concatenate([one[1] for one in parts]),
            np.concatenate([one[2] for one in parts]),
        )
        for task, parts in joined.items()
    }


def _joined(lines: Sequence[Line]) -> Line:
    return np.concatenate([one[0] for one in lines]), np.concatenate([one[1] for one in lines])


def text(found: Figures) -> str:
    """The figures for people."""
    return "\n".join(_text(found))


def _text(found: Figures) -> Iterator[str]:
    best = found.best_fixed
    yield f"{found.pack}: {found.items} items, {len(found.bidders)} bidders, {found.seconds:.0f} s"
    yield from (f"  note: {note}" for note in found.notes)
    yield f"  best fixed: {best.bidder} right {best.right:.3f} at ${best.usd_per_1k:.3f}/1k"
    for one in found.results:
        yield ""
        yield (
            f"  {one.objective}: right {one.right:.3f} at ${one.usd_per_1k:.3f}/1k, "
            f"{one.answers_per_item:.2f} answers, ece {one.ece:.3f}, p95 {one.latency_p95:.1f} s"
        )
        yield f"    {'against':<12} {'right':>6} {'$/1k':>8} {'points':>7}  {'95 % interval':<16} {'price ratio':>11}"
        for name in Versus.model_fields:
            yield f"    {name:<12} {_line(getattr(one.versus, name))}"
    yield ""
    aiq = "-" if found.aiq is None else f"{found.aiq:.4f}"
    yield f"  aiq {aiq}, decision p50 {found.decision_us_p50:.0f} µs"
    if found.apgr:
        yield f"  apgr {', '.join(f'{task} {value}' for task, value in found.apgr.items())}"


def _line(one: Against | None) -> str:
    if one is None:
        return "cannot be made here: no answers to compare"
    between = f"[{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
    return (
        f"{one.right:>6.3f} {one.usd_per_1k:>8.3f} {100 * one.right_diff:>+7.1f}  {between:<16} "
        f"{100 * one.price_ratio:>10.0f}%"
    )

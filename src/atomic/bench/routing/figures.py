"""Figures of a comparison: intervals, calibration, areas. Each says in its docstring how it is defined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atomic.bench.routing.matrix import Floats

_RESAMPLES = 2_000
_BINS = 10
_INSIDE = (2.5, 97.5)  # percentiles of a 95 % interval


def interval(differences: Floats) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a mean paired difference, items resampled; the same in every run.

    >>> low, high = interval(np.array([0.0, 1.0] * 50))
    >>> 0.35 < low < 0.5 < high < 0.65
    True
    """
    draw = np.random.default_rng(0)
    count = len(differences)
    means = [float(differences[draw.integers(0, count, count)].mean()) for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, _INSIDE)
    return float(low), float(high)


def calibration_error(probability: Floats, right: Floats) -> float:
    """Debiased calibration error over ten bins of equal mass (Kumar, Liang and Ma 2019).

    The root of the bins' mean squared gap between probability and share right, less what chance alone puts there.

    >>> calibration_error(np.full(1000, 0.5), np.array([0.0, 1.0] * 500))
    0.0
    """
    order = np.argsort(probability, kind="stable")
    total = 0.0
    for part in np.array_split(order, min(_BINS, max(1, len(order) // 2))):
        share = float(right[part].mean())
        gap = float(probability[part].mean()) - share
        chance = float(right[part].var(ddof=1)) / len(part) if len(part) > 1 else 0.0
        total += len(part) / len(order) * (gap * gap - chance)
    return float(max(0.0, total) ** 0.5)


def area(points: Sequence[tuple[float, float]], begin: tuple[float, float], end: float) -> float | None:
    """`aiq`: the mean quality of the best mixes of operating points, over prices from the cheapest bidder's to `end`.

    Quality is the upper concave hull of `points` (price, right) and `begin`, the cheapest fixed bidder, flat beyond the
    dearest point (RouterBench's average improvement in quality, Hu et al. 2024). None where `end` is no dearer.

    >>> area([(2.0, 1.0)], (0.0, 0.0), 2.0)
    0.5
    """
    if end <= begin[0]:
        return None
    hull: list[tuple[float, float]] = []
    for price, right in sorted(
        {begin, *(one for one in points if one[0] > begin[0])}, key=lambda one: (one[0], -one[1])
    ):
        if hull and right <= hull[-1][1]:
            continue
        while len(hull) > 1 and _below(hull[-2], hull[-1], (price, right)):
            hull.pop()
        hull.append((price, right))
    prices, rights = np.array([one[0] for one in hull]), np.array([one[1] for one in hull])
    grid = np.linspace(begin[0], end, 2_001)
    heights = np.interp(grid, prices, rights)
    return float((heights[1:] + heights[:-1]).sum() / 2 / (len(grid) - 1))


def _below(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    across = (middle[1] - first[1]) * (last[0] - first[0])
    return across <= (last[1] - first[1]) * (middle[0] - first[0])


def gap_recovered(gain: Floats, weak: Floats, strong: Floats) -> float | None:
    """`apgr`: how much of the gap between two bidders is recovered, the mean over all shares of calls to the better.

    Items go to the stronger in order of `gain`, what is thought to be won by it (RouteLLM's average performance gap
    recovered, Ong et al. 2024); those of equal gain in no order. None where the second is not better.

    >>> gap_recovered(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    0.75
    """
    gap = float(strong.mean() - weak.mean())
    if gap <= 0:
        return None
    _, tied = np.unique(-gain, return_inverse=True)
    each = (np.bincount(tied, strong - weak) / np.bincount(tied))[np.sort(tied)]
    won = np.concatenate([[0.0], np.cumsum(each)]) / len(gain)
    recovered = won / gap
    return round(float((recovered[1:] + recovered[:-1]).mean() / 2), 4)


def ranks(values: Floats) -> Floats:
    """Where each value stands among all, from 0 to 1; those that are equal to 0.1 % at the middle of their places.

    >>> ranks(np.array([0.2, 0.5, 0.2, 0.9])).tolist()
    [0.25, 0.625, 0.25, 0.875]
    """
    _, tied, counts = np.unique(np.round(values, 3), return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    return np.asarray(middles[tied] / len(values), dtype=np.float64)

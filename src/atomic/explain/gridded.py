"""Points of the declared grids in words: only those that change the award, the nearest of each kind and side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from atomic.explain.wording import lasting, spent_on
from atomic.grids import GridPoint
from atomic.records.money import dollars


def gridded(points: Sequence[GridPoint]) -> Iterator[str]:
    """A line for the nearest smaller and the nearest larger value at which the award is another.

    And one for who might have bid besides, of which nothing is known.
    """
    for kind in dict.fromkeys((point.what, point.key) for point in points):
        same = [point for point in points if (point.what, point.key) == kind]
        changed = [point for point in same if point.changes]
        yield from (_point(point) for point in [point for point in changed if not _more(point)][-1:])
        yield from (_point(point) for point in [point for point in changed if _more(point)][:1])
        if unknown := next((point.unknown for point in same if point.unknown), ()):
            more = "later deadline" if kind[0] == "deadline" else "higher max_price"
            yield f"With a {more} {', '.join(unknown)} might have bid too: of what, nobody recorded."


def _more(point: GridPoint) -> bool:
    return point.times[0] > (0 if point.what == "probability" else point.times[1])


def _point(point: GridPoint) -> str:
    then = spent_on(point.chosen)
    if point.what == "probability":
        side = "more" if point.times[0] > 0 else "less"
        return f"{point.key}: {abs(point.times[0]) / 100:.2f} {side} probable ({point.at:.3f}), {then}."
    if point.what == "latency":
        return f"{point.key}: expected to take {lasting(int(point.at))}, {then}."
    out = f" ({_who(point.out)} would not have bid)" if point.out else ""
    if point.what == "deadline":
        return f"With a deadline of {lasting(int(point.at))}, {then}{out}."
    return f"With a max_price of {dollars(int(point.at))}, {then}{out}."


def _who(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:3])
    return shown if len(keys) <= 3 else f"{shown} and {len(keys) - 3} more"

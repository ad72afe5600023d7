"""Operating points: the worths at which the market meets an objective, found on learn items alone.

At each of some worths a rehearsal says what a mean item costs and how probably its answer is right. The upper hull of
that is the best there is to be had: between two of its points an objective is met by buying a share of the items at the
one worth and the rest at the other, drawn by a hash of the item. So what is spent comes out as asked, although a price
jumps where another bidder becomes worth asking; and a worth below the hull, where more money buys less, is never used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atomic.bench.routing.objectives import Objective
from atomic.bench.routing.outcomes import Item, Row
from atomic.bench.routing.rehearsal import Rehearsal, Rehearsed

_CHEAPEST, _DEAREST = 2.0, 3_000.0  # worths that are tried, over the lowest and the highest mean price
_COARSE, _FINE = 16, 8  # worths tried on some items; then on all of them, around the point on the hull
_ANSWERED = 0.99  # of the items


@dataclass(frozen=True, slots=True)
class Point:
    """A share of the items is bought at the worth `high`, the rest at `low`; both in nano-USD."""

    low: int
    high: int
    share: float = 0.0

    @property
    def mean(self) -> float:
        """The mean worth, in nano-USD."""
        return self.low + self.share * (self.high - self.low)

    def worth(self, item: str) -> int:
        """The worth at which an item is bought."""
        drawn = int.from_bytes(hashlib.sha256(f"operating point of {item}".encode()).digest()[:8])
        return self.high if drawn < self.share * 2.0**64 else self.low


def point_for(objective: Objective, rehearsal: Rehearsal, best_fixed: Callable[[Item], Row]) -> Point:
    """The operating point of an objective.

    `price` and `budget`: what it spends on learn items is that share of what the best fixed bidder costs there, or that
    much. `target`: its own mean probability is that high; the dearest point where it never is. Never so little that
    items stay without an answer, which whoever is compared with gives.
    """
    if objective.kind == "worth":
        return Point(round(objective.value), round(objective.value))
    most = objective.value
    if objective.kind == "price":
        # Against the best fixed bidder on the same items: that some of them are long cancels out.
        most *= sum(best_fixed(item).price for item in rehearsal.items) / len(rehearsal.items)

    def measure(found: Rehearsed) -> float:
        return found.probability if objective.kind == "target" else found.price

    low, high = rehearsal.prices
    ratio = (_DEAREST * high / (_CHEAPEST * low)) ** (1.0 / (_COARSE - 1))
    worths = [max(1, round(_CHEAPEST * low * ratio**step)) for step in range(_COARSE)]
    found = hull(worths, rehearsal.roughly)
    after = next((n for n, worth in enumerate(found) if measure(rehearsal.roughly(worth)) > most), len(found) - 1)
    near = found[max(0, after - 2) : after + 2]
    finer = {*near, *(round(near[0] * (near[-1] / near[0]) ** (step / _FINE)) for step in range(1, _FINE))}
    return _between(hull(sorted(finer), rehearsal.at), rehearsal.at, measure, most)


def hull(worths: Sequence[int], at: Callable[[int], Rehearsed]) -> list[int]:
    """The worths on the upper hull of probability over price, the cheapest first; all answer if any does."""
    answering = [worth for worth in worths if at(worth).answered >= _ANSWERED] or [worths[-1]]
    found: list[int] = []
    for worth in sorted(answering, key=lambda one: (at(one).price, -at(one).probability)):
        here = at(worth)
        if found and here.probability <= at(found[-1]).probability:
            continue
        while len(found) > 1 and not _bends(at(found[-2]), at(found[-1]), here):
            found.pop()
        found.append(worth)
    return found


def _bends(one: Rehearsed, other: Rehearsed, last: Rehearsed) -> bool:
    gained, paid = other.probability - one.probability, other.price - one.price
    return gained * (last.price - other.price) > (last.probability - other.probability) * paid


def _between(
    found: Sequence[int], at: Callable[[int], Rehearsed], measure: Callable[[Rehearsed], float], most: float
) -> Point:
    """The point on the hull at which a measure, which grows along it, is as asked; its end where that is beyond."""
    after = next((n for n, worth in enumerate(found) if measure(at(worth)) > most), len(found))
    if after in {0, len(found)}:
        end = found[0] if after == 0 else found[-1]
        return Point(end, end)
    low, high = found[after - 1], found[after]
    below, above = measure(at(low)), measure(at(high))
    return Point(low, high, (most - below) / (above - below))

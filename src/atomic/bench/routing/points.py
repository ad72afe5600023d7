"""Operating points: the worths at which the market meets an objective, found on learn items alone.

At each of some worths a rehearsal says what a mean item costs. Between two neighbours an objective is met by buying a
share of the items at the one worth and the rest at the other, drawn by a hash of the item. So what is spent comes out
as asked, although a price jumps where another bidder becomes worth asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atomic.bench.routing.objectives import Objective
from atomic.bench.routing.outcomes import Item, Row
from atomic.bench.routing.rehearsal import Rehearsal, Rehearsed

_CHEAPEST, _DEAREST = 2.0, 3_000.0  # worths that are tried, over the lowest and the highest mean price
_COARSE, _FINE = 20, 6  # worths tried on some items; then on all of them, between the two around the point
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
    worths = between(_CHEAPEST * low, _DEAREST * high, _COARSE)
    after = _first(worths, lambda worth: measure(rehearsal.roughly(worth)) > most)
    before = max(0, after - 1)
    near = [*worths[max(0, before - 1) : before], *between(worths[before], worths[min(after, len(worths) - 1)], _FINE)]
    near += worths[after + 1 : after + 2]
    return mixed(near, rehearsal.at, measure, most)


def between(low: float, high: float, count: int) -> list[int]:
    """So many worths from one to the other, by equal ratios.

    >>> between(10, 1_000, 3), between(5, 5, 6)
    ([10, 100, 1000], [5])
    """
    return sorted({max(1, round(low * (high / low) ** (step / (count - 1)))) for step in range(count)})


def mixed(
    worths: Sequence[int], at: Callable[[int], Rehearsed], measure: Callable[[Rehearsed], float], most: float
) -> Point:
    """The share of two neighbouring worths at which a measure is as asked; the first or the last where it is beyond."""
    answering = [worth for worth in worths if at(worth).answered >= _ANSWERED] or [worths[-1]]
    after = _first(answering, lambda worth: measure(at(worth)) > most)
    if after in {0, len(answering)}:
        end = answering[0] if after == 0 else answering[-1]
        return Point(end, end)
    low, high = answering[after - 1], answering[after]
    below, above = measure(at(low)), measure(at(high))
    return Point(low, high, (most - below) / (above - below))


def _first(worths: Sequence[int], enough: Callable[[int], bool]) -> int:
    return next((number for number, worth in enumerate(worths) if enough(worth)), len(worths))

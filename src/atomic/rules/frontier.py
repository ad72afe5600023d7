"""The frontier: what answers cost and how probably they are right, at each worth.

Nothing has to be bought for it. The value of a request at worth w is Q(w) = w x right(w) - price(w), the best there is;
so it is convex in w, its slope is the probability of being right at the end of the best plan, and what is left is that
plan's price (the envelope theorem). Two auctions of one recorded round at neighbouring worths therefore say where on
the frontier that request lies between them, later rounds included, as far as the valuation looks ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from atomic.protocols import Valuation
from atomic.records.award import Position, Slate, Table

_POINTS, _CHEAPEST, _DEAREST = 14, 1.02, 3_000.0
_NEARLY = 0.002  # what is so near to the most that can be reached is that


@dataclass(frozen=True, slots=True)
class Point:
    """At this worth (nano-USD) a request costs `price` (nano-USD) on average and is `right` with that probability."""

    worth: int
    price: float
    right: float


@dataclass(frozen=True, slots=True)
class Held:
    """A first round as it was held."""

    position: Position
    slate: Slate
    table: Table


def frontier(rounds: Sequence[Held], valuation: Valuation) -> tuple[Point, ...]:
    """Points of the frontier in order of worth, as means over first rounds; none where nothing has a price."""
    prices = [bid.price for one in rounds for bid in one.slate.bids if bid.price > 0]
    if not prices:
        return ()
    low, high = _CHEAPEST * min(prices), _DEAREST * max(prices)
    ratio = (high / low) ** (1.0 / (_POINTS - 1))
    worths = [max(1, round(low * ratio**number)) for number in range(_POINTS)]
    values = [_mean_value(rounds, worth, valuation) for worth in worths]
    points: list[Point] = []
    for (worth, value), (dearer, more) in pairwise(zip(worths, values, strict=True)):
        if dearer > worth:
            right = min(1.0, max(0.0, (more - value) / (dearer - worth)))
            price = max(0.0, worth * right - value, dearer * right - more)
            points.append(Point(round((worth * dearer) ** 0.5), price, right))
    return tuple(points)


def _mean_value(rounds: Sequence[Held], worth: int, valuation: Valuation) -> float:
    total = 0.0
    for one in rounds:
        terms = replace(one.position.terms, worth=worth)
        _, _, valued = valuation(
            replace(one.position, terms=terms, state=replace(one.position.state, answered=(), worth=worth)),
            one.slate,
            one.table,
        )
        total += max((action.score for action in valued), default=0)
    return max(0.0, total / len(rounds))


def worth_for_price(points: Sequence[Point], price: float) -> int:
    """The worth at which a request costs so much on average; 0 without a frontier."""
    reached = [one for one in points if one.price <= price]
    if not points or not reached:
        return points[0].worth if points else 0
    last = reached[-1]
    beyond = [one for one in points if one.worth > last.worth and one.price > price]
    if not beyond:
        return next(one.worth for one in points if one.right >= points[-1].right - _NEARLY)
    share = (price - last.price) / (beyond[0].price - last.price)
    return round(last.worth * float((beyond[0].worth / last.worth) ** share))


def worth_for_right(points: Sequence[Point], right: float) -> int:
    """The least worth at which answers are right with this probability, or nearly the most there is; 0 without any."""
    wanted = min(right, points[-1].right - _NEARLY) if points else 0.0
    for before, after in pairwise(points):
        if before.right < wanted <= after.right:
            share = (wanted - before.right) / (after.right - before.right)
            return round(before.worth * float((after.worth / before.worth) ** share))
    return points[0].worth if points else 0

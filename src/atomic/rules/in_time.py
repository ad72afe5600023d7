"""Deadlines: an answer that comes too late is worth nothing, and is paid for all the same.

Where waiting has no price of its own, the values of a valuation become, for a bid a with gain g(a) = score + cost,

    score'(a)  = t(a) g(a) - c(a) + (1 - t(a)) max(0, max over b of t'(b) g(b) - c(b))
    score'(ab) = t(a) g(a) + (1 - t(a)) t(b) g(b) - c(a) - c(b)           for two bought at once, g(a) >= g(b)

t is the chance to be in time: the log-logistic of `hedging.Duration`, up to the moment until which one bid is waited
for when a runner-up is to have a chance (t'). Two at once pay where that leaves the runner-up too little time. Their
value is a lower bound: what it is worth that both come in time and agree is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from atomic.protocols import Valued
from atomic.records.award import Position, Slate
from atomic.records.bid import Bid
from atomic.rules.hedging import Duration

_SURELY = 0.999
_IN_PAIRS = 4


def in_time(position: Position, slate: Slate, valued: Sequence[Valued]) -> Sequence[Valued]:
    """The actions as they are worth under the deadline, and pairs; as they were where everybody is surely in time."""
    left = float(max(0, position.terms.deadline_ns - position.elapsed_ns))
    bids = {bid.key: bid for bid in slate.bids}
    used = {key for one in valued for key in one.action}
    kept = {key: _waited_for(bids[key], left) for key in used}
    if position.terms.latency_price > 0 or all(_chance(bids[key], kept[key]) >= _SURELY for key in used):
        return valued
    return _Deadline(position, bids, left, kept).valued(valued)


def _waited_for(bid: Bid, left: float) -> float:
    """How long a bid is waited for while somebody else is to have a chance: see `execute.patience_ns`."""
    return max(left / 2, min(left, 2.0 * bid.latency_ns))


def _chance(bid: Bid, within_ns: float) -> float:
    return Duration.of(bid).within(within_ns)


class _Deadline:
    """One position's sums."""

    def __init__(self, position: Position, bids: Mapping[str, Bid], left: float, kept: Mapping[str, float]) -> None:
        self._position = position
        self._money = 1.0 + position.shadow_price
        self._bids = bids
        self._left = left
        self._kept = kept

    def valued(self, valued: Sequence[Valued]) -> list[Valued]:
        gains = {one.action[0]: one.score + self._cost(one) for one in valued if len(one.action) == 1}
        found = [self._alone(one, gains) if len(one.action) == 1 else self._together(one) for one in valued]
        singles = sorted(
            (one for one in found if len(one.action) == 1), key=lambda one: (-one.score, one.price, one.action)
        )
        known = {one.action for one in found}
        for first, second in combinations(singles[:_IN_PAIRS], 2):
            pair = self._pair(first, second, gains)
            if pair is not None and pair.action not in known:
                found.append(pair)
        return found

    def _cost(self, one: Valued) -> float:
        return self._money * one.price

    def _alone(self, one: Valued, gains: Mapping[str, float]) -> Valued:
        (key,) = one.action
        waited = self._kept[key]
        chance, cost = _chance(self._bids[key], waited), self._cost(one)
        then, uses = 0.0, set(one.uses)
        for other, gain in sorted(gains.items()):
            bid = self._bids[other]
            if other != key:
                value = _chance(bid, self._left - waited) * gain - self._money * bid.price
                then = max(then, value)
                uses |= {other} if value > 0.0 else set()
        score = chance * gains[key] - cost + (1.0 - chance) * then
        return replace(one, score=_whole(score), uses=tuple(sorted(uses)))

    def _together(self, one: Valued) -> Valued:
        """Of several that a valuation would buy at once, as if all had to be in time."""
        chance, cost = 1.0, self._cost(one)
        for key in one.action:
            chance *= _chance(self._bids[key], self._left)
        return replace(one, score=_whole(chance * (one.score + cost) - cost))

    def _pair(self, first: Valued, second: Valued, gains: Mapping[str, float]) -> Valued | None:
        keys = tuple(sorted((*first.action, *second.action)))
        one, other = sorted((self._bids[key] for key in keys), key=lambda bid: (-gains[bid.key], bid.key))
        ceilings = one.offer.ceiling + other.offer.ceiling
        if one.offer.bidder == other.offer.bidder or self._position.spent + ceilings > self._position.terms.max_price:
            return None
        chance = _chance(one, self._left)
        value = chance * gains[one.key] + (1.0 - chance) * _chance(other, self._left) * gains[other.key]
        price = one.price + other.price
        uses = tuple(sorted({*first.uses, *second.uses}))
        return Valued(keys, _whole(value - self._money * price), price, uses)


def _whole(score: float) -> int:
    """Scores are compared as integers."""
    return int(score + 0.5) if score >= 0.0 else -int(0.5 - score)

"""Deadlines: an answer that comes too late is worth nothing, and is paid for all the same.

Where waiting has no price of its own, the values of a valuation become, for a bid a with gain g(a) = score + cost c(a),
a deadline in L, and a runner-up b that is asked beside a slow a after w (see `hedging`),

    score'(a)  = t(a, L) g(a) - c(a) + max(0, max over b of (1 - t(a, L)) t(b, L - w) g(b) - (1 - t(a, w)) c(b))
    score'(ab) = t(a, L) g(a) - c(a) + (1 - t(a, L)) t(b, L) g(b) - c(b)          for two at once, g(a) >= g(b)

t(a, T) is the chance to take no longer than T: the log-logistic of `hedging.Duration`. Two at once pay where waiting to
see whether a is slow would leave b too little time. Both values leave out what it is worth that both come and agree.
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
_SLOW = 1.5  # mean times after which an attempt is taken for a slow one


def in_time(position: Position, slate: Slate, valued: Sequence[Valued]) -> Sequence[Valued]:
    """The actions as they are worth under the deadline, and pairs; as they were where everybody is surely in time."""
    left = float(max(0, position.terms.deadline_ns - position.elapsed_ns))
    bids = {bid.key: bid for bid in slate.bids}
    used = {key for one in valued for key in one.action}
    if position.terms.latency_price > 0 or all(_surely(bids[key], left) for key in used):
        return valued
    return _Deadline(position, bids, left).valued(valued)


def _surely(bid: Bid, left: float) -> bool:
    # Three nines lie at scale * ratio ** 3.15 of a log-logistic: what has a ratio more is told without its logarithms.
    return Duration.longest(bid) <= left or _chance(bid, left) >= _SURELY


def _chance(bid: Bid, within_ns: float) -> float:
    return Duration.of(bid).within(within_ns)


class _Deadline:
    """One position's sums."""

    def __init__(self, position: Position, bids: Mapping[str, Bid], left: float) -> None:
        self._position = position
        self._money = 1.0 + position.shadow_price
        self._bids = bids
        self._left = left

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
        bid = self._bids[key]
        slow = min(self._left, _SLOW * bid.latency_ns)
        chance, late, slower = _chance(bid, self._left), 1.0 - _chance(bid, self._left), 1.0 - _chance(bid, slow)
        then, uses = 0.0, set(one.uses)
        for other, gain in sorted(gains.items()):
            runner_up = self._bids[other]
            value = late * _chance(runner_up, self._left - slow) * gain - slower * self._money * runner_up.price
            if other != key and value > 0.0:
                then, uses = max(then, value), uses | {other}
        score = chance * gains[key] - self._cost(one) + then
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

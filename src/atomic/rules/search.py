"""One position's search: every action that is looked at, with what the states that it leads to are worth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from atomic.protocols import Valued
from atomic.records.award import Position
from atomic.records.bid import Bid
from atomic.rules.induction import Odds, Values, induced
from atomic.rules.states import Flags, Floats, Structure

MOST_FREE, _IN_PAIRS = 5, 4
_NEVER = 1e290


class Search:
    """One position's values: singles, pairs where waiting costs, and all free ones at once."""

    def __init__(
        self,
        position: Position,
        shape: Structure,
        found: Odds,
        moves: Floats,
        names: Sequence[str],
        bids: dict[str, Bid],
    ) -> None:
        self._position, self._shape, self._bids = position, shape, bids
        self._money = 1.0 + position.shadow_price
        self._waiting = position.terms.latency_price / 1e9  # nano-USD per nanosecond
        self._number = {key: number for number, key in enumerate(names)}
        costs = np.full(len(names), _NEVER)
        for key, bid in bids.items():
            costs[self._number[key]] = self._money * bid.price + self._waiting * bid.latency_ns
        self._costs = costs
        self._moves = moves
        self._values: Values = induced(shape, found, moves, costs, float(position.terms.worth), self._affordable(names))
        answered = {self._number[one.key]: one.group for one in position.state.answered}
        self._root, _ = shape.number(answered)
        self._stop = float(self._values.stopping[self._root]) if answered else 0.0
        self._uses = tuple(sorted(bids))

    def _affordable(self, names: Sequence[str]) -> Flags | None:
        """Where each bid's ceiling still fits under the price beside what was bought on the way; None: everywhere."""
        ceilings = [self._bids[key].offer.ceiling if key in self._bids else 0 for key in names]
        left = self._position.terms.max_price - self._position.spent
        if sum(ceilings) <= left:
            return None
        taken = np.zeros(len(self._shape.members), dtype=np.int64)
        for number, ceiling in enumerate(ceilings):
            taken += ((self._shape.members >> number) & 1) * ceiling
        return np.asarray(taken[:, None] + np.array(ceilings, dtype=np.int64) <= left)

    def valued(self) -> list[Valued]:
        found = []
        for key in self._uses:
            column = self._number[key]
            total = float(self._values.buying[self._root, column]) - float(self._costs[column])
            found.append(self._action((key,), total))
        if self._waiting > 0.0:
            best = sorted(found, key=lambda one: (-one.score, one.price, one.action))[:_IN_PAIRS]
            for keys in combinations(sorted(one.action[0] for one in best), 2):
                if self._fits(keys):
                    found.append(self._together(keys))
        free = [key for key in self._uses if self._bids[key].price == 0 and self._bids[key].offer.ceiling == 0]
        of_bidder = {self._bids[key].offer.bidder: key for key in sorted(free, key=self._likely)}
        most = min(MOST_FREE, self._shape.depth - len(self._position.state.answered))
        at_once = sorted(of_bidder.values(), key=lambda key: (-self._bids[key].probability, key))[:most]
        if len(at_once) > 2:
            found.append(self._together(tuple(sorted(at_once))))
        return found

    def _likely(self, key: str) -> tuple[float, str]:
        return self._bids[key].probability, key

    def _fits(self, keys: Sequence[str]) -> bool:
        offers = [self._bids[key].offer for key in keys]
        ceilings = sum(offer.ceiling for offer in offers)
        apart = len({offer.bidder for offer in offers}) == len(offers)
        return apart and self._position.spent + ceilings <= self._position.terms.max_price

    def _together(self, keys: tuple[str, ...]) -> Valued:
        """Several at once: all their prices, but the waiting of the slowest only."""
        slowest = max(self._bids[key].latency_ns for key in keys)
        cost = self._money * sum(self._bids[key].price for key in keys) + self._waiting * slowest
        return self._action(keys, self._after(self._root, [self._number[key] for key in keys]) - cost)

    def _after(self, state: int, columns: Sequence[int]) -> float:
        if not columns:
            return float(self._values.worth[state])
        total = 0.0
        for then, chance in zip(self._shape.after[state, columns[0]], self._moves[state, columns[0]], strict=True):
            if chance > 0.0 and then < len(self._shape.members):
                total += float(chance) * self._after(int(then), columns[1:])
        return total

    def _action(self, keys: tuple[str, ...], total: float) -> Valued:
        score = total - self._stop
        whole = int(score + 0.5) if score >= 0.0 else -int(0.5 - score)
        return Valued(keys, max(-(1 << 62), whole), sum(self._bids[key].price for key in keys), self._uses)

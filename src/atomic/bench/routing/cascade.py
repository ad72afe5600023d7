"""Two answers, then a third: the cascade that a team would write by hand, with and without labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atomic.bench.routing.controls import Line, by_domain
from atomic.bench.routing.matrix import Floats, Ints, Matrix

_STEPS = 40
_ROUNDS = 30
_VERY_MANY = 1000.0
_TEMPER = 0.5  # models err together: a vote counts for less than an independent one


@dataclass(frozen=True, slots=True)
class Cascades:
    """Every cascade of a table, by domain: ask `first` and `second`; where they differ ask `third` and take its answer.

    One bidder alone is a cascade whose three are the same.
    """

    first: Ints
    second: Ints
    third: Ints
    right: Floats  # domains by cascades, the last row for domains never seen
    price: Floats

    def chosen(self, spend: float, weights: Floats) -> Ints:
        """The cascade of each domain, such that a mean item costs at most `spend`: the best that a budget buys."""
        low, high = 0.0, 1e3 / max(1.0, float(self.price.min()))
        if self._mean(self._at(low), weights) <= spend:
            return self._at(low)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._mean(self._at(middle), weights) > spend else (low, middle)
        return self._at(high)

    def _at(self, rate: float) -> Ints:
        return np.asarray((self.right - rate * self.price).argmax(axis=1))

    def _mean(self, chosen: Ints, weights: Floats) -> float:
        return float((self.price[np.arange(len(chosen)), chosen] * weights).sum())


def cascades(learn: Matrix, right: Floats, count: int) -> Cascades:
    """All of them, with what they were right and cost on learn items; `right` is what is known or thought of that."""
    bidders = learn.right.shape[1]
    names, rights, prices = [], [], []
    for first in range(bidders):
        for second in range(first, bidders):
            if first == second:
                names.append(np.array([[first, first, first]]))
                rights.append(right[:, [first]])
                prices.append(learn.price[:, [first]])
                continue
            differ = (learn.said[:, first] != learn.said[:, second])[:, None]
            others = [one for one in range(bidders) if one not in {first, second}]
            if not others:
                continue
            names.append(np.array([[first, second, one] for one in others]))
            agreed = (right[:, [first]] + right[:, [second]]) / 2  # equal answers, which graders may judge apart
            rights.append(np.where(differ, right[:, others], agreed))
            both = learn.price[:, [first]] + learn.price[:, [second]]
            prices.append(both + differ * learn.price[:, others])
    by_name = np.concatenate(names)
    return Cascades(
        first=by_name[:, 0],
        second=by_name[:, 1],
        third=by_name[:, 2],
        right=np.concatenate([by_domain(one, learn.domain, count) for one in rights], axis=1),
        price=np.concatenate([by_domain(one, learn.domain, count) for one in prices], axis=1),
    )


def played(found: Cascades, learn: Matrix, test: Matrix, spend: float) -> Line:
    """The cascade of each domain at matched cost, on test items."""
    counts = np.array([float((learn.domain == one).sum()) for one in range(len(found.right) - 1)] + [0.0])
    chosen = found.chosen(spend, counts / counts.sum())[test.domain]
    rows = np.arange(len(chosen))
    first, second, third = found.first[chosen], found.second[chosen], found.third[chosen]
    alone = first == second
    differ = (test.said[rows, first] != test.said[rows, second]) & ~alone
    right = np.where(differ, test.right[rows, third], test.right[rows, first])
    price = test.price[rows, first] + ~alone * test.price[rows, second] + differ * test.price[rows, third]
    return right, price


def thought_right(learn: Matrix, alternatives: float) -> Floats:
    """How probably each answer is right, from agreement alone: Dawid and Skene's one-coin model with tempered votes."""
    same = learn.said[:, :, None] == learn.said[:, None, :]
    size = same.sum(axis=2)
    posterior = size / learn.said.shape[1]
    wrong = (alternatives or _VERY_MANY) - 1.0
    for _ in range(_ROUNDS):
        accuracy = np.clip(posterior.mean(axis=0), 0.02, 0.98)
        votes = _TEMPER * np.log(accuracy * wrong / (1.0 - accuracy))
        scores = np.exp(np.clip((same * votes).sum(axis=2), -500, 500))
        unsaid = max(1.0, wrong + 1.0 - learn.said.shape[1])
        posterior = scores / ((scores / size).sum(axis=1, keepdims=True) + unsaid)
    return np.asarray(posterior, dtype=np.float64)

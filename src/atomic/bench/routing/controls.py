"""What a team would try first, each learned from the same items and labels as the market, and as plain as it gets.

Each control gives, for every test item, how right it was and what it cost.
"""

from __future__ import annotations

import numpy as np

from atomic.bench.routing.matrix import Floats, Ints, Matrix

_PSEUDO = 100.0  # items of the whole that a domain's own are mixed with: with 20 these controls are a point weaker
_CONFIDENCE = 0.3  # of LinUCB: how much it likes what it knows little of
_NEGLIGIBLE = 1e-12
_WEIGHTS = (0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.8)  # what the dearest bidder's price counts beside being right

Line = tuple[Floats, Floats]  # right and price of each test item


def best_of(learn: Matrix) -> int:
    """The bidder that is right most often; of equals the cheapest."""
    return int(np.lexsort((learn.price.mean(axis=0), -learn.right.mean(axis=0)))[0])


def fixed(test: Matrix, bidder: int) -> Line:
    """One bidder answers everything."""
    return test.right[:, bidder], test.price[:, bidder]


def by_domain(values: Floats, domain: Ints, count: int) -> Floats:
    """The mean of each column in each domain, shrunk towards that of all; the last row is that of all."""
    whole = values.mean(axis=0)
    means = [
        (values[domain == one].sum(axis=0) + _PSEUDO * whole) / (int((domain == one).sum()) + _PSEUDO)
        for one in range(count)
    ]
    return np.array([*means, whole])


def per_domain(learn: Matrix, test: Matrix, count: int) -> Line:
    """In each domain the bidder that is right most often there."""
    chosen = by_domain(learn.right, learn.domain, count).argmax(axis=1)[test.domain]
    rows = np.arange(len(test.domain))
    return test.right[rows, chosen], test.price[rows, chosen]


def random_mix(learn: Matrix, test: Matrix, spend: float) -> Line:
    """Two bidders in turns, such that a mean item costs `spend`: the best that tossing a coin can do.

    The pair is a neighbouring one on the upper hull of quality over price on learn items; the coin's expectation.
    """
    hull = _hull(learn.price.mean(axis=0), learn.right.mean(axis=0))
    prices = [float(test.price[:, one].mean()) for one in hull]
    if spend <= prices[0]:
        return fixed(test, hull[0])
    for one, other, low, high in zip(hull, hull[1:], prices, prices[1:], strict=False):
        if low <= spend < high:
            share = (spend - low) / (high - low)
            return (
                (1 - share) * test.right[:, one] + share * test.right[:, other],
                (1 - share) * test.price[:, one] + share * test.price[:, other],
            )
    return fixed(test, hull[-1])


def _hull(price: Floats, right: Floats) -> list[int]:
    """Bidders on the upper concave hull, from the cheapest to the best."""
    hull: list[int] = []
    for one in np.lexsort((-right, price)):
        if hull and right[one] <= right[hull[-1]] + _NEGLIGIBLE:
            continue
        while len(hull) > 1:
            first, last = hull[-2], hull[-1]
            before = (right[last] - right[first]) * (price[one] - price[first])
            if before > (right[one] - right[first]) * (price[last] - price[first]):
                break
            hull.pop()
        hull.append(int(one))
    return hull


def oracle(test: Matrix) -> Line:
    """Who knows the answers asks the cheapest of those who are right most; nobody can."""
    most = test.right.max(axis=1)
    price = np.where(test.right >= most[:, None], test.price, np.inf).min(axis=1)
    return most, price


class LinUcb:
    """LinUCB (Li et al. 2010) over domain and length: it learns only of the bidder it chose, learn items first.

    Its reward is being right less the price at some rate; each of several rates is played through, and the one whose
    choices on learn items cost next to what is spent is compared.
    """

    def __init__(self, learn: Matrix, test: Matrix, domains: int) -> None:
        self._test = test
        dearest = float(learn.price.mean(axis=0).max()) or 1.0  # where all are free no rate matters
        rates = [weight / dearest for weight in _WEIGHTS]
        self._played = [_played(learn, test, domains, rate) for rate in rates]

    def at(self, spend: float) -> Line:
        """At matched cost."""
        _, chosen = min(self._played, key=lambda one: abs(np.log(max(one[0], 1.0) / max(spend, 1.0))))
        rows = np.arange(len(chosen))
        return self._test.right[rows, chosen], self._test.price[rows, chosen]


def _played(learn: Matrix, test: Matrix, domains: int, rate: float) -> tuple[float, Ints]:
    """The mean price of its last choices among the learn items, and its choices among the test items."""
    bidders, width = learn.right.shape[1], domains + 2
    inverse = np.repeat(np.eye(width)[None], bidders, axis=0)
    rewards, weights = np.zeros((bidders, width)), np.zeros((bidders, width))
    cost = learn.price.mean(axis=0) * rate
    centre = float(learn.length.mean())
    inputs = [_inputs(part, domains, centre) for part in (learn, test)]
    for index, x in enumerate(inputs[0]):
        spread = np.maximum(0.0, (inverse @ x) @ x)
        one = int(np.argmax(weights @ x + _CONFIDENCE * np.sqrt(spread) - cost))
        along = inverse[one] @ x
        inverse[one] -= np.outer(along, along) / (1.0 + x @ along)
        rewards[one] += learn.right[index, one] * x
        weights[one] = inverse[one] @ rewards[one]
    learnt, chosen = ((part @ weights.T - cost).argmax(axis=1) for part in inputs)
    return float(learn.price[np.arange(len(learnt)), learnt].mean()), np.asarray(chosen)


def _inputs(part: Matrix, domains: int, centre: float) -> Floats:
    inputs = np.zeros((len(part.domain), domains + 2))
    known = np.flatnonzero(part.domain >= 0)
    inputs[known, part.domain[known]] = 1.0
    inputs[:, domains], inputs[:, domains + 1] = 1.0, (part.length - centre) / 2.0
    return inputs

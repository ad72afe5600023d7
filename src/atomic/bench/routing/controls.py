"""What a team would try first, each learned from the same items and labels as the market, and as plain as it gets.

Each control gives, for every test item, how right it was and what it cost.
"""

from __future__ import annotations

import numpy as np

from atomic.bench.routing.matrix import Floats, Ints, Matrix

_PSEUDO = 20.0  # items of the whole that a domain's own are mixed with
_CONFIDENCE = 0.3  # of LinUCB: how much it likes what it knows little of
_NEGLIGIBLE = 1e-12

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


def linucb(learn: Matrix, test: Matrix, count: int, worth: float) -> Line:
    """LinUCB (Li et al. 2010) over domain and length: it learns only of the bidder it chose, learn items first."""
    bidders = learn.right.shape[1]
    width = count + 2
    inverse = np.repeat(np.eye(width)[None], bidders, axis=0)
    rewards, weights = np.zeros((bidders, width)), np.zeros((bidders, width))
    cost = learn.price.mean(axis=0) / max(worth, 1.0)
    chosen: list[int] = []
    centre = float(learn.length.mean())
    for part, taught in ((learn, True), (test, False)):
        for index, domain in enumerate(part.domain):
            x = np.zeros(width)
            x[domain if domain >= 0 else count] = 1.0
            x[count], x[count + 1] = 1.0, (part.length[index] - centre) / 2.0
            spread = np.einsum("i,bij,j->b", x, inverse, x) if taught else np.zeros(bidders)
            one = int(np.argmax(weights @ x + _CONFIDENCE * np.sqrt(spread) - cost))
            if not taught:
                chosen.append(one)
                continue
            along = inverse[one] @ x
            inverse[one] -= np.outer(along, along) / (1.0 + x @ along)
            rewards[one] += part.right[index, one] * x
            weights[one] = inverse[one] @ rewards[one]
    rows, arms = np.arange(len(chosen)), np.array(chosen)
    return test.right[rows, arms], test.price[rows, arms]

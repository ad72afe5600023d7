"""An outcome table as arrays, for controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atomic.bench.routing.outcomes import Table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Items by bidders. `price` in nano-USD; `said`: equal numbers in a row are equal answers; below 0: equal to none.

    `domain` numbers the domains of the learn table; -1 for one that is not in it.
    """

    right: Floats
    price: Floats
    said: Ints
    domain: Ints
    length: Floats

    def rows(self, chosen: NDArray[np.bool_]) -> Matrix:
        """Some of the items."""
        return Matrix(
            self.right[chosen], self.price[chosen], self.said[chosen], self.domain[chosen], self.length[chosen]
        )


def domains_of(table: Table) -> dict[str, int]:
    """The table's domains, numbered in order of name."""
    return {domain: number for number, domain in enumerate(sorted({item.domain for item in table.items}))}


def matrix(table: Table, domains: Mapping[str, int]) -> Matrix:
    """The arrays of a table."""
    rows = [[table.rows[bidder][item.id] for bidder in table.bidders] for item in table.items]
    said = np.zeros((len(rows), len(table.bidders)), dtype=np.int64)
    for index, row in enumerate(rows):
        known: dict[str, int] = {}
        for number, one in enumerate(row):
            said[index, number] = known.setdefault(one.answer, len(known)) if one.answer else -1 - number
    return Matrix(
        right=np.array([[one.right for one in row] for row in rows]),
        price=np.array([[one.price for one in row] for row in rows], dtype=float),
        said=said,
        domain=np.array([domains.get(item.domain, -1) for item in table.items]),
        length=np.log1p(np.array([len(item.text) for item in table.items], dtype=float)),
    )

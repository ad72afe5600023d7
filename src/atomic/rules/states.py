"""Agreement states of a few bids: who has answered, and which of them agree. Built once for each number of bids.

Numbers of states are small: 749 for seven bids of which four at most are bought.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Structure:
    """All agreement states of `bids` bids of which at most `depth` have answered; number 0 is the empty one.

    `groups` and `sizes` have a row a state and a column a group: its members as a bit set, and how many they are.
    `after` has, for a state and a bid, the states that the bid's answer leads to: it joins group 0, 1, …, or says
    something new; `len(members)` stands for none.
    """

    bids: int
    depth: int
    names: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]  # who answered, and each one's group
    numbers: dict[tuple[tuple[int, ...], tuple[int, ...]], int]
    members: Ints
    groups: Ints
    sizes: Ints
    after: Ints
    levels: tuple[Ints, ...]

    def number(self, answered: dict[int, int]) -> tuple[int, dict[int, int]]:
        """The state in which these bids fell into these groups, and the state's number for each group."""
        who = tuple(sorted(answered))
        known: dict[int, int] = {}
        groups = tuple(known.setdefault(answered[one], len(known)) for one in who)
        return self.numbers[who, groups], known


@lru_cache(maxsize=64)
def structure(bids: int, depth: int) -> Structure:
    """The states of so many bids.

    >>> len(structure(3, 2).names), structure(2, 2).names[-1]
    (10, ((0, 1), (0, 1)))
    """
    depth = min(bids, depth)
    names = [
        (who, groups)
        for size in range(depth + 1)
        for who in combinations(range(bids), size)
        for groups in _partitions(size)
    ]
    numbers = {name: number for number, name in enumerate(names)}
    count, widest = len(names), max(1, depth)
    members = np.array([sum(1 << one for one in who) for who, _ in names], dtype=np.int64)
    groups, sizes = np.zeros((count, widest), dtype=np.int64), np.zeros((count, widest), dtype=np.int64)
    after = np.full((count, bids, widest + 1), count, dtype=np.int64)
    for number, (who, fell) in enumerate(names):
        for one, group in zip(who, fell, strict=True):
            groups[number, group] |= 1 << one
            sizes[number, group] += 1
        if len(who) < depth:
            for bid in range(bids):
                if bid not in who:
                    for group in range(max(fell, default=-1) + 2):
                        after[number, bid, group] = numbers[_with(who, fell, bid, group)]
    sized = np.array([len(who) for who, _ in names])
    return Structure(
        bids=bids,
        depth=depth,
        names=tuple(names),
        numbers=numbers,
        members=members,
        groups=groups,
        sizes=sizes,
        after=after,
        levels=tuple(np.flatnonzero(sized == size) for size in range(depth + 1)),
    )


def _partitions(size: int) -> Iterator[tuple[int, ...]]:
    """Every way in which so many answers may agree: the first is in group 0, each other in one before or the next."""
    if size == 0:
        yield ()
        return
    for before in _partitions(size - 1):
        for group in range(max(before, default=-1) + 2):
            yield (*before, group)


def _with(who: tuple[int, ...], fell: tuple[int, ...], bid: int, group: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    both = sorted([*zip(who, fell, strict=True), (bid, group)])
    known: dict[int, int] = {}
    return tuple(one for one, _ in both), tuple(known.setdefault(one, len(known)) for _, one in both)

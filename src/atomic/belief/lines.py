"""Line-ups as arrays, for whatever is fitted to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atomic.belief.lineups import Lineup

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_UNSAID = (float("nan"), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Lines:
    """Line-ups as arrays, a row each: group of each bid's answer (-1: none), how right it was (nan: not known).

    `word` is what was said of that weighs (0: nothing was), `alone` what it weighs where silence cannot make up for it.
    """

    keys: tuple[str, ...]
    domains: tuple[str, ...]
    said: Ints
    right: Floats
    word: Floats
    alone: Floats
    price: Floats  # nan: not asked
    domain: Ints
    at_once: Flags

    @property
    def judged(self) -> Flags:
        """Rows of which somebody said how right an answer was."""
        return np.asarray(~np.isnan(self.right).all(axis=1))

    def only(self, rows: Flags) -> Lines:
        """Some of the rows."""
        return Lines(
            self.keys,
            self.domains,
            self.said[rows],
            self.right[rows],
            self.word[rows],
            self.alone[rows],
            self.price[rows],
            self.domain[rows],
            self.at_once[rows],
        )


def lines(lineups: list[Lineup]) -> Lines:
    """Line-ups as arrays. Who answered several times counts with the first answer; equal answers are equally right
    where only one of them was judged."""
    keys = tuple(sorted({key for one in lineups for key in one.keys}))
    domains = tuple(sorted({one.domain for one in lineups}))
    column = {key: number for number, key in enumerate(keys)}
    row_of = {name: number for number, name in enumerate(domains)}
    said = np.full((len(lineups), len(keys)), -1, dtype=np.int64)
    right, price = np.full(said.shape, np.nan), np.full(said.shape, np.nan)
    word, alone = np.zeros(said.shape), np.zeros(said.shape)
    for number, one in enumerate(lineups):
        of_group: dict[int, tuple[float, float, float]] = {}
        for key, group in zip(one.keys, one.groups, strict=True):
            if key in one.rights and group >= 0:
                of_group.setdefault(group, one.rights.get(key, _UNSAID))
        for key, group, paid in reversed(list(zip(one.keys, one.groups, one.prices, strict=True))):
            at = number, column[key]
            said[at], price[at] = group, paid
            told_of = one.rights.get(key, of_group.get(group, _UNSAID)) if group >= 0 else _UNSAID
            right[at], word[at], alone[at] = told_of
    return Lines(
        keys,
        domains,
        said,
        right,
        word,
        alone,
        price,
        np.array([row_of[one.domain] for one in lineups], dtype=np.int64),
        np.array([one.at_once for one in lineups], dtype=np.bool_),
    )

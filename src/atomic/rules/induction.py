"""What each state is worth: backward induction over agreement states, element by element in written order.

    V(s) = max( worth x max over g of P(g right | s),
                max over b of - cost(b) + sum over s' of P(s' | s, b) V(s') )

No sums of a library's own order and no BLAS: machines agree bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atomic.rules.states import Flags, Floats, Ints, Structure

_NEVER = -1e300


@dataclass(frozen=True, slots=True)
class Odds:
    """Of each state how often it is met (relative to its siblings), and how probably each of its groups is right."""

    often: Floats  # states
    right: Floats  # states by groups


@dataclass(frozen=True, slots=True)
class Values:
    """Of each state its value, and what each next bid is worth there before its cost (-1e300 where it cannot be)."""

    worth: Floats  # states, and one more that is worth nothing
    buying: Floats  # states by bids
    stopping: Floats  # states

    def best(self, costs: Floats) -> Ints:
        """The bid to buy in each state, -1 to stop."""
        net = self.buying - costs
        chosen = net.argmax(axis=1)
        pays = net[np.arange(len(chosen)), chosen] > self.stopping
        return np.where(pays, chosen, -1)


def chances(found: Structure, odds: Odds) -> Floats:
    """The probability of each state after each bid; rows of a bid that cannot be bought are 0."""
    often = np.append(odds.often, 0.0)
    ways = often[found.after]
    total = ways[:, :, 0].copy()
    for way in range(1, ways.shape[2]):
        total += ways[:, :, way]
    return np.asarray(ways / np.where(total > 0.0, total, 1.0)[:, :, None])


def induced(
    found: Structure, odds: Odds, moves: Floats, costs: Floats, worth: float, allowed: Flags | None = None
) -> Values:
    """Values of all states. `moves` are their `chances`; `costs` are of bids, `worth` of a right answer; `allowed` says
    in which states which bids may be bought (None: wherever they have not answered)."""
    count = len(found.members)
    stopping = worth * odds.right.max(axis=1)
    values = np.zeros(count + 1)
    buying = np.full((count, found.bids), _NEVER)
    possible = found.after[:, :, 0] < count
    if allowed is not None:
        possible &= allowed
    for level in reversed(found.levels):
        if level is not found.levels[-1]:
            then, chance = values[found.after[level]], moves[level]
            total = chance[:, :, 0] * then[:, :, 0]
            for way in range(1, then.shape[2]):
                total += chance[:, :, way] * then[:, :, way]
            buying[level] = np.where(possible[level], total, _NEVER)
        values[level] = np.maximum(stopping[level], (buying[level] - costs).max(axis=1))
    return Values(values, buying, stopping)

"""The latent-class response model, as it is asked: how often each agreement state is met, and who is right there.

    L(groups, truth g | z) = prod[m in g] t(m,z) x prod[m not in g] (1 - t(m,z))
                             x sum over h in {wrong groups, none} of
                               prod[k wrong] ( k = h: r(z)^|k| ; else (1 - r(z))^|k| e^(|k|-1) )

with "no group is right" as one more truth; z is the hidden class, t how often a bid is right in it, r how often who is
wrong gives the popular wrong answer, e an accidental match. After Dawid and Skene (1979), with classes of items in
place of classes of answers, so that wrong models may agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from atomic.belief.arithmetic import logit, sigmoid
from atomic.rules.induction import Odds
from atomic.rules.states import Floats, Structure, structure

_STEPS = 6  # of Newton's method, which begins near its end


@dataclass(frozen=True, slots=True)
class Bids:
    """A few bids in one domain under a response model: shares of the classes, and per bid how often it is right."""

    shares: tuple[float, ...]
    right: tuple[tuple[float, ...], ...]  # bids by classes
    popular: tuple[float, ...]
    accident: float


def mean(shares: Sequence[float], right: Sequence[float]) -> float:
    """How often a bid is right in all."""
    total = 0.0
    for share, chance in zip(shares, right, strict=True):
        total += share * chance
    return total


def lifted(shares: Sequence[float], right: Sequence[float], wanted: float) -> tuple[float, ...]:
    """The same bid, better or worse by the same log-odds in every class, so that it is right `wanted` in all.

    >>> moved = lifted((0.5, 0.5), (0.2, 0.8), 0.7)
    >>> round(mean((0.5, 0.5), moved), 6), moved[0] > 0.2, moved[1] > 0.8
    (0.7, True, True)
    """
    wanted = min(0.999, max(0.001, wanted))
    at = [logit(one) for one in right]
    shift, found = 0.0, tuple(right)
    for _ in range(_STEPS):
        off, slope = -wanted, 0.0
        for share, one in zip(shares, found, strict=True):
            off += share * one
            slope += share * one * (1.0 - one)
        if -1e-9 < off < 1e-9:
            break
        shift -= min(2.0, max(-2.0, off / max(slope, 1e-3)))
        found = tuple(sigmoid(one + shift) for one in at)
    return found


def odds(bids: Bids, depth: int) -> tuple[Structure, Odds]:
    """Every agreement state of the bids, how often it is met and how probably each of its groups is right."""
    found = structure(len(bids.right), depth)
    wrong = _wrong(len(bids.right), depth, bids.popular, bids.accident)
    miss = np.ones((1 << found.bids, len(bids.shares)))
    odd = np.ones((1 << found.bids, len(bids.shares)))
    for one, chances in enumerate(bids.right):
        bit, chance = 1 << one, np.array(chances)
        miss[bit : 2 * bit] = miss[:bit] * (1.0 - chance)
        odd[bit : 2 * bit] = odd[:bit] * (chance / (1.0 - chance))
    by_class = wrong * miss[found.members][:, None, :]
    by_class[:, :-1] *= odd[found.groups]
    joint = by_class[:, :, 0] * bids.shares[0]
    for number, share in enumerate(bids.shares[1:], 1):
        joint += by_class[:, :, number] * share
    often = joint[:, -1].copy()
    for group in range(joint.shape[1] - 1):
        often += joint[:, group]
    return found, Odds(often, joint[:, :-1] / np.where(often > 0.0, often, 1.0)[:, None])


@lru_cache(maxsize=64)
def _wrong(bids: int, depth: int, popular: tuple[float, ...], accident: float) -> Floats:
    """The factor of those who are wrong: by state, right group (the last: none is) and class."""
    found = structure(bids, depth)
    there = found.sizes > 0
    powers = _powers(popular, found.depth)
    own = _powers(tuple(1.0 - one for one in popular), found.depth)
    chance = _powers((accident,), found.depth)[:, 0]
    apart = np.where(there[:, :, None], own[found.sizes] * chance[np.maximum(found.sizes - 1, 0)][:, :, None], 1.0)
    ratio = np.where(there[:, :, None], powers[found.sizes] / apart, 0.0)
    product, total = np.ones_like(apart[:, 0]), np.zeros_like(apart[:, 0])
    for group in range(apart.shape[1]):
        product = product * apart[:, group]
        total = total + ratio[:, group]
    factor = np.zeros((len(there), apart.shape[1] + 1, len(popular)))
    factor[:, :-1] = np.where(there[:, :, None], product[:, None] / apart * (1.0 + (total[:, None] - ratio)), 0.0)
    factor[:, -1] = product * (1.0 + total)
    return factor


def _powers(base: tuple[float, ...], most: int) -> Floats:
    """Whole powers from 0 on, by multiplication: a library's power function may differ in the last bit."""
    rows = [np.ones(len(base))]
    for _ in range(most):
        rows.append(rows[-1] * np.array(base))
    return np.array(rows)


def posterior(bids: Bids, fell: Sequence[int]) -> tuple[float, ...]:
    """How probably each group is right when each bid's answer fell into these groups, for any number of answers.

    The same sums as `odds` for one state.

    >>> one = Bids((1.0,), ((0.8,), (0.7,)), (0.3,), 0.1)
    >>> _, every = odds(one, 2)
    >>> float(abs(every.right[structure(2, 2).numbers[(0, 1), (0, 0)], 0] - posterior(one, (0, 0))[0])) < 1e-12
    True
    """
    groups = max(fell, default=-1) + 1
    sizes = [0] * groups
    for group in fell:
        sizes[group] += 1
    joint = [0.0] * (groups + 1)
    for number, share in enumerate(bids.shares):
        miss, odd = 1.0, [1.0] * groups
        for bid, group in zip(bids.right, fell, strict=True):
            miss *= 1.0 - bid[number]
            odd[group] *= bid[number] / (1.0 - bid[number])
        ratios, product, total = [0.0] * groups, 1.0, 0.0
        aparts = [1.0] * groups
        for group, size in enumerate(sizes):
            r, popular, apart = bids.popular[number], 1.0, 1.0
            for member in range(size):
                popular *= r
                apart *= (1.0 - r) * (bids.accident if member else 1.0)
            aparts[group], ratios[group] = apart, popular / apart
            product *= apart
            total += ratios[group]
        for group in range(groups):
            joint[group] += share * miss * odd[group] * product / aparts[group] * (1.0 + (total - ratios[group]))
        joint[groups] += share * miss * product * (1.0 + total)
    whole = 0.0
    for one in joint:
        whole += one
    return tuple(one / whole for one in joint[:groups]) if whole > 0.0 else (0.0,) * groups

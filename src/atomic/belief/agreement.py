"""Who agrees with whom beyond what their quality explains. It needs no labels.

With the share `c` in which b's answer is but a copy of a's and the agreement `i` that independent bidders of
their quality would show, the agreement seen is c + (1 - c) i. So c is the sum of (seen - i) over the sum of
(1 - i), shrunk towards a prior: pairs that could hardly disagree say little.
"""

from __future__ import annotations

from collections.abc import Mapping

from atomic.belief.drift import KEPT

PRIOR = 0.3
SAME_BIDDER_PRIOR = 0.6  # the same bidder with another tactic errs with itself
_PRIOR_WEIGHT = 4.0
_FADE = 1.0 - 1.0 / 2000.0
_USUAL_FADE = 1.0 - 1.0 / 500.0
_LEAST_SEEN = 20.0  # requests in common before what is usual can be told
_MOST = 0.95


def pair(first: str, second: str) -> str:
    """The name of two bids taken together, whoever is named first.

    >>> pair("b+plain", "a+plain")
    'a+plain|b+plain'
    """
    return f"{first}|{second}" if first < second else f"{second}|{first}"


def copying_prior(first: str, second: str) -> float:
    """What to believe of two bids that were never seen together."""
    return SAME_BIDDER_PRIOR if first.partition("+")[0] == second.partition("+")[0] else PRIOR


def expected_agreement(first: float, second: float, alternatives: int) -> float:
    """How often independent bidders with these probabilities of being right agree.

    `alternatives` is the number of possible answers; 0 stands for very many.

    >>> expected_agreement(1.0, 0.9, 2), round(expected_agreement(0.5, 0.5, 2), 2)
    (0.9, 0.5)
    """
    wrong = (1.0 - first) * (1.0 - second)
    return first * second + (wrong / (alternatives - 1) if alternatives > 1 else 0.0)


class Pair:
    """What was seen of two bids on the same requests."""

    __slots__ = ("agreed", "excess", "room", "seen")

    def __init__(self) -> None:
        self.excess = 0.0
        self.room = 0.0
        self.agreed = 0.0
        self.seen = 0.0

    def add(self, agreed: float, expected: float) -> None:
        """Both answered one request."""
        self.excess = self.excess * _FADE + agreed - expected
        self.room = self.room * _FADE + 1.0 - expected
        self.agreed = self.agreed * _USUAL_FADE + agreed
        self.seen = self.seen * _USUAL_FADE + 1.0

    @property
    def usual(self) -> float | None:
        """How often they agree; None where it was not seen often enough to say."""
        return self.agreed / self.seen if self.seen >= _LEAST_SEEN else None

    def widen(self) -> None:
        """One of them is known to be another than before: keep the shares, and of the evidence little."""
        if self.room > KEPT:
            self.excess *= KEPT / self.room
            self.room = KEPT
        self.agreed = self.seen = 0.0

    def state(self) -> list[float]:
        """Everything it holds, for digests and snapshots."""
        return [self.excess, self.room, self.agreed, self.seen]

    def copying(self, prior: float) -> float:
        """The share of copies, in [0, 0.95]."""
        raw = (self.excess + _PRIOR_WEIGHT * prior) / (self.room + _PRIOR_WEIGHT)
        return min(_MOST, max(0.0, raw))


def copying(shares: Mapping[str, float], first: str, second: str) -> float:
    """The share of copies that a table's shares hold for two bids, or the prior."""
    known = shares.get(pair(first, second))
    return copying_prior(first, second) if known is None else known

"""Whether somebody is still who it was: runs of bad outcomes, of disagreement, other tokens, another model's name.

A run is found by Page's CUSUM (1954) over log-likelihood ratios of "changed" against "as believed":

    S = max(0, S + w log(P(y | changed) / P(y | believed))),   an alarm where S > h

whose false alarms are at least e^h outcomes apart in the mean (Lorden 1971). "Changed" is half the way from the belief
to a guess for a fall, and half the way to certainty for a rise: who changed by less is followed by fading alone.
"""

from __future__ import annotations

from typing import Literal

from atomic.belief.arithmetic import log

Why = Literal["fell", "rose", "apart", "tokens", "model"]

KEPT = 4.0  # outcomes that a changed bidder's evidence still counts for
_ALARM = 7.6  # e^7.6 = 2,000 outcomes, as many as count in the long run
_ALARM_APART = 12.0  # questions of another kind let everybody disagree; that is no change of anybody
_ALARM_TOKENS = 16.0
_SLACK = 1.0  # standard deviations by which tokens may be off without counting
_LEAST_SEEN = 12.0  # outcomes before a belief is worth being compared with
_LEAST_TOKENS = 30
_TOKENS_FADE = 1.0 / 200.0
_LOWEST = 0.02  # a belief nearer to 0 or 1 is not held against anybody to that degree
_MOST_MODELS = 8  # names remembered: several may serve at once


def ratio(target: float, believed: float, changed: float) -> float:
    """The log-likelihood ratio of an outcome that is right to the degree `target`.

    >>> ratio(0.0, 0.9, 0.5) > 1.6 > 0 > ratio(1.0, 0.9, 0.5)
    True
    """
    believed = min(1.0 - _LOWEST, max(_LOWEST, believed))
    changed = min(1.0 - _LOWEST, max(_LOWEST, changed))
    hit, miss = log(changed / believed), log((1.0 - changed) / (1.0 - believed))
    return target * hit + (1.0 - target) * miss


class Watch:
    """One bid under watch.

    >>> watch = Watch()
    >>> [watch.outcome(1.0, 0.9, 50.0, 0.5, 1.0) for _ in range(3)]
    [None, None, None]
    >>> next(n for n in range(1, 99) if watch.outcome(0.0, 0.9, 50.0, 0.5, 1.0))
    7
    """

    __slots__ = ("apart", "changed", "fall", "falling", "rise", "rising")

    def __init__(self) -> None:
        self.fall = 0.0
        self.rise = 0.0
        self.apart = 0.0
        self.changed = 0  # seq of the event that showed the last change
        # Right, and total, of the outcomes since the sum was last 0: where Page's test puts the change.
        self.falling = (0.0, 0.0)
        self.rising = (0.0, 0.0)

    def outcome(
        self, target: float, believed: float, count: float, chance: float, weight: float, *, fair: bool = True
    ) -> Why | None:
        """It was right to the degree `target`, where `believed` of `count` outcomes was the share; "fell" or "rose".

        `fair`: what is heard is as often right as what is not.
        """
        if count < _LEAST_SEEN or weight <= 0.0:
            return None
        fallen = chance + 0.5 * (believed - chance)
        if believed > chance:
            self.fall = max(0.0, self.fall + weight * ratio(target, believed, fallen))
        self.rise = max(0.0, self.rise + weight * ratio(target, believed, 0.5 + 0.5 * believed))
        self.falling = _longer(self.falling, self.fall, target, weight if fair else 0.0)
        self.rising = _longer(self.rising, self.rise, target, weight if fair else 0.0)
        if self.fall > _ALARM:
            return "fell"
        return "rose" if self.rise > _ALARM else None

    def disagreement(self, total: float, partners: int) -> Why | None:
        """It agreed with its partners in one request by this sum of log-likelihood ratios; "apart" at the alarm."""
        self.apart = max(0.0, self.apart + total / partners)
        return "apart" if self.apart > _ALARM_APART else None

    def since(self, why: Why) -> tuple[float, float]:
        """How much of how many outcomes was right since it changed in this way; none where no outcome told."""
        return {"fell": self.falling, "rose": self.rising}.get(why, (0.0, 0.0))

    def begin_again(self, cause: int) -> None:
        """It is known to have changed."""
        self.fall = self.rise = self.apart = 0.0
        self.falling = self.rising = (0.0, 0.0)
        self.changed = cause

    def state(self) -> list[float]:
        """Everything it holds, for digests and snapshots."""
        return [self.fall, self.rise, self.apart, self.changed, *self.falling, *self.rising]


def _longer(run: tuple[float, float], reached: float, target: float, weight: float) -> tuple[float, float]:
    """A run with one outcome more; none where the sum came back to 0."""
    return (run[0] + weight * target, run[1] + weight) if reached > 0.0 else (0.0, 0.0)


class Tokens:
    """How many tokens somebody writes for an answer: mean and variance of their logarithm, and two CUSUMs of it."""

    __slots__ = ("high", "low", "mean", "seen", "variance")

    def __init__(self) -> None:
        self.seen = 0
        self.mean = 0.0
        self.variance = 0.0
        self.high = 0.0
        self.low = 0.0

    def add(self, tokens: int) -> bool:
        """One answer had so many tokens; whether they have been other than before for a while."""
        x = log(1.0 + tokens)
        if self.seen >= _LEAST_TOKENS:
            off = (x - self.mean) / (self.variance + 0.01) ** 0.5
            self.high = max(0.0, self.high + min(4.0, off) - _SLACK)
            self.low = max(0.0, self.low - max(-4.0, off) - _SLACK)
            if max(self.high, self.low) > _ALARM_TOKENS:
                self.seen = 0
                self.high = self.low = 0.0
                return True
        self.seen += 1
        step = max(1.0 / self.seen, _TOKENS_FADE)
        off = x - self.mean
        self.mean += step * off
        self.variance = (1.0 - step) * (self.variance + step * off * off)
        return False

    def state(self) -> list[float]:
        """Everything it holds, for digests and snapshots."""
        return [self.seen, self.mean, self.variance, self.high, self.low]


def renamed(names: tuple[str, ...], name: str) -> tuple[tuple[str, ...], bool]:
    """The names that a bidder's model went by, the youngest last, and whether this is another.

    >>> renamed((), "m-1"), renamed(("m-1", "m-2"), "m-1"), renamed(("m-1",), "m-2")
    ((('m-1',), False), (('m-2', 'm-1'), False), (('m-1', 'm-2'), True))
    """
    fresh = bool(names) and name not in names
    return (*[one for one in names if one != name], name)[-_MOST_MODELS:], fresh

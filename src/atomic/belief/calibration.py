"""Bayesian logistic regression on few features, updated online by rank one: what a claim is worth.

The update is the assumed-density (extended Kalman) step for a Bernoulli outcome (Spiegelhalter and Lauritzen 1990):

    precision += w h x x'    with h = s(z)(1 - s(z)), z = mean . x
    mean      += covariance x w (y - s(z))

done on the covariance by Sherman and Morrison's formula, element by element in written order.
"""

from __future__ import annotations

from collections.abc import Sequence

from atomic.belief.arithmetic import moderated, sigmoid
from atomic.records.lesson import Lesson


class Calibrator:
    """Log-odds of being right as a linear function of features.

    >>> calibrator = Calibrator(means=(0.0, 1.0), variances=(0.5, 0.2))
    >>> before, _ = calibrator.predict((1.0, 2.0))
    >>> for _ in range(20):
    ...     calibrator.update((1.0, 2.0), right=0.0)
    >>> calibrator.predict((1.0, 2.0))[0] < 0.5 < before
    True
    """

    __slots__ = ("covariance", "mean")

    def __init__(self, means: Sequence[float], variances: Sequence[float]) -> None:
        self.mean = list(means)
        self.covariance = [
            [variance if row == column else 0.0 for column in range(len(variances))]
            for row, variance in enumerate(variances)
        ]

    def predict(self, x: Sequence[float]) -> tuple[float, float]:
        """Expected probability and its standard deviation."""
        z = 0.0
        for weight, value in zip(self.mean, x, strict=True):
            z += weight * value
        variance = 0.0
        for row, value in zip(self.covariance, x, strict=True):
            inner = 0.0
            for entry, other in zip(row, x, strict=True):
                inner += entry * other
            variance += value * inner
        variance = max(0.0, variance)
        p = moderated(z, variance)
        # By the delta rule, but never more than a coin of that probability has.
        coin = p * (1.0 - p)
        return p, min(coin * variance**0.5, coin**0.5)

    def update(self, x: Sequence[float], right: float, weight: float = 1.0) -> None:
        """Learn that a case with features x was right to this degree.

        A negative weight takes an earlier lesson back: exact for the evidence's amount, approximate for the mean.
        Where another word replaces it, `correct` is exact.
        """
        z = 0.0
        for mean, value in zip(self.mean, x, strict=True):
            z += mean * value
        s = sigmoid(z)
        gain: list[float] = []
        for row in self.covariance:
            inner = 0.0
            for entry, other in zip(row, x, strict=True):
                inner += entry * other
            gain.append(inner)
        spread = 0.0
        for inner, value in zip(gain, x, strict=True):
            spread += inner * value
        h = weight * s * (1.0 - s)
        divisor = 1.0 + h * spread
        if divisor < 0.1:  # taking back more than was ever learned would turn the variance negative
            return
        for i, row in enumerate(self.covariance):
            for j in range(len(row)):
                row[j] -= h * gain[i] * gain[j] / divisor
        step = weight * (right - s) / divisor
        for i in range(len(self.mean)):
            self.mean[i] += gain[i] * step

    def correct(self, x: Sequence[float], old: tuple[float, float], new: tuple[float, float]) -> None:
        """Learn that a case was right to the degree `new[0]` (with weight `new[1]`) and not, as was learned, `old`.

        The mean moves by covariance x w (new - old): exact when nothing was learned since, and undone by the reverse,
        so that somebody who changes their mind a thousand times leaves no more trace than once.
        """
        shared = min(old[1], new[1])
        step = shared * (new[0] - old[0])
        gain: list[float] = []
        for row in self.covariance:
            inner = 0.0
            for entry, other in zip(row, x, strict=True):
                inner += entry * other
            gain.append(inner)
        for i in range(len(self.mean)):
            self.mean[i] += gain[i] * step
        if new[1] != old[1]:
            self.update(x, new[0], new[1] - old[1])

    def state(self) -> list[list[float]]:
        """Everything it holds, for digests and snapshots."""
        return [self.mean, *self.covariance]


def teach(calibrator: Calibrator, x: Sequence[float], lesson: Lesson, replaced: Lesson | None) -> None:
    """Give a calibrator a lesson of a case with features x, in place of an earlier one where there is one."""
    if replaced is None:
        calibrator.update(x, lesson.target, lesson.weight)
    else:
        calibrator.correct(x, (replaced.target, -replaced.weight), (lesson.target, lesson.weight))

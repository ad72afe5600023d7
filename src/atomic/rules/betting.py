"""What may be concluded of a mean at any time, however often one looks: bets whose capital is evidence.

Values are bounded. Who bets a fixed share of a capital of 1 at fair odds cannot expect to win anything if the mean is
what the bet is against: the capital, also of many shares at once, is a nonnegative supermartingale, so the chance that
it ever reaches 1/alpha is at most alpha (Ville 1939). Shares are those of a fixed grid, the capital their mean: the
"grid Kelly" of Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting (JRSS B 86, 2024),
whose confidence sequence inverts it (hedged: each side at half of alpha). With fixed shares the capital does not depend
on the order of the values, and a value that is corrected later takes the place of what it was.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from atomic.belief.arithmetic import exp, log

_FIRST, _STEP, _COUNT = 0.9, 0.5, 10
SHARES: tuple[float, ...] = tuple(_FIRST * _STEP**index for index in range(_COUNT))
_HALVINGS = 40
_LEAST_EFFECT = 0.01  # a smaller difference is not worth waiting for


class Bet:
    """The capital of a bet that the mean of values in [-1, 1] is above 0 (below 0: give them with the other sign)."""

    __slots__ = ("_logs", "count", "total")

    def __init__(self) -> None:
        self._logs = [0.0] * _COUNT
        self.count = 0
        self.total = 0.0

    def add(self, value: float, *, times: int = 1) -> None:
        """Take in a value; `times=-1` takes it back."""
        for index, share in enumerate(SHARES):
            self._logs[index] += times * log(1.0 + share * value)
        self.count += times
        self.total += times * value

    @property
    def capital(self) -> float:
        """What 1 has grown to.

        >>> bet = Bet()
        >>> for value in [1.0] * 10: bet.add(value)
        >>> bet.capital > 20.0
        True
        """
        return exp(_log_mean_of_exps(self._logs))

    @property
    def mean(self) -> float:
        """The mean of the values; 0 without any."""
        return self.total / self.count if self.count else 0.0

    def state(self) -> list[float]:
        """Everything it holds, for digests and snapshots."""
        return [*self._logs, float(self.count), self.total]

    @classmethod
    def of(cls, state: Sequence[float]) -> Bet:
        """What `state` gave."""
        bet = cls()
        *bet._logs, count, bet.total = state
        bet.count = int(count)
        return bet


def interval(values: Iterable[tuple[float, float]], low: float, high: float, alpha: float) -> tuple[float, float]:
    """Where the mean of bounded values lies, right at all times together with the chance 1 - alpha.

    `values` are (value in [low, high], weight in (0, 1]); a weight must be known before its value is.

    >>> interval([], -1.0, 1.0, 0.05)
    (-1.0, 1.0)
    >>> narrow = interval([(0.5, 1.0)] * 1000, -1.0, 1.0, 0.05)
    >>> 0.45 < narrow[0] < 0.5 < narrow[1] < 0.55
    True
    """
    width = high - low
    scaled = Counter(((value - low) / width, weight) for value, weight in values)
    mirrored = Counter({(1.0 - value, weight): count for (value, weight), count in scaled.items()})
    needed = math.log(2.0 / alpha)
    return low + width * _lower(scaled, needed), high - width * _lower(mirrored, needed)


def _lower(values: Mapping[tuple[float, float], int], needed: float) -> float:
    """The largest mean in [0, 1] that the bets on more have refuted. Their capital falls as the mean rises."""
    refuted, standing = 0.0, 1.0
    for _ in range(_HALVINGS):
        mean = 0.5 * (refuted + standing)
        logs = [0.0] * _COUNT
        for (value, weight), count in values.items():
            excess = weight * (value / mean - 1.0)
            for index, share in enumerate(SHARES):
                logs[index] += count * math.log1p(share * excess)
        if _log_mean_of_exps(logs) >= needed:
            refuted = mean
        else:
            standing = mean
    return refuted


def more_needed(count: int, mean: float, variance: float, alpha: float) -> int:
    """How many more values it takes to tell the mean from 0, at the present mean and variance.

    A bet of the best share grows as mean^2 / (2 variance + mean^2) a value; it has to reach 2/alpha, and the grid costs
    about a factor of 4 more. A mean nearer to 0 than 0.01 counts as 0.01.

    >>> more_needed(100, 0.1, 0.25, 0.05), more_needed(1000, 0.1, 0.25, 0.05)
    (159, 0)
    """
    effect = max(abs(mean), _LEAST_EFFECT)
    growth = effect * effect / (2.0 * variance + effect * effect)
    return max(0, math.ceil(math.log(8.0 / alpha) / growth) - count)


def _log_mean_of_exps(logs: Sequence[float]) -> float:
    most = max(logs)
    total = 0.0
    for one in logs:
        total += exp(one - most)
    return most + log(total / len(logs))

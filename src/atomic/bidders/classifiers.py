"""Two online text classifiers over hashed grams: logistic regression and naive Bayes. Exact and repeatable.

No BLAS and no library reductions: element by element, sums in written order, exp and log of `belief.arithmetic`. So
the same examples in the same order give the same weights, bit for bit.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from atomic.belief.arithmetic import exp, log

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUCKETS = 1 << 17
MEMORY = 2_000  # examples kept for replay or to be taken back
MOST_LABELS = 128  # at 2**17 buckets that is 128 MB of weights for one task


class Classifier(Protocol):
    """Grams in, probabilities of the labels out. Labels are any bytes, in the order they were first seen."""

    labels: list[bytes]
    examples: int

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """Take in one example; a later one of the same request replaces the earlier as far as it can be."""
        ...

    def probabilities(self, grams: NDArray[np.int64]) -> list[float]:
        """One per label, in their order."""
        ...


class _Remembered:
    """Labels seen, and the last examples by request."""

    def __init__(self) -> None:
        self.labels: list[bytes] = []
        self.examples = 0
        self._memory: OrderedDict[str, tuple[NDArray[np.int64], int, float]] = OrderedDict()

    def _class_of(self, label: bytes) -> int | None:
        """Its number; None for a new one when there are too many."""
        if label in self.labels:
            return self.labels.index(label)
        if len(self.labels) == MOST_LABELS:
            return None
        self.labels.append(label)
        return len(self.labels) - 1

    def _remember(self, request_id: str, example: tuple[NDArray[np.int64], int, float]) -> None:
        self._memory[request_id] = example
        if len(self._memory) > MEMORY:
            self._memory.popitem(last=False)


class Logistic(_Remembered):
    """Multinomial logistic regression by AdaGrad, with replays of remembered examples after each new one.

    Inputs have length 1, rate 1: on 600 labelled mails of a public spam corpus it has 0.975 right on 600 others
    (Brier score 0.023), with 100 labelled 0.94; six epochs over all of them at once have 0.970. About 0.3 ms a mail.
    """

    REPLAYS = 4
    RATE = 1.0
    START = 1e-2  # of the sum of squared gradients: keeps the first steps small

    def __init__(self) -> None:
        import numpy as np

        super().__init__()
        self._weights: NDArray[np.float32] = np.zeros((BUCKETS, 2), np.float32)
        self._squares: NDArray[np.float32] = np.full((BUCKETS, 2), self.START, np.float32)
        self._bias: list[float] = []
        self._draws = 0
        self._order: list[str] = []  # request ids to draw replays from

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """One step on the example and a few on remembered ones."""
        number = self._class_of(label)
        if number is None:
            return
        self._make_room()
        self.examples += request_id not in self._memory
        self._remember(request_id, (grams, number, weight))
        self._step(grams, number, weight)
        ids = self._replayed()
        for one in ids:
            self._step(*self._memory[one])

    def probabilities(self, grams: NDArray[np.int64]) -> list[float]:
        """Softmax of the scores."""
        return _softmax(self._scores(grams))

    def _replayed(self) -> list[str]:
        # Draws need no quality, only to be the same everywhere: a Weyl sequence with Knuth's multiplier.
        if len(self._order) != len(self._memory) or self._order[-1] != next(reversed(self._memory)):
            self._order = list(self._memory)
        drawn = []
        for _ in range(min(self.REPLAYS, len(self._order) - 1)):
            self._draws += 1
            drawn.append(self._order[((self._draws * 2654435761 & 0xFFFFFFFF) * len(self._order)) >> 32])
        return drawn

    def _make_room(self) -> None:
        import numpy as np

        self._bias += [0.0] * (len(self.labels) - len(self._bias))
        columns = self._weights.shape[1]
        if len(self.labels) > columns:
            self._weights = np.concatenate([self._weights, np.zeros_like(self._weights)], axis=1)
            self._squares = np.concatenate([self._squares, np.full_like(self._squares, self.START)], axis=1)

    def _scores(self, grams: NDArray[np.int64]) -> list[float]:
        import numpy as np

        count = len(self.labels)
        if not grams.size:
            return list(self._bias)
        # accumulate, unlike sum, adds in written order
        sums = np.add.accumulate(self._weights[grams, :count], axis=0, dtype=np.float64)[-1].tolist()
        length = math.sqrt(grams.size)
        return [bias + one / length for bias, one in zip(self._bias, sums, strict=True)]

    def _step(self, grams: NDArray[np.int64], number: int, weight: float) -> None:
        import numpy as np

        count = len(self.labels)
        gradients = [p - (one == number) for one, p in enumerate(_softmax(self._scores(grams)))]
        self._bias = [bias - 0.01 * weight * g for bias, g in zip(self._bias, gradients, strict=True)]
        if not grams.size:
            return
        scale = weight / math.sqrt(grams.size)
        step = np.array([g * scale for g in gradients], np.float32)
        squares = self._squares[grams, :count] + step * step
        self._squares[grams, :count] = squares
        self._weights[grams, :count] -= np.float32(self.RATE) * step / np.sqrt(squares)


class NaiveBayes(_Remembered):
    """Naive Bayes over the presence of grams, its log-odds divided by length**0.6: neighbouring words are no strangers.

    On the mails of `Logistic` 0.97 with 600 labelled (Brier score 0.025), 0.92 with 100.
    """

    SMOOTHING = 0.02
    DAMPING = 0.6

    def __init__(self) -> None:
        import numpy as np

        super().__init__()
        self._counts: NDArray[np.int32] = np.zeros((BUCKETS, 2), np.int32)
        self._totals: list[int] = []
        self._logs: NDArray[np.float64] = np.array([log(self.SMOOTHING)])  # of count + smoothing

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """Count it; what was counted for the request before is taken back."""
        import numpy as np

        number = self._class_of(label)
        if number is None:
            return
        self._totals += [0] * (len(self.labels) - len(self._totals))
        if len(self.labels) > self._counts.shape[1]:
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)], axis=1)
        before = self._memory.get(request_id)
        if before is not None:
            self._count(before[0], before[1], -1)
        self._count(grams, number, 1)
        self._remember(request_id, (grams, number, weight))

    def _count(self, grams: NDArray[np.int64], number: int, by: int) -> None:
        import numpy as np

        self._counts[grams, number] += by
        self._totals[number] += by
        self.examples += by
        missing = range(self._logs.size, self._totals[number] + 1)
        if missing:
            # Twice what is needed, so that the table grows seldom.
            more = [log(count + self.SMOOTHING) for count in range(self._logs.size, 2 * missing.stop)]
            self._logs = np.concatenate([self._logs, np.array(more)])

    def probabilities(self, grams: NDArray[np.int64]) -> list[float]:
        """Softmax of the damped log-likelihoods, times how common each label was."""
        import numpy as np

        logs = self._logs[self._counts[grams, : len(self.labels)]]
        sums = np.add.accumulate(logs, axis=0)[-1].tolist() if grams.size else [0.0] * len(self.labels)
        damping = exp(self.DAMPING * log(max(1.0, float(grams.size))))
        scores = [
            (one - grams.size * log(total + 2.0 * self.SMOOTHING)) / damping + log(total + 1.0)
            for one, total in zip(sums, self._totals, strict=True)
        ]
        return _softmax(scores)


def _softmax(scores: list[float]) -> list[float]:
    highest = max(scores)
    shares = [exp(score - highest) for score in scores]
    total = math.fsum(shares)
    return [share / total for share in shares]

"""Two online text classifiers over hashed grams: logistic regression and naive Bayes. Exact and repeatable.

No BLAS and no library reductions: element by element, sums in written order, exp and log of `belief.arithmetic`. So
the same examples in the same order give the same weights, bit for bit.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from atomic.belief.arithmetic import exp, log
from atomic.bidders.vocabulary import Vocabulary, grown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEMORY = 2_000  # examples kept for replay or to be taken back
MOST_LABELS = 1_024
_ROWS = 1_024  # of a table at first


class Classifier(Protocol):
    """Grams in, probabilities of the labels out. Labels are any bytes, in the order they were first seen."""

    @property
    def labels(self) -> list[bytes]:
        """As said."""
        ...

    @property
    def examples(self) -> int:
        """How many it was taught."""
        ...

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """Take in one example; a later one of the same request replaces the earlier as far as it can be."""
        ...

    def probabilities(self, grams: NDArray[np.int64]) -> list[float]:
        """One per label, in their order."""
        ...


class Remembered:
    """Labels seen, and the last examples by request: grams, number of the label, weight."""

    def __init__(self) -> None:
        self.labels: list[bytes] = []
        self.examples = 0
        self.examples_of: OrderedDict[str, tuple[NDArray[np.int64], int, float]] = OrderedDict()

    def class_of(self, label: bytes) -> int | None:
        """Its number; None for a new one when there are too many."""
        if label in self.labels:
            return self.labels.index(label)
        if len(self.labels) == MOST_LABELS:
            return None
        self.labels.append(label)
        return len(self.labels) - 1

    def remember(self, request_id: str, example: tuple[NDArray[np.int64], int, float]) -> None:
        self.examples_of[request_id] = example
        if len(self.examples_of) > MEMORY:
            self.examples_of.popitem(last=False)


class Logistic(Remembered):
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
        self._known = Vocabulary()
        self._weights: NDArray[Any] = np.zeros((_ROWS, 2), np.float32)
        self._squares: NDArray[Any] = np.full((_ROWS, 2), self.START, np.float32)
        self._bias: list[float] = []
        self._draws = 0
        self._order: list[str] = []  # request ids to draw replays from

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """One step on the example and a few on remembered ones."""
        number = self.class_of(label)
        if number is None:
            return
        self._make_room(grams)
        self.examples += request_id not in self.examples_of
        self.remember(request_id, (grams, number, weight))
        self._step(grams, number, weight)
        ids = self._replayed()
        for one in ids:
            self._step(*self.examples_of[one])

    def probabilities(self, grams: NDArray[np.int64]) -> list[float]:
        """Softmax of the scores."""
        return softmax(self._scores(grams))

    def _replayed(self) -> list[str]:
        # Draws need no quality, only to be the same everywhere: a Weyl sequence with Knuth's multiplier.
        if len(self._order) != len(self.examples_of) or self._order[-1] != next(reversed(self.examples_of)):
            self._order = list(self.examples_of)
        drawn = []
        for _ in range(min(self.REPLAYS, len(self._order) - 1)):
            self._draws += 1
            drawn.append(self._order[((self._draws * 2654435761 & 0xFFFFFFFF) * len(self._order)) >> 32])
        return drawn

    def _make_room(self, grams: NDArray[np.int64]) -> None:
        count = len(self.labels)
        self._bias += [0.0] * (count - len(self._bias))
        self._known.learned(grams, labels=count)
        self._weights = grown(self._weights, self._known.size, count)
        self._squares = grown(self._squares, self._known.size, count, self.START)

    def _scores(self, grams: NDArray[np.int64]) -> list[float]:
        import numpy as np

        count = len(self.labels)
        if not grams.size:
            return list(self._bias)
        # accumulate, unlike sum, adds in written order
        rows = self._known.rows(grams)
        sums = np.add.accumulate(self._weights[rows, :count], axis=0, dtype=np.float64)[-1].tolist()
        length = math.sqrt(grams.size)
        return [bias + one / length for bias, one in zip(self._bias, sums, strict=True)]

    def _step(self, grams: NDArray[np.int64], number: int, weight: float) -> None:
        import numpy as np

        count = len(self.labels)
        gradients = [p - (one == number) for one, p in enumerate(softmax(self._scores(grams)))]
        self._bias = [bias - 0.01 * weight * g for bias, g in zip(self._bias, gradients, strict=True)]
        if not grams.size:
            return
        scale = weight / math.sqrt(grams.size)
        step = np.array([g * scale for g in gradients], np.float32)
        rows = self._known.rows(grams)
        rows = rows[rows > 0]
        squares = self._squares[rows, :count] + step * step
        self._squares[rows, :count] = squares
        self._weights[rows, :count] -= np.float32(self.RATE) * step / np.sqrt(squares)


class NaiveBayes(Remembered):
    """Naive Bayes over the presence of grams, its log-odds divided by length**0.6: neighbouring words are no strangers.

    On the mails of `Logistic` 0.97 with 600 labelled (Brier score 0.025), 0.92 with 100.
    """

    SMOOTHING = 0.02
    DAMPING = 0.6

    def __init__(self) -> None:
        import numpy as np

        super().__init__()
        self._known = Vocabulary()
        self._counts: NDArray[Any] = np.zeros((_ROWS, 2), np.int32)
        self._totals: list[int] = []
        self._logs: NDArray[np.float64] = np.array([log(self.SMOOTHING)])  # of count + smoothing

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """Count it; what was counted for the request before is taken back."""

        number = self.class_of(label)
        if number is None:
            return
        self._totals += [0] * (len(self.labels) - len(self._totals))
        self._known.learned(grams, labels=len(self.labels))
        self._counts = grown(self._counts, self._known.size, len(self.labels))
        before = self.examples_of.get(request_id)
        if before is not None:
            self._count(before[0], before[1], -1)
        self._count(grams, number, 1)
        self.remember(request_id, (grams, number, weight))

    def _count(self, grams: NDArray[np.int64], number: int, by: int) -> None:
        import numpy as np

        rows = self._known.rows(grams)
        self._counts[rows[rows > 0], number] += by
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

        logs = self._logs[self._counts[self._known.rows(grams), : len(self.labels)]]
        sums = np.add.accumulate(logs, axis=0)[-1].tolist() if grams.size else [0.0] * len(self.labels)
        damping = exp(self.DAMPING * log(max(1.0, float(grams.size))))
        scores = [
            (one - grams.size * log(total + 2.0 * self.SMOOTHING)) / damping + log(total + 1.0)
            for one, total in zip(sums, self._totals, strict=True)
        ]
        return softmax(scores)


def softmax(scores: list[float]) -> list[float]:
    """Shares that sum to 1.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    highest = max(scores)
    shares = [exp(score - highest) for score in scores]
    total = math.fsum(shares)
    return [share / total for share in shares]

"""Nearest centroid: each label is the mean direction of its texts. The method for many labels with few examples each.

Rocchio's rule (1971) on the presence of grams, each weighing its inverse document frequency: the label whose centroid
makes the smallest angle with the text. With w(g) = log((1 + n) / (1/2 + df(g))) and a text x of k known grams,

    c(l, g) = w(g) x sum over texts of l with g of k**-1/2
    score(l) = sum over g in x of w(g) c(l, g) / |c(l)| |x|

and the probabilities are a softmax of the scores, sharpened. How sharp is learned on the way: each example is guessed
before it is learned, and log-sharpness takes a step down the slope of the guess's log-loss (AdaGrad). What is left of a
probability of 1 for labels never seen yet is Good and Turing's: the share of the examples whose label was seen once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from atomic.belief.arithmetic import exp, log
from atomic.bidders.classifiers import Remembered, softmax
from atomic.bidders.vocabulary import Vocabulary, grown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHARPNESS, RATE = 20.0, 0.15  # of the softmax over cosines at first, and of its steps
_LEAST = 0.05  # of the probability that the label is known
_GROWTH = 1.02  # lengths are computed anew when there are so many times as many texts


class Centroids:
    """As `atomic.bidders.classifiers.Classifier`. Learns a text in microseconds; its lengths now and then in a
    millisecond. Sums are in written order, so that the same examples give the same centroids, bit for bit."""

    def __init__(self) -> None:
        import numpy as np

        self._memory = Remembered()
        self._known = Vocabulary()
        self._sums: NDArray[Any] = np.zeros((1024, 2), np.float32)
        self._texts: NDArray[Any] = np.zeros((1024, 1), np.int32)  # how many texts hold the gram
        self._weights: NDArray[np.float64] = np.zeros(0)
        self._lengths: list[float] = []
        self._measured = 0
        self._sharpness, self._slopes = SHARPNESS, 1e-3
        self._seen: list[int] = []  # texts of each label

    @property
    def labels(self) -> list[bytes]:
        """In the order they were first seen."""
        return self._memory.labels

    @property
    def examples(self) -> int:
        """How many it was taught."""
        return self._memory.examples

    def learn(self, request_id: str, grams: NDArray[np.int64], label: bytes, weight: float) -> None:
        """Add it to its label's sum; what was added for the request before is taken away."""
        number = self._memory.class_of(label)
        if number is None:
            return
        before = self._memory.examples_of.get(request_id)
        if before is not None:
            self._add(*before, -1)
        elif number < len(self._seen) and len(self._seen) > 1:
            self._sharpen(grams, number)
        self._seen += [0] * (len(self.labels) - len(self._seen))
        self._known.learned(grams, labels=len(self.labels))
        self._sums = grown(self._sums, self._known.size, len(self.labels))
        self._texts = grown(self._texts, self._known.size, 1)
        self._add(grams, number, weight, 1)
        self._memory.remember(request_id, (grams, number, weight))
        self._measured = 0 if before is not None else self._measured

    def probabilities(self, grams: NDArray[np.int64]) -> list[float]:
        """One per label, in their order; they sum to 1 but for what labels never seen yet may have."""
        known = 1.0 - sum(count == 1 for count in self._seen) / max(1, self.examples)
        return [max(_LEAST, known) * one for one in softmax([self._sharpness * one for one in self._cosines(grams)])]

    def _cosines(self, grams: NDArray[np.int64]) -> list[float]:
        import numpy as np

        self._measure()
        rows = self._known.rows(grams)
        rows = rows[(rows > 0) & (rows < self._weights.size)]
        if not rows.size:
            return [0.0] * len(self._lengths)
        squares = self._weights[rows] ** 2
        shared = np.add.accumulate(self._sums[rows, : len(self.labels)] * squares[:, None], axis=0)[-1].tolist()
        length = math.sqrt(float(np.add.accumulate(squares)[-1]))
        return [one / (length * own) if own > 0.0 else 0.0 for one, own in zip(shared, self._lengths, strict=True)]

    def _sharpen(self, grams: NDArray[np.int64], number: int) -> None:
        """A step towards the sharpness by which this label would have been foretold."""
        cosines = self._cosines(grams)
        foretold = softmax([self._sharpness * one for one in cosines])
        mean = math.fsum(share * one for share, one in zip(foretold, cosines, strict=True))
        slope = self._sharpness * (mean - cosines[number])
        self._slopes += slope * slope
        self._sharpness *= exp(-RATE * slope / math.sqrt(self._slopes))

    def _add(self, grams: NDArray[np.int64], number: int, weight: float, times: int) -> None:
        import numpy as np

        rows = self._known.rows(grams)
        rows = rows[rows > 0]
        self._sums[rows, number] += np.float32(times * weight / math.sqrt(max(1, grams.size)))
        self._texts[rows] += times
        self._memory.examples += times
        self._seen[number] += times

    def _measure(self) -> None:
        """Weights of the grams and lengths of the centroids, as of now or a few texts ago."""
        import numpy as np

        if self.examples < _GROWTH * self._measured and len(self._lengths) == len(self.labels):
            return
        self._measured = self.examples
        texts = self._texts[: self._known.size, 0]
        logs = np.array([log((1.0 + self.examples) / (0.5 + count)) for count in range(int(texts.max()) + 1)])
        self._weights = np.maximum(logs[np.maximum(texts, 0)], 0.0)
        weighted = self._sums[: self._known.size, : len(self.labels)] * self._weights[:, None]
        squared = np.add.accumulate(weighted * weighted, axis=0)[-1].tolist()
        self._lengths = [math.sqrt(max(0.0, one)) for one in squared]

"""Controls for benches: what a team would try first, kept plain on purpose."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

from atomic.records.microtask import Example

_BUCKETS = 1 << 17
_WORD = re.compile(r"\w+")


def knn_vote(nearest: Sequence[tuple[float, Example]]) -> object:
    """The plain vote of the examples; ties go to the nearest."""
    votes: dict[object, int] = {}
    for _, example in nearest:
        votes[example.answer] = votes.get(example.answer, 0) + 1
    return max(votes, key=lambda answer: votes[answer], default=None)


class Logistic:
    """Logistic regression on hashed binary word 1-2-grams, AdaGrad, six epochs; one against the rest."""

    def __init__(self, labelled: Sequence[tuple[str, str]], *, epochs: int = 6, rate: float = 0.5) -> None:
        import numpy as np

        self._np = np
        self.labels = sorted({label for _, label in labelled})
        self.weights = {label: np.zeros(_BUCKETS) for label in self.labels}
        rows = [(self._buckets(text), label) for text, label in labelled]
        for label, weights in self.weights.items():
            squares = np.full(_BUCKETS, 1e-8)
            for _ in range(epochs):
                for row, truth in rows:
                    score = float(weights[row].sum())
                    error = 1.0 / (1.0 + np.exp(-score)) - float(truth == label)
                    squares[row] += error * error
                    weights[row] -= rate * error / np.sqrt(squares[row]) / max(1.0, len(row) ** 0.5)

    def predict(self, text: str) -> str:
        """The label with the highest score; "" when nothing was learned."""
        row = self._buckets(text)
        return max(self.labels, key=lambda label: float(self.weights[label][row].sum()), default="")

    def _buckets(self, text: str) -> list[int]:
        words = _WORD.findall(text.lower())
        grams = {*words, *(f"{a} {b}" for a, b in pairwise(words))}
        return sorted({zlib.crc32(gram.encode()) % _BUCKETS for gram in grams})

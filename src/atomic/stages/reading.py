"""reading: from a request's text alone, how probably each bid is right; the market's claim for bids that make none.

Ridge regression of "it was right" on the hashed words and word pairs of judged texts (squared length 1, rare ones
weigh more), their domain and their length, one for every bid, solved in the dual by coordinate steps
(Hsieh et al. 2008):

    a_i += (y_i - mean - f(x_i) - a_i L / w_i) / (L / w_i + x_i . x_i),    f(x) = sum of a_i x_i . x

A lesson takes a step on its own text and on a few earlier ones in turn, so that nothing is ever solved at one stroke.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atomic.belief.grams import grams
from atomic.records.lesson import Lesson
from atomic.records.microtask import Ask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 50  # judged texts of a bid before anything is claimed of it
MOST_TEXTS = 2_000  # of a tenant's task; then the oldest goes
_MOST_SHELVES, _MOST_BIDS, _GRAMS = 16, 64, 256
_BUCKETS, _DOMAINS = 1 << 13, 1 << 8
_RIDGE, _REVISITED, _GROWTH = 8.0, 6, 1.25
_MOST_CERTAIN = 0.98


class Reading:
    """What is known of bids by the texts that they answered, by tenant and task.

    It holds texts' traces, so it is no belief: whoever owns it lets it forget and teaches it again after an erasure.
    Deterministic: the same lessons in the same order give the same claims.
    """

    def __init__(self) -> None:
        self._shelves: dict[tuple[str, str], _Shelf] = {}

    def learn(self, ask: Judged, lessons: Sequence[Lesson]) -> None:
        """Take in how right bids were about a text; of what is taken back, what is said in its place stands."""
        said = {one.key: (one.target, one.weight) for one in lessons if one.kind == "right" and one.weight > 0.0}
        gone = {one.key for one in lessons if one.kind == "right" and one.weight < 0.0} - set(said)
        if not said and not gone:
            return
        key = (ask.tenant, ask.task)
        shelf = self._shelves.pop(key, None) or _Shelf()
        self._shelves[key] = shelf  # the last
        if len(self._shelves) > _MOST_SHELVES:
            del self._shelves[next(iter(self._shelves))]
        shelf.learn(ask, said, gone)

    def claims(self, ask: Ask) -> Mapping[str, float]:
        """By bid, how probably it is right about this text; nothing of a bid with fewer than 50 judged texts."""
        shelf = self._shelves.get((ask.tenant, ask.task.name))
        return {} if shelf is None else shelf.claims(ask)

    def forget(self) -> None:
        """Begin anew."""
        self._shelves.clear()


@dataclass(frozen=True, slots=True)
class Judged:
    """A text that somebody judged answers to."""

    request_id: str
    tenant: str
    task: str
    domain: str
    text: str


class _Row:
    """A judged text: its features, and by bid how right it was, the weight of that (0: not said) and its share."""

    __slots__ = ("at", "domain", "grams", "length", "right", "share", "size", "values", "weight")

    def __init__(self, domain: str, text: str, bids: int) -> None:
        import numpy as np

        self.grams, self.domain, self.length = _buckets(text), domain, math.log1p(len(text))
        self.at, self.values, self.size = self.grams, np.zeros(0), 0.0
        self.right, self.weight, self.share = np.zeros(bids), np.zeros(bids), np.zeros(bids)


class _Shelf:
    """The judged texts of a tenant's task, and the weights of features by bid."""

    def __init__(self) -> None:
        import numpy as np

        self._number: dict[str, int] = {}  # of a bid
        self._rows: dict[str, _Row] = {}  # by request id, the oldest first
        self._turns: list[str] = []
        self._turn, self._learned, self._anew = 0, 0, FEWEST
        self._frequency = np.zeros(_BUCKETS)
        self._weights = np.zeros((_MOST_BIDS, _BUCKETS + _DOMAINS + 1), np.float32)
        self._total, self._known, self._right = np.zeros(_MOST_BIDS), np.zeros(_MOST_BIDS), np.zeros(_MOST_BIDS)
        self._middle, self._scale = 6.0, 1.5  # of the logarithm of a text's length

    def learn(self, ask: Judged, said: Mapping[str, tuple[float, float]], gone: set[str]) -> None:
        for key in said:
            if key not in self._number and len(self._number) < _MOST_BIDS:
                self._number[key] = len(self._number)
        row = self._rows.get(ask.request_id) or self._added(ask)
        self._say(row, said, gone)
        self._step(row)
        for _ in range(_REVISITED):
            self._turn = (self._turn + 1) % len(self._turns)
            self._step(self._rows[self._turns[self._turn]])
        self._learned += 1
        if self._learned >= self._anew:
            self._anew = int(_GROWTH * self._learned) + 1
            self._look_again()

    def claims(self, ask: Ask) -> dict[str, float]:
        number = [(key, column) for key, column in self._number.items() if self._known[column] >= FEWEST]
        if not number:
            return {}
        row = _Row(ask.domain, ask.features.text, 0)
        self._describe(row)
        found = self._mean() + self._weights[:, row.at] @ row.values
        own = self._rows.get(ask.request_id)
        if own is not None:  # nobody is judged by the request itself
            found = found - own.share * own.size
        least = 1.0 - _MOST_CERTAIN
        return {key: min(_MOST_CERTAIN, max(least, float(found[column]))) for key, column in number}

    def _added(self, ask: Judged) -> _Row:
        if len(self._rows) >= MOST_TEXTS:
            name = self._turns.pop(0)
            oldest = self._rows.pop(name)
            self._say(oldest, {}, set(self._number))
            self._step(oldest)
            self._frequency[oldest.grams] -= 1
        row = self._rows[ask.request_id] = _Row(ask.domain, ask.text, _MOST_BIDS)
        self._turns.append(ask.request_id)
        self._frequency[row.grams] += 1
        self._describe(row)
        return row

    def _say(self, row: _Row, said: Mapping[str, tuple[float, float]], gone: set[str]) -> None:
        for key, (right, weight) in [*((key, (0.0, 0.0)) for key in sorted(gone)), *said.items()]:
            column = self._number.get(key)
            if column is not None:
                self._known[column] += float(weight > 0.0) - float(row.weight[column] > 0.0)
                self._total[column] += weight - row.weight[column]
                self._right[column] += weight * right - row.weight[column] * row.right[column]
                row.right[column], row.weight[column] = right, weight

    def _mean(self) -> NDArray[np.float64]:
        return (self._right + 1.0) / (self._total + 2.0)

    def _step(self, row: _Row) -> None:
        import numpy as np

        bids = len(self._number)
        weights, share, weight = self._weights[:bids], row.share[:bids], row.weight[:bids]
        ridge = _RIDGE / np.maximum(weight, 1e-6)
        missed = row.right[:bids] - self._mean()[:bids] - weights[:, row.at] @ row.values - ridge * share
        change = np.where(weight > 0.0, missed / (ridge + row.size), -share)
        share += change
        weights[:, row.at] += change[:, None] * row.values

    def _describe(self, row: _Row) -> None:
        """A text's features, as rare as its words are now."""
        import numpy as np

        often = self._frequency[row.grams]
        rare = np.log((1.0 + len(self._rows)) / (1.0 + often)) * (often > 1.0)
        long = float(np.sqrt(rare @ rare))
        others = [1.0, (row.length - self._middle) / self._scale]
        domain = _BUCKETS + zlib.crc32(row.domain.encode("utf-8", "replace")) % _DOMAINS
        row.at = np.append(row.grams, [domain, _BUCKETS + _DOMAINS])
        row.values = np.append(rare / long if long > 0.0 else rare, others).astype(np.float32)
        row.size = float(row.values @ row.values)

    def _look_again(self) -> None:
        """Which words are rare, and which texts long, has changed by a quarter: describe every text anew."""
        import numpy as np

        lengths = np.array([row.length for row in self._rows.values()])
        self._middle, self._scale = float(lengths.mean()), max(0.05, float(lengths.std()))
        self._weights[:] = 0.0
        for row in self._rows.values():
            self._describe(row)
            self._weights[:, row.at] += row.share[:, None] * row.values
        for row in self._rows.values():
            self._step(row)


def _buckets(text: str) -> NDArray[np.int64]:
    import numpy as np

    return np.unique(grams(text) & np.uint32(_BUCKETS - 1))[:_GRAMS].astype(np.int64)

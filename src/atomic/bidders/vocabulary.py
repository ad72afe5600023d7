"""Rows for grams: what a classifier knows of a gram stands in its row, and only grams that were learned have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUCKETS = 1 << 17
MOST_CELLS = 1 << 25  # rows times labels of one table: at four bytes each 128 MB


class Vocabulary:
    """Gives grams their rows, in the order they were first learned. Row 0 is every unknown gram's, and stays empty.

    So a task of 150 labels and 400 short texts takes megabytes, where a row for every bucket took hundreds.

    >>> import numpy as np
    >>> known = Vocabulary()
    >>> known.learned(np.array([7, 9]), labels=2).tolist(), known.rows(np.array([9, 11])).tolist()
    ([1, 2], [2, 0])
    """

    def __init__(self) -> None:
        import numpy as np

        self._row_of: NDArray[np.int32] = np.zeros(BUCKETS, np.int32)
        self.size = 1

    def rows(self, grams: NDArray[np.int64]) -> NDArray[np.int32]:
        """Their rows."""
        return self._row_of[grams]

    def learned(self, grams: NDArray[np.int64], *, labels: int) -> NDArray[np.int32]:
        """The rows of those that have one; new ones get one, as long as tables of so many labels may grow."""
        import numpy as np

        fresh = grams[self._row_of[grams] == 0][: max(0, MOST_CELLS // max(1, labels) - self.size)]
        self._row_of[fresh] = np.arange(self.size, self.size + fresh.size, dtype=np.int32)
        self.size += fresh.size
        rows = self._row_of[grams]
        return rows[rows > 0]


def grown(table: NDArray[np.generic], rows: int, columns: int, fill: float = 0.0) -> NDArray[np.generic]:
    """A table with at least so many rows and columns: the same one, or one twice as large with the rest filled."""
    import numpy as np

    if table.shape[0] >= rows and table.shape[1] >= columns:
        return table
    tall, wide = table.shape
    while tall < rows:
        tall *= 2
    while wide < columns:
        wide *= 2
    larger = np.full((tall, wide), fill, table.dtype)
    larger[: table.shape[0], : table.shape[1]] = table
    return larger

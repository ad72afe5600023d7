"""The gate: how many requests a worker has under way, and who is turned away first when that is too many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from atomic.errors import TooMany

# Of the places, what share each priority may fill: what can wait is turned away first.
_SHARES = {"low": 0.5, "normal": 0.9, "high": 1.0}


class Gate:
    """Counts what is under way.

    >>> gate = Gate(2)
    >>> with gate.place("high"), gate.place("high"):
    ...     gate.busy
    2
    >>> with gate.place("high"), gate.place("low"):
    ...     pass
    Traceback (most recent call last):
    atomic.errors.TooMany: too many requests are under way
      come again later, or say `x-atomic-priority: high` of what cannot wait
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.busy = 0
        self.turned_away = 0

    @contextmanager
    def place(self, priority: str) -> Iterator[None]:
        """Take a place until the block ends. Raises TooMany; an unknown priority is `normal`."""
        if self.busy >= max(1.0, self._most * _SHARES.get(priority, _SHARES["normal"])):
            self.turned_away += 1
            raise TooMany(
                "too many requests are under way",
                seconds=1.0,
                hint="come again later, or say `x-atomic-priority: high` of what cannot wait",
                ours=True,
            )
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

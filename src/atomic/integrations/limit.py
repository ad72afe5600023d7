"""A limit on what the calls of programs may cost together."""

from __future__ import annotations

import threading

from atomic.errors import CallerError
from atomic.records.money import dollars


class LimitReached(CallerError):
    """A call was not made: what all calls may cost is spent."""


class Limit:
    """What all calls may cost together, in nano-USD; kept exactly, from any number of threads.

    `spent` and `calls` count; `reached` says that a call could not be made: for want of money, here or for the day, or
    of anybody to ask.

    >>> limit = Limit(10)
    >>> held = limit.hold(7)
    >>> limit.hold(7), limit.paid(held, 4), limit.spent
    (3, None, 4)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.spent, self.calls, self.reached = 0, 0, False
        self._held = 0
        self._lock = threading.Lock()

    def hold(self, wanted: int) -> int:
        """Keep back up to `wanted` for a call. Raises LimitReached when nothing is left."""
        with self._lock:
            left = self.most - self.spent - self._held
            if left <= 0:
                self.reached = True
                raise LimitReached(f"the limit of {dollars(self.most)} is spent")
            held = min(left, wanted)
            self._held += held
            return held

    def paid(self, held: int, cost: int, *, short: bool = False) -> None:
        """A call ended; `short`: nobody was asked, or might have been with more."""
        with self._lock:
            self._held -= held
            self.spent += cost
            self.calls += 1
            self.reached = self.reached or short

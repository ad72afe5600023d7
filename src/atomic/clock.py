"""Where time comes from: one protocol, the machine's clock, and one that stands still for tests."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: what the calendar says (it may jump back) and what a stopwatch says (it may not)."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970, UTC, as the machine believes; may go backwards."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds of a stopwatch; never goes backwards, means nothing across processes."""
        ...


class SystemClock:
    """The machine's clock."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds of the machine's stopwatch."""
        return time.monotonic_ns()


class FrozenClock:
    """A clock that moves only when told.

    >>> clock = FrozenClock(time_ns=5)
    >>> clock.advance(2)
    >>> clock.time_ns()
    7
    """

    def __init__(self, time_ns: int = 1_700_000_000_000_000_000) -> None:
        self._time_ns = time_ns
        self._monotonic_ns = 0

    def time_ns(self) -> int:
        """The time it was set to."""
        return self._time_ns

    def monotonic_ns(self) -> int:
        """How far it was advanced."""
        return self._monotonic_ns

    def advance(self, nanoseconds: int) -> None:
        """Move both times forward."""
        self._time_ns += nanoseconds
        self._monotonic_ns += nanoseconds

    def set_back(self, nanoseconds: int) -> None:
        """Move the calendar time back, as a machine's correction does; the stopwatch stays."""
        self._time_ns -= nanoseconds

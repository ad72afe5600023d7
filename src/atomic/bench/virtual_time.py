"""An event loop whose time jumps: when nobody has anything to do but wait, the wait is over at once.

So a day of arrivals, stragglers and deadlines is played in seconds, in the right order.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from atomic.clock import FrozenClock

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Never waits for a timer: it moves the clock there."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._clock.advance(max(1, round(timeout * 1e9)))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that lives in a clock's time."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(_Jumping(clock))
        self._frozen = clock

    def time(self) -> float:
        """Seconds of the clock."""
        return self._frozen.monotonic_ns() / 1e9


def run_virtually(main: Coroutine[Any, Any, T], clock: FrozenClock) -> T:
    """Run to the end in a clock's time.

    >>> clock = FrozenClock()
    >>> run_virtually(asyncio.sleep(3600), clock)
    >>> round(clock.monotonic_ns() / 1e9)
    3600
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main)

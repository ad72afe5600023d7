"""How a worker stops: it says so first, takes what comes for another second, and then finishes what it has."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LAST_SECONDS = 1.0  # in which connections that are kept alive hear that they end with the next response


@contextmanager
def told_to_stop(draining: asyncio.Event) -> Iterator[None]:
    """Set `draining` when a SIGTERM comes, and pass the signal on a second later.

    Without that second a request that is on its way over an idle connection would be lost with the connection.
    """
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(draining.set)
        if callable(before):
            loop.call_soon_threadsafe(loop.call_later, LAST_SECONDS, before, number, None)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""capacity: how many attempts each bidder has under way, and who waits for one of them to end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class Capacity:
    """Counts attempts per bidder from the moment they are decided, since a commit lies between decision and call."""

    def __init__(self) -> None:
        self._busy: dict[str, int] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def busy(self) -> Mapping[str, int]:
        """Attempts under way by bidder; those with none are absent."""
        return self._busy

    @contextmanager
    def holding(self, bidders: Sequence[str]) -> Iterator[None]:
        """Count one attempt for each of these while the block runs; then let one who waits look again."""
        for name in bidders:
            self._busy[name] = self._busy.get(name, 0) + 1
        try:
            yield
        finally:
            for name in bidders:
                self._busy[name] -= 1
                if not self._busy[name]:
                    del self._busy[name]
                self.wake()

    async def freed(self, seconds: float) -> bool:
        """Wait, first come first served, until an attempt ends; False when that takes too long.

        Who was woken and then takes no place must `wake` the next.
        """
        if seconds <= 0:
            return False
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await asyncio.wait({place}, timeout=seconds)
        except asyncio.CancelledError:
            if place.done():
                self.wake()
            raise
        finally:
            if not place.done():
                place.cancel()
        return not place.cancelled()

    def wake(self) -> None:
        """Let the first who waits look again."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return

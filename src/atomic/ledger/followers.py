"""Followers: who is told of every event, in order and without gaps, whatever goes wrong with one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from atomic.protocols import Follower
from atomic.records.event import Event

_CHUNK = 1_000

Read = Callable[[int], Iterator[Event]]  # events after a seq


class Following:
    """One follower and the seq up to which it was told."""

    def __init__(self, callback: Follower, seq: int) -> None:
        self._callback = callback
        self.seq = seq

    def tell(self, events: Sequence[Event]) -> None:
        """Pass on those of `events` that are new to it, which begin at the next at the latest."""
        if events and events[-1].seq > self.seq:
            new = events if events[0].seq > self.seq else [one for one in events if one.seq > self.seq]
            self.seq = events[-1].seq
            self._callback(new)


class Followers:
    """All followers of a ledger."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._all: list[Following] = []

    def add(self, callback: Follower, after: int) -> Callable[[], None]:
        """Tell `callback` of every event with seq > `after`: first of those that are there, at once."""
        following = Following(callback, after)
        self._catch_up(following)
        self._all.append(following)
        return lambda: self._all.remove(following) if following in self._all else None

    def publish(self, events: Sequence[Event]) -> None:
        """Tell everybody. What a follower raises goes to the event loop's exception handler, not to the appender."""
        for following in tuple(self._all):
            try:
                if events[0].seq > following.seq + 1:
                    # A former event loop was closed before it could be told.
                    self._catch_up(following)
                following.tell(events)
            except Exception as error:  # a follower is anybody's: it must not stop the others or the appender
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a follower of the ledger failed", "exception": error}
                )

    def _catch_up(self, following: Following) -> None:
        chunk: list[Event] = []
        for event in self._read(following.seq):
            chunk.append(event)
            if len(chunk) == _CHUNK:
                following.tell(chunk)
                chunk = []
        following.tell(chunk)

"""capacity: how many attempts each bidder has under way, and who waits in line for a place with whom."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from atomic.clock import Clock, SystemClock
from atomic.stages.line import Line, Ticket

MOST_WAITING = 10_000


class Capacity:
    """Counts attempts per bidder from the moment they are decided, since a commit lies between decision and call.

    At most `most_waiting` requests wait. When that many do, one more takes the place of the last in the longest line
    (by tenant, then task), unless that is its own: whoever floods the market is turned away, not its neighbours.
    """

    def __init__(self, clock: Clock | None = None, *, most_waiting: int = MOST_WAITING) -> None:
        self.clock = clock or SystemClock()
        self._most_waiting = most_waiting
        self._busy: dict[str, int] = {}
        self._lines: dict[str, Line] = {}
        self._everybody = Line()
        self._waiting: dict[Ticket, tuple[asyncio.Future[str], Collection[str]]] = {}

    @property
    def busy(self) -> Mapping[str, int]:
        """Places taken by bidder, those kept for somebody who was called included; bidders with none are absent."""
        return self._busy

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._everybody)

    @contextmanager
    def turn(self, tenant: str, task: str, urgency: int) -> Iterator[Turn]:
        """One request's dealings with the line; a place that is still kept for it at the end goes to the next."""
        turn = Turn(self, Ticket(tenant, task, urgency))
        try:
            yield turn
        finally:
            turn.pass_on()

    def take(self, bidder: str) -> None:
        """Count one more attempt."""
        self._busy[bidder] = self._busy.get(bidder, 0) + 1

    def free(self, bidder: str) -> None:
        """An attempt ended: its place is kept for whoever's turn it is; where nobody waits it is free."""
        line = self._lines.get(bidder)
        ticket = line.next() if line is not None else None
        if ticket is not None:
            self._call(ticket, bidder)
            return
        self._busy[bidder] -= 1
        if not self._busy[bidder]:
            del self._busy[bidder]

    async def wait(self, ticket: Ticket, bidders: Collection[str], seconds: float) -> str | None:
        """Wait for a place with one of these bidders: its name, "" when that takes too long, None when too many wait.

        The place is counted already; who does not use it must `free` it.
        """
        called: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = called, bidders
        for line in (self._everybody, *(self._lines.setdefault(name, Line()) for name in bidders)):
            line.add(ticket)
        if len(self._everybody) > self._most_waiting and (last := self._everybody.last_of_the_longest()) is not None:
            self._waiting[last][0].cancel()
            self._leave(last)
        try:
            await asyncio.wait({called}, timeout=max(0.0, seconds))
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self.free(called.result())
            raise
        finally:
            self._leave(ticket)
        if called.cancelled():
            return None
        return called.result() if called.done() else ""

    def _call(self, ticket: Ticket, bidder: str) -> None:
        self._waiting[ticket][0].set_result(bidder)
        self._leave(ticket)

    def _leave(self, ticket: Ticket) -> None:
        if ticket not in self._waiting:
            return
        _, bidders = self._waiting.pop(ticket)
        self._everybody.remove(ticket)
        for name in bidders:
            line = self._lines[name]
            line.remove(ticket)
            if not line:
                del self._lines[name]


class Turn:
    """One request's dealings with the line.

    `turned_away` says that too many waited already, `waited_ns` how long it has waited since it last held a place.
    """

    def __init__(self, capacity: Capacity, ticket: Ticket) -> None:
        self._capacity = capacity
        self._ticket = ticket
        self._kept = ""  # the bidder with whom a place is kept for us
        self.turned_away = False
        self.waited_ns = 0

    @property
    def busy(self) -> Mapping[str, int]:
        """Places that others have taken."""
        busy = self._capacity.busy
        return {**busy, self._kept: busy[self._kept] - 1} if self._kept else busy

    async def called(self, bidders: Collection[str], time_left_ns: int) -> bool:
        """Wait until it is worth looking again: a place with one of these is kept for us, or we are turned away.

        False when there is nobody or nothing left to wait for.
        """
        self.pass_on()
        if not bidders or time_left_ns <= 0:
            return False
        clock = self._capacity.clock
        began_ns = clock.monotonic_ns()
        place = await self._capacity.wait(self._ticket, bidders, time_left_ns / 1e9)
        self.waited_ns += clock.monotonic_ns() - began_ns
        self._kept, self.turned_away = place or "", place is None
        return place != ""

    @contextmanager
    def holding(self, bidders: Sequence[str]) -> Iterator[Held]:
        """Take a place with each of these; those that are not given back earlier are when the block ends."""
        held = Held(self._capacity)
        for name in bidders:
            if name == self._kept:
                held.names.append(name)  # it is counted already
                self._kept = ""
            else:
                held.take(name)
        self.pass_on()
        self.waited_ns, self.turned_away = 0, False
        try:
            yield held
        finally:
            for name in tuple(held.names):
                held.free(name)

    def pass_on(self) -> None:
        """Give back the place that was kept for us and that we have no use for."""
        kept, self._kept = self._kept, ""
        if kept:
            self._capacity.free(kept)


class Held:
    """Places that one round holds, each until its attempt ends: a slow one among them must not keep the others'."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self.names: list[str] = []

    def take(self, bidder: str) -> None:
        """One more."""
        self._capacity.take(bidder)
        self.names.append(bidder)

    def free(self, bidder: str) -> None:
        """Give one back; nothing if it was."""
        if bidder in self.names:
            self.names.remove(bidder)
            self._capacity.free(bidder)

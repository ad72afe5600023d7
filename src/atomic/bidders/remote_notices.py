"""What a remote bidder is told once it is over: that it lost and at which price it would not have, or what it is paid.

Told from the ledger's own events, so that what is said is what is booked. Settlements are said until they are heard, a
few times; losses are news, of which the oldest are left out when too many wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from atomic.bidders.remote_wire import RemoteWire, Unanswered
from atomic.errors import AtomicError
from atomic.protocols import History
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award, Slate, Table
from atomic.records.event import Event, decode
from atomic.rules.critical import Round

if TYPE_CHECKING:
    from atomic.bidders.remote import Standing

_MOST_LOSSES = 256
_SECONDS, _LAST_SECONDS = 5.0, 5.0
_PAUSES = (0.0, 0.5, 2.0)  # seconds before each time that a settlement is said


async def critical(history: History, award: Award, bidder: str, most: int) -> int | None:
    """The critical price of a bidder in a recorded round, from what the ledger holds of it alone; reckoned aside."""
    slate: Slate = decode(Slate, history.blob(award.slate))
    table: Table = decode(Table, history.blob(award.table))
    keys = [one.key for one in slate.bids if one.offer.bidder == bidder]
    if not keys:
        return None
    key = next((one for one in keys if one in award.chosen), keys[0])
    return await asyncio.to_thread(Round(award.position, slate, table, award.draw, key).critical, most)


class Notices:
    """What waits to be said to one remote bidder. `dropped` counts the losses that it was not told of."""

    def __init__(self, bidder: str, wire: RemoteWire, history: History | None, most: int) -> None:
        self._bidder = bidder
        self._wire = wire
        self._history = history
        self._most = most
        self._losses: deque[tuple[Standing, Award]] = deque()
        self._settlements: deque[Mapping[str, Any]] = deque()
        self._saying: asyncio.Task[None] | None = None
        self.dropped = 0

    def heard(self, event: Event, standing: Standing) -> None:
        """An event of a request that it bid for."""
        done = event.payload
        if isinstance(done, AttemptFinished) and done.bidder == self._bidder and not done.recalled and standing.bid:
            paid = {"payment": done.price, "answered": done.reason is None, "seq": event.seq}
            why = {} if done.reason is None else {"reason": done.reason.name.lower()}
            self._settlements.append({"id": standing.id, "bid": standing.bid.id, **paid, **why})
        elif event.kind == "outcome" and standing.won is None and not standing.asked and standing.lost is not None:
            self._losses.append((standing, standing.lost))
            if len(self._losses) > _MOST_LOSSES:
                self._losses.popleft()
                self.dropped += 1
        if (self._losses or self._settlements) and (self._saying is None or self._saying.done()):
            self._saying = asyncio.get_running_loop().create_task(self._say())

    async def _say(self) -> None:
        while self._losses or self._settlements:
            if self._settlements:
                await self._settle(self._settlements[0])
                self._settlements.popleft()
            else:
                standing, award = self._losses.popleft()
                with suppress(Unanswered, AtomicError):  # news: who does not hear it bids as before
                    await self._wire.post("loss", await self._loss(standing, award), _SECONDS)

    async def _settle(self, message: Mapping[str, Any]) -> None:
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            with suppress(Unanswered, AtomicError):  # the ledger has it, whoever hears of it
                await self._wire.post("settlement", message, _SECONDS)
                return

    async def _loss(self, standing: Standing, award: Award) -> Mapping[str, Any]:
        assert standing.bid is not None
        found = None
        if self._history is not None:
            found = await critical(self._history, award, self._bidder, self._most)
        return {"id": standing.id, "bid": standing.bid.id, "price": standing.bid.price, "critical_price": found}

    async def close(self) -> None:
        """Say the rest, for a short time."""
        if self._saying is not None:
            await asyncio.wait({self._saying}, timeout=_LAST_SECONDS)
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)

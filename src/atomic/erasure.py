"""Erasure: what is about somebody is gone for ever, and beliefs are what they would be without it.

Two steps, each whole: the ledger destroys keys and bodies and says so in an event; then beliefs are folded again
without the erased requests and their snapshot is recorded, where every later fold begins. The head is signed over both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from atomic.belief import Beliefs
from atomic.belief.snapshot import restore, snapshot
from atomic.protocols import History, Ledger
from atomic.records.canonical import content_id
from atomic.records.erasure import BeliefsRebased, BodiesErased
from atomic.records.event import Entry, Event

_CHUNK = 1_000


class ErasingLedger(Ledger, Protocol):
    """A ledger that can forget."""

    async def erase(self, subject: str) -> Event | None:
        """Erase all that is about a subject; None when there was nothing."""
        ...

    async def erase_requests(self, requests: Sequence[tuple[str, str]]) -> Event | None:
        """Erase every body of some requests; None when there was nothing."""
        ...

    async def seal(self) -> int:
        """Sign the head now."""
        ...


async def erase(ledger: ErasingLedger, subject: str) -> BodiesErased | None:
    """Erase all that is about a subject and draw beliefs up again; None when there was nothing. Power-durable.

    What a crash cut short is completed by doing it again.
    """
    return await _rebased(ledger, await ledger.erase(subject))


async def erase_requests(ledger: ErasingLedger, requests: Sequence[tuple[str, str]]) -> BodiesErased | None:
    """Erase every body of some requests, as (tenant, request id), and draw beliefs up again."""
    return await _rebased(ledger, await ledger.erase_requests(requests)) if requests else None


async def _rebased(ledger: ErasingLedger, event: Event | None) -> BodiesErased | None:
    last = _last(ledger, "erased")
    # Without an event of ours, one whose beliefs a crash kept from being drawn up again may still wait.
    if last is not None and (event is not None or _rebased_to(ledger) < last.seq):
        await rebase(ledger)
        await ledger.seal()
    return event.payload if event is not None and isinstance(event.payload, BodiesErased) else None


async def rebase(ledger: Ledger) -> Event:
    """Record a snapshot of beliefs folded without erased requests, so that every later fold begins there."""
    while True:
        beliefs = await asyncio.to_thread(without_erased, ledger)  # all of it is read
        content = snapshot(beliefs)
        rebased = BeliefsRebased(at=beliefs.seq, snapshot=content_id(content), digest=beliefs.digest())
        (event,) = await ledger.append([Entry(payload=rebased, blobs=(content,))], power_durable=True)
        # Somebody else may have erased meanwhile; then their requests are in our snapshot still.
        between = ledger.read(after=beliefs.seq, kinds=("erased",))
        if not any(one.seq < event.seq for one in between):
            return event


def without_erased(ledger: History) -> Beliefs:
    """Beliefs as folded from the whole ledger, but for the requests that were erased at any time."""
    beliefs = Beliefs()
    beliefs.erased = erased_requests(ledger)
    events = ledger.read()
    while chunk := list(islice(events, _CHUNK)):
        beliefs.fold(chunk)
    return beliefs


def erased_requests(ledger: History) -> set[tuple[str, str]]:
    """Every (tenant, request id) that was erased as a whole, at any time."""
    found: set[tuple[str, str]] = set()
    for event in ledger.read(kinds=("erased",)):
        if isinstance(event.payload, BodiesErased):
            found.update(event.payload.requests)
    return found


def fold(beliefs: Beliefs, events: Sequence[Event], ledger: History) -> None:
    """Take events into beliefs as `Beliefs.fold` does, and at each re-base begin at its snapshot."""
    waiting: list[Event] = []
    for event in events:
        waiting.append(event)
        if isinstance(event.payload, BeliefsRebased) and event.seq > beliefs.seq:
            begin_at(beliefs, event.payload, ledger)
            since = ledger.read(after=beliefs.seq)
            waiting = [one for one in islice(since, event.seq - beliefs.seq) if one.seq <= event.seq]
    beliefs.fold(waiting)


def begin_at(beliefs: Beliefs, rebased: BeliefsRebased, ledger: History) -> None:
    """Put a snapshot in the place of everything believed. Raises NotFound or Tampered when it is not as recorded."""
    restore(beliefs, ledger.blob(rebased.snapshot))


def newest_rebase(ledger: History) -> BeliefsRebased | None:
    """The newest re-base of a ledger."""
    last = _last(ledger, "rebased")
    return last.payload if last is not None and isinstance(last.payload, BeliefsRebased) else None


def _last(ledger: History, kind: str) -> Event | None:
    last = None
    for last in ledger.read(kinds=(kind,)):  # noqa: B007 - there are few, and no ledger reads backwards
        pass
    return last


def _rebased_to(ledger: History) -> int:
    rebased = newest_rebase(ledger)
    return 0 if rebased is None else rebased.at

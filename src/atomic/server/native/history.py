"""The ledger: its head, its events by page or as they come, and whether it is as it was written."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from atomic.errors import CallerError, NotFound
from atomic.explain.events import event_told
from atomic.ledger.export import export as exported
from atomic.ledger.verify import verify as check
from atomic.protocols import Ledger
from atomic.records.event import KINDS, Event
from atomic.server.keyring import Principal
from atomic.server.native.common import Serving, Who, Whole, may
from atomic.server.native.shapes import EventsShown, HeadShown, Limit, Name, Seq, Told
from atomic.server.service import Service

router = APIRouter(tags=["ledger"])
_PING_SECONDS = 15.0
_CHUNK = 500
Kinds = Annotated[list[str], Query(max_length=len(KINDS), description="Only these kinds of events.")]


@router.get("/ledger/head", dependencies=[may("see", "ledger")])
def head(service: Whole) -> HeadShown:
    """The last event."""
    last = service.ledger.head()
    found = list(service.ledger.read(after=last - 1, limit=1)) if last else []
    return HeadShown(seq=last, time_ns=found[0].time_ns if found else 0)


@router.get("/ledger/events", dependencies=[may("see", "ledger")])
def events(
    service: Serving,
    who: Who,
    after: Seq = 0,
    kind: Kinds = [],  # noqa: B006 - as FastAPI reads a list
    request_id: Name = "",
    bodies: bool = False,
    limit: Limit = 100,
) -> EventsShown:
    """Events in order; of one request or of some kinds, where that is said."""
    rows: list[Told] = []
    last = None
    found = service.ledger.read(after=after, request_id=request_id or None, kinds=_kinds(kind))
    for event in found:
        if not _may_see(who, event):
            continue
        if len(rows) == limit:
            return EventsShown(events=rows, next=last)
        rows.append(event_told(service.ledger, event, bodies=bodies))
        last = event.seq
    return EventsShown(events=rows, next=None)


@router.get("/ledger/events/{seq}", dependencies=[may("see", "ledger")])
def event(seq: Seq, service: Serving, who: Who, bodies: bool = False) -> Told:
    """One event, by its number."""
    found = list(service.ledger.read(after=seq - 1, limit=1)) if seq else []
    if not found or found[0].seq != seq or not _may_see(who, found[0]):
        raise NotFound(f"there is no event {seq}", hint="/api/v1/ledger/head says which is the last")
    return event_told(service.ledger, found[0], bodies=bodies)


@router.post("/ledger/verify", dependencies=[may("see", "ledger")])
def verify(service: Whole) -> Told:
    """Check the chain, the signed heads and every body; `ok` says that all is as it was written."""
    if service.config.ledger is None:
        raise CallerError("this ledger is in memory: there is nothing to be checked against")
    found = check(service.config.ledger)
    return dataclasses.asdict(found) | {"ok": found.ok}


@router.get(
    "/ledger/export",
    response_class=StreamingResponse,
    responses={200: {"description": "Lines of JSON.", "content": {"application/x-ndjson": {}}}},
    dependencies=[may("see", "ledger")],
)
def export(service: Whole) -> StreamingResponse:
    """All events with the signed heads, a line of JSON each: what `atomic ledger export` writes, without bodies."""
    if service.config.ledger is None:
        raise CallerError("this ledger is in memory: there is nothing to be taken away")
    lines = (orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in exported(service.config.ledger))
    return StreamingResponse(lines, media_type="application/x-ndjson")


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Events as they come.", "content": {"text/event-stream": {}}}},
    dependencies=[may("see", "ledger")],
)
async def live(
    request: Request,
    service: Serving,
    who: Who,
    after: Annotated[Seq | None, Query(description="From this event on; without it, from now on.")] = None,
    kind: Kinds = [],  # noqa: B006 - as FastAPI reads a list
    last_event_id: Annotated[str, Header(max_length=18, pattern=r"^[0-9]*$")] = "",
) -> StreamingResponse:
    """The ledger as server-sent events: `id` is an event's number, `event` its kind, `data` the event without bodies.

    `Last-Event-ID` goes on after that event, as browsers do by themselves.
    """
    begin = int(last_event_id) if last_event_id else after
    if begin is None:
        begin = service.ledger.head()
    stream = _told(service, who, begin, _kinds(kind))
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _told(service: Service, who: Principal, after: int, kinds: Sequence[str]) -> AsyncIterator[bytes]:
    """Read what there is, then wait for more: a slow reader holds up nobody, and misses nothing."""
    more = asyncio.Event()
    unfollow = service.ledger.follow(lambda events: more.set())
    yield b": the ledger\n\n"
    try:
        while not service.draining.is_set() and service.may_stay(who):
            more.clear()
            # In another thread: of a long ledger that is no tenant's own nothing is told for long, and nobody waits.
            found = await asyncio.to_thread(_chunk, service.ledger, after)
            for event in found:
                after = event.seq
                if _may_see(who, event) and (not kinds or event.kind in kinds):
                    data = orjson.dumps(event_told(service.ledger, event, bodies=False))
                    yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.kind.encode(), data)
            if len(found) < _CHUNK and not await _told_of(more, service.draining):
                yield b": still here\n\n"
    finally:
        unfollow()


def _chunk(ledger: Ledger, after: int) -> list[Event]:
    return list(ledger.read(after=after, limit=_CHUNK))


async def _told_of(more: asyncio.Event, draining: asyncio.Event) -> bool:
    """Whether there is more before it is time for a sign of life; also where the server stops."""
    waits = {asyncio.ensure_future(more.wait()), asyncio.ensure_future(draining.wait())}
    done, pending = await asyncio.wait(waits, timeout=_PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for one in pending:
        one.cancel()
    return bool(done)


def _may_see(who: Principal, event: Event) -> bool:
    """A tenant sees its own events; whoever has none sees its own and those of the market."""
    return event.tenant == who.tenant and (not who.tenant or bool(event.request_id))


def _kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    for one in kinds:
        if one not in KINDS:
            raise CallerError(f"there is no kind {one!r} of events", hint=f"one of {', '.join(KINDS)}")
    return tuple(kinds)

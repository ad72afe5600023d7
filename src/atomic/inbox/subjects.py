"""Somebody's data: what is kept about them, handed out, or erased with what proves it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from atomic import erasure
from atomic.config import Config
from atomic.explain.events import body_told
from atomic.inbox.door import inbox_of
from atomic.inbox.forgetting import about, digests_of, forget_results, results_about
from atomic.ledger import LedgerReader, SqliteLedger
from atomic.records.erasure import BodiesErased
from atomic.records.event import Event, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What erasing came to: what the ledger says of it (None: it held nothing any more), and files of results."""

    erased: BodiesErased | None
    files: int


def exported(config: Config, ledger: LedgerReader, subject: str) -> dict[str, Any]:
    """All that is kept about somebody: events with the bodies that are theirs, and the inbox's files of results."""
    events = [_told(ledger, subject, event) for event in ledger.events_of(subject)]
    out = results_of(config)
    digests = digests_of([event["request_id"] for event in events])
    files = [
        {
            "file": str(path.relative_to(out)),
            "is": about(out, path),
            "content": path.read_bytes().decode(errors="replace"),
        }
        for path in results_about(out, subject, digests)
    ]
    return {"subject": subject, "events": events, "results": files}


def kept(config: Config, ledger: LedgerReader, subject: str) -> dict[str, int]:
    """How much is kept about somebody: events, requests, bodies that are theirs, and files of results."""
    tokens = set(ledger.tokens(subject))
    events = list(ledger.events_of(subject))
    requests = {(event.tenant, event.request_id) for event in events if event.request_id}
    bodies = sum(bool(tokens & set(ledger.subjects(one))) for event in events for one in event.bodies)
    digests = digests_of([request for _, request in requests])
    files = len(list(results_about(results_of(config), subject, digests)))
    return {"events": len(events), "requests": len(requests), "bodies": bodies, "files": files}


async def erased(config: Config, ledger: SqliteLedger, subject: str) -> Erasure:
    """Erase all that is about somebody, for ever, and draw beliefs up again without it. The mailbox is left alone."""
    found = await erasure.erase(ledger, subject)
    # Of every erasure, so that one that was cut short is completed.
    requests = erasure.erased_requests(ledger)
    digests = digests_of([request_id for _, request_id in requests])
    files = await asyncio.to_thread(forget_results, results_of(config), subject, digests)
    return Erasure(erased=found, files=files)


def results_of(config: Config) -> Path:
    """The folder of the inbox's results."""
    return inbox_of(config)[1]


def _told(ledger: LedgerReader, subject: str, event: Event) -> dict[str, Any]:
    """An event with those of its bodies that are about the subject."""
    tokens = set(ledger.tokens(subject))
    return {
        "seq": event.seq,
        "time_ns": event.time_ns,
        "kind": event.kind,
        "request_id": event.request_id,
        "tenant": event.tenant,
        "label": event.label,
        "payload": orjson.loads(encode(event.payload)),
        "bodies": {one.name: body_told(ledger.body(one)) for one in event.bodies if tokens & set(ledger.subjects(one))},
    }

"""The inbox: each mail with what was decided of it and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query

from atomic.protocols import Ledger
from atomic.records.event import Event
from atomic.records.outcome import ActionDone, OutcomeSettled
from atomic.server.native.common import Serving, Who, may
from atomic.server.native.shapes import Seq, Told

router = APIRouter(tags=["inbox"])


@router.get("/inbox", dependencies=[may("see", "inbox")])
def inbox(
    service: Serving,
    who: Who,
    before: Annotated[Seq, Query(description="Of a page before: its `next`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> Told:
    """A page of mails, the newest first: from whom, what was decided, and what was done."""
    found = list(islice(service.overviews.listing.mails(who.tenant, before=before), limit + 1))
    mails = [_mail(service.ledger, mail, [_event(service.ledger, seq) for seq in seqs]) for mail, seqs in found[:limit]]
    more = found[limit - 1][1][-1] if len(found) > limit else None
    return {"ready": service.overviews.ready, "mails": mails, "next": more}


def _event(ledger: Ledger, seq: int) -> Event:
    return next(ledger.read(after=seq - 1, limit=1))


def _mail(ledger: Ledger, mail: str, requests: Sequence[Event]) -> Told:
    tenant = requests[0].tenant
    letter = _letter(ledger, requests[0])
    actions = ledger.read(request_id=f"{mail}/mail", kinds=("action",))
    return {
        "mail": mail,
        "time_ns": min(event.time_ns for event in requests),
        "sender": letter.get("sender", ""),
        "subject": letter.get("subject", ""),
        "decisions": [one for event in requests for one in _decision(ledger, event)],
        "actions": [
            {"action": one.payload.action, "status": one.payload.status, "detail": one.payload.detail}
            for one in actions
            if one.tenant == tenant and isinstance(one.payload, ActionDone)
        ],
    }


def _letter(ledger: Ledger, request: Event) -> dict[str, Any]:
    """The mail as its microtasks were given it; empty where it was erased."""
    for body in request.bodies:
        content = ledger.body(body) if body.name == "input" else None
        given = orjson.loads(content) if content is not None else None
        for value in given.values() if isinstance(given, dict) else ():
            if isinstance(value, dict) and "subject" in value:
                return value
    return {}


def _decision(ledger: Ledger, request: Event) -> Iterator[Told]:
    for event in ledger.read(request_id=request.request_id, kinds=("outcome",)):
        settled = event.payload
        if event.tenant == request.tenant and isinstance(settled, OutcomeSettled):
            answer = ledger.body(event.bodies[0]) if event.bodies else None
            yield {
                "request_id": request.request_id,
                "task": settled.task,
                "status": settled.status,
                "answer": None if answer is None else orjson.loads(answer),
                "probability": settled.probability,
                "cost": settled.cost,
            }

"""Requests: a list to page through, one of them, why it was decided so, and words on it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from atomic.errors import NotFound
from atomic.explain import Explanation
from atomic.explain import explain as explained
from atomic.explain import why_not as why_not_told
from atomic.listing import Wanted, backwards
from atomic.protocols import Headed, History, Ledger
from atomic.records.event import Event
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.server.keyring import Principal, authored
from atomic.server.native.common import RequestId, Serving, Who, may
from atomic.server.native.shapes import FeedbackAsked, Limit, Name, RequestRow, RequestsShown, Seq, Told
from atomic.server.service import Service

router = APIRouter(prefix="/requests", tags=["requests"])
_SCANNED = 2_000  # requests; a page's `next` goes on from there


@router.get("", dependencies=[may("see", "requests")])
def requests(  # noqa: PLR0913, PLR0917 - what can be asked for
    service: Serving,
    who: Who,
    task: Name = "",
    status: Literal["", "open", "answered", "refused"] = "",
    bidder: Annotated[str, Query(max_length=200, description="Who won it; with or without tactic.")] = "",
    search: Annotated[str, Query(max_length=200, description="A part of its id.")] = "",
    before: Annotated[Seq, Query(description="Of a page before: its `next`.")] = 0,
    limit: Limit = 50,
) -> RequestsShown:
    """A page of requests, the newest first; shadows of others are not among them."""
    wanted = Wanted(search=search, task=task, status=status, bidder=bidder)
    if not service.overviews.ready:
        return _read(service.ledger, who.tenant, wanted, before, limit)
    seqs = list(islice(service.overviews.listing.requests(who.tenant, wanted, before=before), limit + 1))
    rows = [_row(service.ledger, next(service.ledger.read(after=seq - 1, limit=1))) for seq in seqs[:limit]]
    return RequestsShown(requests=rows, next=rows[-1].seq if len(seqs) > limit else None)


def _read(ledger: Headed, tenant: str, wanted: Wanted, before: int, limit: int) -> RequestsShown:
    """The same from the ledger itself, as long as the past is being read: of so many requests at a time."""
    rows: list[RequestRow] = []
    for scanned, event in enumerate(backwards(ledger, ("request",), before), 1):
        if event.tenant == tenant and wanted.search in event.request_id and _fits(event, wanted.task):
            row = _row(ledger, event)
            if wanted.status in {"", row.status} and wanted.bidder in {"", row.winner, row.winner.partition("+")[0]}:
                rows.append(row)
        if len(rows) == limit or scanned == _SCANNED:
            return RequestsShown(requests=rows, next=event.seq)
    return RequestsShown(requests=rows, next=None)


@router.get("/{request_id:path}/explain", dependencies=[may("see", "requests")])
def explain(
    request_id: RequestId,
    service: Serving,
    who: Who,
    bodies: Annotated[bool, Query(description="The input and answers, too.")] = False,
) -> Told:
    """Why it was bought from whom, and what it would have taken to be bought elsewhere."""
    if bodies:
        service.require(who, "see", "inbox")
    _opened(service.ledger, who.tenant, request_id)
    story: Told = _visible(service, who, explained(service.ledger, request_id, tenant=who.tenant, bodies=bodies)).json()
    return story


@router.get(
    "/{request_id:path}/explain.txt",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
    dependencies=[may("see", "requests")],
)
def explain_text(request_id: RequestId, service: Serving, who: Who, brief: bool = False) -> Response:
    """The same in plain words."""
    _opened(service.ledger, who.tenant, request_id)
    story = _visible(service, who, explained(service.ledger, request_id, tenant=who.tenant))
    return Response(story.brief() if brief else story.text(), media_type="text/plain")


@router.get("/{request_id:path}/why-not", dependencies=[may("see", "requests")])
def why_not(request_id: RequestId, bidder: Annotated[str, Query(max_length=200)], service: Serving, who: Who) -> Told:
    """Why a bidder ("name", or "name+tactic") did not win it, and what it would have taken."""
    _opened(service.ledger, who.tenant, request_id)
    story: Told = why_not_told(service.ledger, bidder, request_id, tenant=who.tenant).json()
    return story


@router.post("/{request_id:path}/feedback", status_code=204, dependencies=[may("judge", "requests")])
async def feedback(request_id: RequestId, asked: FeedbackAsked, service: Serving, who: Who) -> None:
    """Say how right it was; the market learns from it at once."""
    await service.market.feedback(
        request_id,
        asked.value,
        truth=asked.truth,
        rights=asked.rights,
        source=asked.source,
        author=authored(who, asked.author),
        tenant=who.tenant,
        asked=asked.asked,
    )


@router.get("/{request_id:path}", dependencies=[may("see", "requests")])
def request(request_id: RequestId, service: Serving, who: Who) -> RequestRow:
    """One request."""
    return _row(service.ledger, _opened(service.ledger, who.tenant, request_id))


def _visible(service: Service, who: Principal, story: Explanation) -> Explanation:
    """The story without answers, for whoever may not see the inbox."""
    return story if not service.policies.entering(who.who, "see", "inbox") else story.without_answers()


def _opened(ledger: Ledger, tenant: str, request_id: str) -> Event:
    for event in ledger.read(request_id=request_id, kinds=("request",)):
        if event.tenant == tenant:
            return event
    raise NotFound(f"there is no request {request_id!r}", hint="/api/v1/requests lists them")


def _fits(event: Event, task: str) -> bool:
    told = event.payload
    if not isinstance(told, RequestOpened) or task not in ("", told.task):
        return False
    return told.assignment is None or not told.assignment.shadows


def _row(ledger: History, opened: Event) -> RequestRow:
    told: Any = opened.payload
    found = ledger.read(request_id=opened.request_id, kinds=("outcome",))
    settled = next((one.payload for one in found if one.tenant == opened.tenant), None)
    row = RequestRow(
        seq=opened.seq,
        request_id=opened.request_id,
        task=told.task,
        time_ns=opened.time_ns,
        label=opened.label,
        status="open",
    )
    if not isinstance(settled, OutcomeSettled):
        return row
    return row.model_copy(
        update={
            "status": settled.status,
            "winner": settled.winner,
            "probability": settled.probability,
            "cost": settled.cost,
            "latency_ns": settled.latency_ns,
            "rounds": settled.rounds,
            "why": settled.why,
        }
    )

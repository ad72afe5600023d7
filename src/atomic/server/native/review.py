"""Questions to people: what waits, one of them with what a reader needs, and a person's word on it."""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from fastapi import APIRouter

from atomic.errors import CallerError, NotFound
from atomic.inbox.approval import APPROVE
from atomic.questions import Question
from atomic.records.canonical import canonical_json
from atomic.records.question import QuestionTaken
from atomic.review import Word, content_of, counts, give, input_of, is_ours, read_value, taken
from atomic.server.keyring import Principal, named
from atomic.server.native.common import RequestId, Serving, Who, may
from atomic.server.native.shapes import (
    Name,
    QuestionRow,
    QuestionShown,
    QuestionsShown,
    ReviewerAsked,
    Told,
    WordAsked,
)
from atomic.server.service import Service

router = APIRouter(prefix="/review", tags=["review"])


@router.get("", dependencies=[may("see", "review")])
def questions(service: Serving, who: Who, queue: Name = "") -> QuestionsShown:
    """What waits for a person, oldest first; of one queue (a person's name) or of all."""
    waiting = service.queue.waiting(time.time_ns(), queue=queue)
    return QuestionsShown(questions=[QuestionRow(**_row(one)) for one in waiting if one.event.tenant == who.tenant])


@router.post("/{question:path}/take", status_code=204, dependencies=[may("review", "review")])
async def take(question: RequestId, asked: ReviewerAsked, service: Serving, who: Who) -> None:
    """Work on it for a quarter of an hour: meanwhile nobody else gets it."""
    one, reviewer = _find(service, who, question), named(who, asked.reviewer)
    await _say(service, one, reviewer, (taken(one, reviewer),), is_ours)


@router.post("/{question:path}/give-back", status_code=204, dependencies=[may("review", "review")])
async def give_back(question: RequestId, asked: ReviewerAsked, service: Serving, who: Who) -> None:
    """Let others have it."""
    one, reviewer = _find(service, who, question), named(who, asked.reviewer)
    await _say(service, one, reviewer, (taken(one, reviewer, until_ns=0),), lambda *_: True)


@router.post("/{question:path}/answer", status_code=204, dependencies=[may("review", "review")])
async def answer(question: RequestId, asked: WordAsked, service: Serving, who: Who) -> None:
    """Answer it. Of an approval `true` lets the action be taken, and `false` or null refuses it."""
    one, value = _find(service, who, question), asked.value
    if one.asked.kind == "approval":
        value = APPROVE if value in (True, APPROVE) else None
    content = None
    if value is not None:
        schema = content_of(service.ledger, one).get("schema", {})
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        if isinstance(value, bool) and one.asked.labels == ("yes", "no"):
            text = "yes" if value else "no"
        content = canonical_json(read_value(text, one, schema))
    reviewer = named(who, asked.reviewer)
    says = (taken(one, reviewer), Word(reviewer, content))
    await _say(service, one, reviewer, says, counts)


@router.get("/{question:path}", dependencies=[may("see", "review")])
def question(question: RequestId, service: Serving, who: Who) -> QuestionShown:
    """One question, with what a reader needs."""
    ledger = service.ledger
    one = _find(service, who, question)
    content = content_of(ledger, one)
    said: list[Told] = []
    for event, word in zip(one.said, one.answers, strict=True):
        body = ledger.body(event.bodies[0]) if event.bodies else None
        value = None if body is None else orjson.loads(body)
        said.append({"reviewer": word.reviewer, "declined": word.declined, "value": value})
    return QuestionShown(
        **_row(one),
        instruction=str(content.get("instruction", "")),
        text=str(content["shown"]) if "shown" in content else input_of(ledger, one),
        answer=dict(content.get("schema", {})),
        said=said,
    )


async def _say(
    service: Service,
    question: Question,
    reviewer: str,
    says: tuple[QuestionTaken | Word, ...],
    worked: Callable[[Question, str], bool],
) -> None:
    await give(service.market, service.queue, question, reviewer, says, worked)


def _find(service: Service, who: Principal, name: str) -> Question:
    found = service.queue.get(who.tenant, name)
    if found is None:
        raise NotFound(f"there is no question {name!r}", hint="/api/v1/review lists what waits")
    if not found.waits(time.time_ns()):
        raise CallerError(f"{name}: nobody waits for an answer any more")
    return found


def _row(one: Question) -> Told:
    asked = one.asked
    return {
        "question": asked.question,
        "kind": asked.kind,
        "queue": asked.queue,
        "task": asked.task,
        "request_id": one.event.request_id,
        "price": asked.price,
        "labels": list(asked.labels),
        "until_ns": asked.until_ns,
        "answered": len(one.said),
        "wanted": asked.wanted,
        "works_on_it": list(one.holders(time.time_ns())),
    }

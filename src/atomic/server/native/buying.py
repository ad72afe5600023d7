"""Tasks: which there are, and buying answers to them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import starmap
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header
from pydantic import TypeAdapter
from starlette.responses import Response

from atomic.errors import AtomicError, KeyRefused, NotFound
from atomic.outcome import Outcome
from atomic.records.event import encode
from atomic.records.microtask import Call, Microtask
from atomic.records.money import nano_usd
from atomic.records.objective import with_terms
from atomic.records.request import Terms
from atomic.server.decision import decision_of
from atomic.server.keyring import Principal
from atomic.server.native.common import Serving, Who, may
from atomic.server.native.shapes import (
    BatchAsked,
    BatchShown,
    DecisionShown,
    OutcomeShown,
    ProblemShown,
    RunAsked,
    TaskShown,
    TermsAsked,
)
from atomic.server.problems import Problem, as_problem, body_of
from atomic.server.service import Service
from atomic.server.streamed import Streamed
from atomic.server.tasks import call_of
from atomic.streaming import Stream
from atomic.trade import Trade

router = APIRouter(tags=["tasks"])
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
_MONEY = ("worth", "max_price", "latency_price")


@router.get("/tasks", dependencies=[may("see", "tasks")])
async def tasks(service: Serving, who: Who) -> list[TaskShown]:
    """The microtasks that can be run with this key."""
    return [_shown(one) for name, one in sorted(service.tasks.items()) if who.may(name)]


@router.get("/tasks/{task}", dependencies=[may("see", "tasks")])
async def task(task: str, service: Serving, who: Who) -> TaskShown:
    """One microtask that can be run with this key."""
    found = _task(service, task)
    if not who.may(task):
        raise KeyRefused(f"this key may not use {task!r}", hint="`atomic keys list` says what it may", known=True)
    return _shown(found)


@router.post("/tasks/{task}/run")
async def run(
    task: str,
    asked: RunAsked,
    service: Serving,
    who: Who,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
) -> OutcomeShown:
    """Buy an answer. A refusal is no error: its status is "refused", and `why` says why."""
    if idempotency_key and not asked.request_id:
        asked = asked.model_copy(update={"request_id": idempotency_key})
    return await _bought(service, who, task, asked)


@router.post(
    "/tasks/{task}/stream",
    response_class=Response,
    responses={200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}}},
)
async def stream(
    task: str,
    asked: RunAsked,
    service: Serving,
    who: Who,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Buy an answer that is read while it is written: events `partial`, typed values that grow, then one `outcome`.

    A partial passes for nothing; whoever begins anew after a failure takes back what was shown. A request that fails
    once its stream has begun ends it with an event `problem`. Who goes away cancels the purchase.
    """
    if idempotency_key and not asked.request_id:
        asked = asked.model_copy(update={"request_id": idempotency_key})
    call, trade = await _asked(service, who, task, asked)
    buying = service.market.stream(call, trade)
    return Streamed(_events(service, buying, call.task, decision=asked.decision), "problem", _broken, {})


async def _events(
    service: Service, buying: Stream[Any], task: Microtask[..., Any], *, decision: bool
) -> AsyncIterator[bytes]:
    async with buying:
        async for value in buying.partials():
            yield _event("partial", _ANYTHING.dump_json(value, exclude_unset=True))
    yield _event("outcome", shown(service, task, buying.outcome, decision=decision).model_dump_json().encode())


def _broken(problem: Problem) -> bytes:
    return _event("problem", orjson.dumps(body_of(problem, "problem")))


def _event(kind: str, data: bytes) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


@router.post("/tasks/{task}/batch")
async def batch(task: str, asked: BatchAsked, service: Serving, who: Who) -> BatchShown:
    """Buy many answers at once; each counts against a key's rate."""
    service.may_run(who, _task(service, task).name)

    async def one(number: int, request: RunAsked) -> OutcomeShown | ProblemShown:
        try:
            if number:  # the first was counted as this call
                await service.admit_key(who)
            return await _bought(service, who, task, request)
        except AtomicError as error:
            return ProblemShown.model_validate(body_of(as_problem(error), "problem"))

    return BatchShown(outcomes=list(await asyncio.gather(*starmap(one, enumerate(asked.requests)))))


async def _bought(service: Service, who: Principal, name: str, asked: RunAsked) -> OutcomeShown:
    call, trade = await _asked(service, who, name, asked)
    outcome = await service.market.buy(call, trade)
    return shown(service, call.task, outcome, decision=asked.decision)


async def _asked(service: Service, who: Principal, name: str, asked: RunAsked) -> tuple[Call[Any], Trade]:
    """A call and its options. Raises AtomicError."""
    task = _task(service, name)
    call = call_of(task, asked.input)
    trade = replace(
        await service.trade(who, task.name, asked.label),
        request_id=asked.request_id,
        terms=terms_of(task.terms, asked.terms),
        domain=asked.domain,
        subjects=tuple(asked.subjects),
        numbers=asked.numbers or None,
    )
    trade.__post_init__()
    return call, trade


def _task(service: Service, name: str) -> Microtask[..., object]:
    task = service.tasks.get(name)
    if task is None:
        raise NotFound(f"there is no task {name!r}", hint="`[serve] tasks` names the modules that they are of")
    return task


def terms_of(terms: Terms, asked: TermsAsked) -> Terms | None:
    """The terms as asked for; None where nothing is otherwise. Raises TaskError."""
    said = asked.model_dump(exclude_none=True)
    if not said:
        return None
    for name in _MONEY:
        if name in said:
            said[name] = nano_usd(said[name])
    if "deadline" in said:
        said["deadline_ns"] = int(said.pop("deadline") * 1e9)
    if "bidder" in said:
        said["mandate"] = said.pop("bidder")
    return with_terms(terms, **said)


def shown(service: Service, task: Microtask[..., Any], outcome: Outcome[Any], *, decision: bool) -> OutcomeShown:
    """An outcome as it is given back."""
    answer = None if outcome.refused else task.output.dump_python(outcome.answer, mode="json")
    told = decision_of(service.ledger, outcome) if decision else None
    return OutcomeShown(
        request_id=outcome.id,
        status="refused" if outcome.refused else "answered",
        answer=answer,
        why=outcome.why,
        probability=outcome.probability,
        probability_source=outcome.probability_source,
        cost=outcome.cost,
        latency=outcome.latency,
        winner=outcome.winner,
        rounds=outcome.rounds,
        decision=None if told is None else DecisionShown.model_validate(dataclasses.asdict(told)),
    )


def _shown(task: Microtask[..., Any]) -> TaskShown:
    adapter: TypeAdapter[Any] = task.output
    return TaskShown(
        name=task.name,
        instruction=task.instruction,
        version=task.version,
        domain=task.domain,
        label=task.label,
        labels=list(task.labels),
        input=task.input_model.model_json_schema(),
        output=adapter.json_schema(),
        terms=orjson.loads(encode(task.terms)),
    )

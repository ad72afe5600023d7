"""Tasks: which there are, and buying answers to them."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header
from pydantic import TypeAdapter

from atomic.errors import AtomicError, NotFound
from atomic.outcome import Outcome
from atomic.records.event import encode
from atomic.records.microtask import Microtask
from atomic.records.money import nano_usd
from atomic.records.objective import with_terms
from atomic.records.request import Terms, not_below
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
from atomic.server.problems import as_problem, body_of
from atomic.server.service import Service
from atomic.server.tasks import call_of

router = APIRouter(tags=["tasks"])
_MONEY = ("worth", "max_price", "latency_price")


@router.get("/tasks", dependencies=[may("see", "tasks")])
async def tasks(service: Serving, who: Who) -> list[TaskShown]:
    """The microtasks that can be run with this key."""
    return [_shown(one) for name, one in sorted(service.tasks.items()) if who.may(name)]


@router.get("/tasks/{task}", dependencies=[may("see", "tasks")])
async def task(task: str, service: Serving) -> TaskShown:
    """One microtask."""
    return _shown(_task(service, task))


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


@router.post("/tasks/{task}/batch")
async def batch(task: str, asked: BatchAsked, service: Serving, who: Who) -> BatchShown:
    """Buy many answers at once."""
    service.may_run(who, _task(service, task).name)

    async def one(request: RunAsked) -> OutcomeShown | ProblemShown:
        try:
            return await _bought(service, who, task, request)
        except AtomicError as error:
            return ProblemShown.model_validate(body_of(as_problem(error), "problem"))

    return BatchShown(outcomes=list(await asyncio.gather(*map(one, asked.requests))))


async def _bought(service: Service, who: Principal, name: str, asked: RunAsked) -> OutcomeShown:
    task = _task(service, name)
    call = call_of(task, asked.input)
    trade = replace(
        await service.trade(who, task.name),
        request_id=asked.request_id,
        terms=terms_of(task.terms, asked.terms),
        label=not_below(task.label, asked.label),
        domain=asked.domain,
        subjects=tuple(asked.subjects),
        numbers=asked.numbers or None,
    )
    trade.__post_init__()
    outcome = await service.market.buy(call, trade)
    return shown(service, task, outcome, decision=asked.decision)


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

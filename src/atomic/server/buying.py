"""Buying an answer for a caller of any dialect: from a body to a purchase, and from its outcome to an answer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request

from atomic.errors import TaskError
from atomic.outcome import Outcome
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished, Usage
from atomic.records.award import Award, Slate
from atomic.records.bid import Reason
from atomic.records.conversation import Conversation, Spoken, ToolCall, parts_of, text_of
from atomic.records.event import decode
from atomic.records.microtask import Call, Microtask
from atomic.server.decision import decision_of
from atomic.server.keyring import Principal
from atomic.server.models import target_of
from atomic.server.options import Options, options_of
from atomic.server.problems import Problem
from atomic.server.service import Service
from atomic.streaming import Stream, is_said
from atomic.trade import Trade

_SPENT = frozenset({Reason.DAILY_BUDGET, Reason.BUDGET_SPENT})
_BUSY = frozenset({Reason.NO_CAPACITY, Reason.QUEUE_FULL, Reason.UNHEALTHY})


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as dialects say it. `model` is who gave it, `made` when, in seconds since 1970."""

    text: str
    calls: tuple[ToolCall, ...]
    ended: str
    usage: Usage
    outcome: Outcome[Any]

    @property
    def model(self) -> str:
        """Whose answer it is."""
        return self.outcome.winner.partition("+")[0]


@dataclass(frozen=True, slots=True)
class Purchase:
    """A request ready to be bought."""

    service: Service
    call: Call[Any]
    trade: Trade
    options: Options
    model: str
    made: int = field(default_factory=lambda: int(time.time()))

    async def buy(self) -> Answered:
        """The answer, in one piece. Raises Problem where the market refused."""
        return self.answered(await self.service.market.buy(self.call, self.trade))

    def stream(self) -> Stream[Any]:
        """The answer as it is said; a typed one is bought as any, and said at once."""
        return self.service.market.stream(self.call, self.trade, buffered=not is_said(self.call.task))

    def answered(self, outcome: Outcome[Any]) -> Answered:
        """What came of it. Raises Problem where the market refused."""
        if outcome.refused:
            raise refusal(self.service.ledger, outcome)
        answer, usage = outcome.answer, outcome.usage
        if isinstance(answer, Spoken):
            return Answered(answer.text, answer.calls, answer.ended, usage, outcome)
        if not isinstance(answer, str):
            answer = orjson.dumps(self.call.task.output.dump_python(answer, mode="json")).decode()
        return Answered(answer, (), "stop", usage, outcome)

    def metadata(self, answered: Answered, *, always: bool = False) -> dict[str, Any]:
        """The field `atomic` of a response: how it was decided, where that was asked for; `always`: its id at least."""
        if self.options.decision:
            return {"atomic": dataclasses.asdict(decision_of(self.service.ledger, answered.outcome))}
        return {"atomic": {"request_id": answered.outcome.id}} if always else {}


def headers_of(answered: Answered) -> dict[str, str]:
    """What every response says of its answer."""
    outcome = answered.outcome
    return {
        "x-atomic-request-id": in_header(outcome.id),
        "x-atomic-winner": in_header(outcome.winner),
        "x-atomic-cost": f"{outcome.cost / 1e9:.9f}",
        "x-atomic-probability": f"{outcome.probability:.4f}",
    }


def in_header(text: str) -> str:
    """A name as a header may hold it: what is no plain character is percent-encoded.

    >>> in_header("mail-7/spam"), in_header("Grüße\\r\\nset-cookie: x")
    ('mail-7/spam', 'Gr%C3%BC%C3%9Fe%0D%0Aset-cookie:%20x')
    """
    return quote(text, safe="/:+@,;=~")


def fitting(convert: Callable[[Mapping[str, Any]], dict[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body in the form of chat completions. Raises Problem where its values are of other kinds than the API's."""
    try:
        return convert(body)
    except (AttributeError, TypeError, ValueError, KeyError):  # a list where an object should be, and so on
        raise Problem(400, "the body does not fit this API", hint="its fields are of other types") from None


async def read_json(request: Request) -> dict[str, Any]:
    """A request's body. Raises Problem."""
    try:
        body = orjson.loads(await request.body())
    except ValueError:
        raise Problem(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "the body is not an object")
    return body


async def purchase_of(request: Request, body: dict[str, Any], conversation: Conversation | None = None) -> Purchase:
    """What a body asks for; in the form of chat completions unless its `conversation` is given. Raises AtomicError."""
    state = request.scope["state"]
    service: Service = state["service"]
    who: Principal = state["principal"]
    options = options_of(request.headers, body)
    target = target_of(service, body.get("model"))
    asked = Conversation.of(body) if conversation is None else conversation
    trade = replace(
        await service.trade(who, target.task.name, options.label),
        request_id=options.request_id,
        domain=options.domain,
        subjects=options.subjects,
        terms=target.terms,
    )
    trade.__post_init__()
    return Purchase(service, _call(target.task, asked), trade, options, str(body["model"]))


def _call(task: Microtask[..., Any], conversation: Conversation) -> Call[Any]:
    """A conversation as a task's input: itself, or what its last message says. Raises TaskError."""
    parameters = task.input_model.model_fields
    if len(parameters) == 1:
        (only,) = parameters.values()
        if only.annotation is Conversation:
            return task(conversation)
    last = conversation.messages[-1]
    if last["role"] != "user" or any(part.get("type") not in ("text", "input_text") for part in parts_of(last)):
        raise TaskError(f"{task.name} takes its input from a last message of the user that is text")
    text = text_of(last)
    if len(parameters) == 1 and only.annotation is str:
        return task(text)
    try:
        given = orjson.loads(text)
    except ValueError:
        raise TaskError(f"{task.name}: the last message is not JSON", hint=f"write {', '.join(parameters)}") from None
    if isinstance(given, Mapping) and set(given) <= set(parameters):
        return task(**given)
    if len(parameters) == 1:
        return task(given)
    raise TaskError(f"{task.name}: the last message is no object of {', '.join(parameters)}")


def refusal(ledger: Ledger, outcome: Outcome[Any]) -> Problem:
    """A refusal as an error: whether the caller can do something about it, or should come again."""
    attempts, no_bids = set[Reason](), set[Reason]()
    for event in ledger.read(request_id=outcome.id, kinds=("award", "finished")):
        told = event.payload
        if event.tenant != outcome.tenant:
            continue
        if isinstance(told, AttemptFinished) and told.reason is not None:
            attempts.add(told.reason)
        elif isinstance(told, Award):
            slate: Slate = decode(Slate, ledger.blob(told.slate))
            no_bids |= {one.reason for one in slate.no_bids}
    hint = f"`atomic explain {outcome.id}` says why"
    if no_bids & _SPENT and not attempts - _SPENT:
        return Problem(429, "the budget of this day is spent", hint=hint, code="insufficient_quota")
    if Reason.REFUSED in attempts:
        return Problem(400, "refused by the endpoint's filter", hint=hint, code="content_filter")
    if Reason.INPUT_TOO_LONG in attempts | no_bids:
        return Problem(400, "it is too long for whoever could answer", hint=hint, code="context_length_exceeded")
    if no_bids & _BUSY and not attempts:
        return Problem(503, f"nobody can take it now: {outcome.why}", hint=hint, retry_after=1.0)
    if Reason.TIMED_OUT in attempts:
        return Problem(504, f"nobody answered in time: {outcome.why}", hint=hint)
    return Problem(502 if attempts else 422, f"refused: {outcome.why}", hint=hint, code="refused")

"""What can be asked for, in a form that OpenAI's and Anthropic's clients both read; and embeddings: /v1/embeddings."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from atomic.outcome import Outcome
from atomic.records.microtask import Microtask
from atomic.server.buying import in_header, read_json, refusal
from atomic.server.keyring import Principal
from atomic.server.models import names
from atomic.server.options import options_of
from atomic.server.problems import Problem
from atomic.server.service import Service
from atomic.trade import Trade

_MADE, _MADE_AT = 1_767_225_600, "2026-01-01T00:00:00Z"  # the APIs ask for a date; names here have none
_MOST_TEXTS = 2_048


async def models(request: Request) -> Response:
    """Every name."""
    service: Service = request.scope["state"]["service"]
    service.require(request.scope["state"]["principal"], "see", "tasks")
    data = [_model(name, kind) for name, kind in names(service)]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"], "has_more": False}
    return Response(orjson.dumps({"object": "list", "data": data, **ends}), media_type="application/json")


async def model(request: Request) -> Response:
    """One name."""
    service: Service = request.scope["state"]["service"]
    service.require(request.scope["state"]["principal"], "see", "tasks")
    asked = request.path_params["model"]
    for name, kind in names(service):
        if name == asked:
            return Response(orjson.dumps(_model(name, kind)), media_type="application/json")
    raise Problem(404, f"there is no model {asked!r}", hint="/v1/models lists them", code="model_not_found")


def _model(name: str, kind: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "created": _MADE,
        "created_at": _MADE_AT,
        "owned_by": f"atomic {kind}",
        "display_name": name,
    }


async def embeddings(request: Request) -> Response:
    """Vectors of texts, from a microtask that makes a list of numbers of one text."""
    body = await read_json(request)
    state = request.scope["state"]
    service: Service = state["service"]
    who: Principal = state["principal"]
    task = _embedding(service, body.get("model"))
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if (
        not isinstance(texts, list)
        or not 0 < len(texts) <= _MOST_TEXTS
        or not all(isinstance(one, str) for one in texts)
    ):
        raise Problem(400, f"input: a text, or a list of at most {_MOST_TEXTS} texts; tokens are not read here")
    options = options_of(request.headers, body)
    trade = await service.trade(who, task.name, options.label)
    trade = replace(trade, domain=options.domain, subjects=options.subjects)

    def of(number: int) -> Trade:
        """Each text is a request of its own, and its id says which."""
        return replace(trade, request_id=options.request_id and f"{options.request_id}/{number}")

    outcomes = await _all(service, [service.market.buy(task(one), of(at)) for at, one in enumerate(texts)])
    as_text = body.get("encoding_format") == "base64"  # what OpenAI's own client asks for unless it is told otherwise
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(one.answer) if as_text else one.answer}
        for index, one in enumerate(outcomes)
    ]
    said = {"object": "list", "data": data, "model": task.name, "usage": {"prompt_tokens": 0, "total_tokens": 0}}
    headers = {"x-atomic-request-id": in_header(",".join(one.id for one in outcomes[:20]))}
    return Response(orjson.dumps(said), 200, headers, "application/json")


async def _all(service: Service, buying: list[Coroutine[Any, Any, Outcome[Any]]]) -> list[Outcome[Any]]:
    """The outcomes of purchases, all of which are wanted: once one fails or is refused the others are cancelled."""
    under_way = [asyncio.ensure_future(one) for one in buying]
    try:
        for first in asyncio.as_completed(under_way):
            if (outcome := await first).refused:
                raise refusal(service.ledger, outcome)
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.wait(under_way)
    return [one.result() for one in under_way]


def _embedding(service: Service, name: object) -> Microtask[..., Any]:
    able = {one.name: one for one in service.tasks.values() if one.output_type in (list[float], tuple[float, ...])}
    task = able.get(str(name))
    if task is None:
        known = f"there are {', '.join(sorted(able))}" if able else "a microtask that returns list[float] would"
        raise Problem(404, f"{name!r} makes no embeddings here", hint=known, code="model_not_found")
    return task


def _base64(vector: Any) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

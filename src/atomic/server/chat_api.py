"""OpenAI's Chat Completions: /v1/chat/completions."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from atomic.records.attempt import Usage
from atomic.records.conversation import Piece, ToolCall
from atomic.server.buying import Answered, Purchase, headers_of, purchase_of, read_json
from atomic.server.problems import Problem, body_of
from atomic.server.streamed import Streamed


async def chat_completions(request: Request) -> Response:
    """Answer a conversation."""
    body = await read_json(request)
    streaming = body.get("stream") is True
    told = body.get("stream_options")
    wants_usage = isinstance(told, dict) and bool(told.get("include_usage"))
    purchase = await purchase_of(request, body)
    if streaming:
        return Streamed(_chunks(purchase, wants_usage), "openai", broken, {})
    answered = await purchase.buy()
    said = _whole(purchase, answered) | purchase.metadata(answered)
    return Response(orjson.dumps(said), 200, headers_of(answered), "application/json")


def _whole(purchase: Purchase, answered: Answered) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answered.text or None, "refusal": None}
    if answered.calls:
        message["tool_calls"] = [_call(one) for one in answered.calls]
    elif message["content"] is None:
        message["content"] = ""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answered)}
    return {
        "id": f"chatcmpl-{answered.outcome.id}",
        "object": "chat.completion",
        "created": purchase.made,
        "model": answered.model,
        "choices": [choice],
        "usage": usage_told(answered.usage),
    }


async def _chunks(purchase: Purchase, wants_usage: bool) -> AsyncIterator[bytes]:
    head = {"object": "chat.completion.chunk", "created": purchase.made, "model": purchase.model}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({"id": name, **head, "choices": [choice], **more})

    name, first = (
        f"chatcmpl-{purchase.trade.request_id or secrets.token_hex(12)}",
        {"role": "assistant", "content": None},
    )
    places: dict[int, int] = {}  # of calls, in the order in which they began
    async with purchase.stream() as stream:
        async for piece in stream.pieces():
            yield chunk({**first, **_delta(piece, places)})
            first = {}
    answered = purchase.answered(stream.outcome)
    if first:
        yield chunk({"role": "assistant", "content": ""})
    head["model"] = answered.model
    yield chunk({}, _finish(answered), **purchase.metadata(answered, always=True))
    if wants_usage:
        yield event({"id": name, **head, "choices": [], "usage": usage_told(answered.usage)})
    yield b"data: [DONE]\n\n"


def _delta(piece: Piece, places: dict[int, int]) -> dict[str, Any]:
    if isinstance(piece, str):
        return {"content": piece}
    if piece.place in places:
        return {"tool_calls": [{"index": places[piece.place], "function": {"arguments": piece.arguments}}]}
    index = places[piece.place] = len(places)
    return {
        "tool_calls": [{"index": index, **_call(ToolCall(id=piece.id, name=piece.name, arguments=piece.arguments))}]
    }


def event(said: dict[str, Any]) -> bytes:
    """One event of a stream."""
    return b"data: " + orjson.dumps(said) + b"\n\n"


def broken(problem: Problem) -> bytes:
    """What a stream says that cannot be gone on with; it has no end after that."""
    return event(body_of(problem, "openai"))


def _call(one: ToolCall) -> dict[str, Any]:
    return {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}


def _finish(answered: Answered) -> str:
    return "tool_calls" if answered.calls else answered.ended


def usage_told(usage: Usage) -> dict[str, Any]:
    """Tokens as OpenAI reports them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }

"""Anthropic's Messages: /v1/messages."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from atomic.records.attempt import Usage
from atomic.records.conversation import Conversation, ToolCall
from atomic.server.buying import Answered, Purchase, fitting, headers_of, purchase_of, read_json
from atomic.server.parts import Part, parts_of
from atomic.server.problems import Problem, body_of
from atomic.server.streamed import Streamed

_SAME = ("temperature", "top_p", "top_k", "metadata", "service_tier")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_EFFORTS = ((0, "low"), (4_096, "medium"), (16_384, "high"))


async def messages(request: Request) -> Response:
    """Answer a conversation."""
    body = await read_json(request)
    streaming = body.get("stream") is True
    given = body.pop("atomic", None)
    asked = Conversation.of(fitting(as_chat, body))
    purchase = await purchase_of(request, {"model": body.get("model"), "atomic": given}, asked)
    if streaming:
        return Streamed(_events(purchase), "anthropic", _broken, {})
    answered = await purchase.buy()
    name = f"msg_{answered.outcome.id}"
    said = _message(name, answered.model, answered) | purchase.metadata(answered)
    return Response(orjson.dumps(said), 200, headers_of(answered), "application/json")


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body in the form of chat completions. Raises Problem for what has no form there."""
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise Problem(400, "max_tokens: a number of tokens from 1 on is needed")
    said: dict[str, Any] = {"messages": list(_messages(body)), "max_tokens": body["max_tokens"]}
    said |= {name: body[name] for name in _SAME if body.get(name) is not None}
    if body.get("stop_sequences"):
        said["stop"] = body["stop_sequences"]
    if tools := body.get("tools"):
        said["tools"] = [_tool(one) for one in tools]
    if isinstance(choice := body.get("tool_choice"), Mapping):
        kind = choice.get("type")
        named = {"type": "function", "function": {"name": choice.get("name")}}
        said["tool_choice"] = named if kind == "tool" else _CHOICES.get(str(kind), "auto")
        if choice.get("disable_parallel_tool_use"):
            said["parallel_tool_calls"] = False
    form = body.get("output_format") or (body.get("output_config") or {}).get("format")
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        schema = {"name": "answer", "strict": True, "schema": form.get("schema") or {}}
        said["response_format"] = {"type": "json_schema", "json_schema": schema}
    thinking = body.get("thinking")
    if isinstance(thinking, Mapping) and thinking.get("type") == "enabled":
        budget = max(0, int(thinking.get("budget_tokens") or 0))
        said["reasoning_effort"] = [effort for least, effort in _EFFORTS if budget >= least][-1]
    return said


def _tool(one: Any) -> dict[str, Any]:
    if not isinstance(one, Mapping) or "input_schema" not in one:
        raise Problem(
            400, "tools: those that Anthropic runs itself are not to be had here", hint="give an input_schema"
        )
    function = {"name": one.get("name"), "parameters": one["input_schema"]}
    return {"type": "function", "function": function | _said(one, "description")}


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    system = body.get("system")
    if system:
        yield {"role": "system", "content": system if isinstance(system, str) else _parts(system)}
    given = body.get("messages")
    if not isinstance(given, list):
        raise Problem(400, "messages: a list is needed")
    for message in given:
        if not isinstance(message, Mapping):
            raise Problem(400, "messages: a list of objects is needed")
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):
            yield from _turn(role, content)
        else:
            yield {"role": role, "content": content}


def _turn(role: Any, blocks: list[Any]) -> Iterator[dict[str, Any]]:
    """A message of blocks: tool results are messages of their own, and tools used belong to the message."""
    blocks = [one for one in blocks if isinstance(one, Mapping)]
    for one in blocks:
        if one.get("type") == "tool_result":
            content = one.get("content")
            told = content if isinstance(content, str) else _parts(content or [])
            yield {"role": "tool", "tool_call_id": one.get("tool_use_id"), "content": told}
    parts = _parts([one for one in blocks if one.get("type") not in ("tool_result", "tool_use")])
    calls = [_used(one) for one in blocks if one.get("type") == "tool_use"]
    if parts or calls:
        yield {"role": role, "content": parts or None, **({"tool_calls": calls} if calls else {})}


def _used(one: Mapping[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(one.get("input") or {}).decode()
    return {"id": one.get("id"), "type": "function", "function": {"name": one.get("name"), "arguments": arguments}}


def _parts(blocks: Any) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for one in blocks if isinstance(blocks, list) else []:
        kind = one.get("type") if isinstance(one, Mapping) else None
        if kind == "text":
            parts.append({"type": "text", "text": str(one.get("text", ""))} | _said(one, "cache_control"))
        elif kind == "image":
            parts.append({"type": "image_url", "image_url": {"url": _url(one.get("source") or {})}})
        elif kind not in ("thinking", "redacted_thinking"):  # another model's thoughts are no part of what was said
            raise Problem(400, f"content: blocks of the type {kind!r} are not to be had here")
    return parts


def _url(source: Mapping[str, Any]) -> str:
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    if source.get("type") == "url":
        return str(source.get("url"))
    raise Problem(400, "image: a source of the type base64 or url is needed")


def _said(one: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: one[name] for name in names if one.get(name) is not None}


def _message(name: str, model: str, answered: Answered | None) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if answered is not None:
        if answered.text or not answered.calls:
            content.append({"type": "text", "text": answered.text})
        content += [{**_block(one), "input": _input(one)} for one in answered.calls]
    return {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": None if answered is None else _stop(answered),
        "stop_sequence": None,
        "usage": _usage(Usage() if answered is None else answered.usage),
    }


def _block(one: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": one.id, "name": one.name, "input": {}}


def _input(one: ToolCall) -> Any:
    try:
        found = orjson.loads(one.arguments or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _stop(answered: Answered) -> str:
    return "tool_use" if answered.calls else "max_tokens" if answered.ended == "length" else "end_turn"


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "output_tokens": usage.completion_tokens,
    }


async def _events(purchase: Purchase) -> AsyncIterator[bytes]:
    name, begun = f"msg_{purchase.trade.request_id or secrets.token_hex(12)}", False
    start = _event("message_start", message=_message(name, purchase.model, None))
    async with purchase.stream() as stream:
        async for happens, part, piece in parts_of(stream):
            if not begun:
                begun = True
                yield start
            yield _part_event(happens, part, piece)
    answered = purchase.answered(stream.outcome)
    if not begun:
        yield start
    ended = {"stop_reason": _stop(answered), "stop_sequence": None}
    yield _event("message_delta", delta=ended, usage=_usage(answered.usage), **purchase.metadata(answered, always=True))
    yield _event("message_stop")


def _part_event(happens: str, part: Part, piece: str) -> bytes:
    if happens == "ends":
        return _event("content_block_stop", index=part.index)
    if happens == "begins":
        block = {"type": "text", "text": ""} if part.called is None else _block(part.called)
        return _event("content_block_start", index=part.index, content_block=block)
    text = part.call is None
    delta = {"type": "text_delta", "text": piece} if text else {"type": "input_json_delta", "partial_json": piece}
    return _event("content_block_delta", index=part.index, delta=delta)


def _event(kind: str, **said: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **said}))


def _broken(problem: Problem) -> bytes:
    return b"event: error\ndata: " + orjson.dumps(body_of(problem, "anthropic")) + b"\n\n"

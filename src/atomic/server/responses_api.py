"""OpenAI's Responses: /v1/responses."""

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

_SAME = ("temperature", "top_p", "parallel_tool_calls", "metadata", "service_tier", "user", "prompt_cache_key")
_TEXTS = frozenset({"input_text", "output_text", "text"})


async def responses(request: Request) -> Response:
    """Answer an input."""
    body = await read_json(request)
    streaming = body.get("stream") is True
    given = body.pop("atomic", None)
    purchase = await purchase_of(
        request, {"model": body.get("model"), "atomic": given}, Conversation.of(fitting(as_chat, body))
    )
    if streaming:
        return Streamed(_events(purchase, body), "openai", _broken, {})
    answered = await purchase.buy()
    said = _response(purchase, body, f"resp_{answered.outcome.id}", answered) | purchase.metadata(answered)
    return Response(orjson.dumps(said), 200, headers_of(answered), "application/json")


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body in the form of chat completions. Raises Problem for what has no form there."""
    for name in ("previous_response_id", "conversation", "prompt"):
        if body.get(name):
            raise Problem(400, f"{name}: nothing is kept here between responses", hint="send the whole input")
    if body.get("background"):
        raise Problem(400, "background: answers are not fetched later here", hint="wait for it, or stream it")
    said: dict[str, Any] = {"messages": list(_messages(body))}
    said |= {name: body[name] for name in _SAME if body.get(name) is not None}
    if body.get("max_output_tokens") is not None:
        said["max_completion_tokens"] = body["max_output_tokens"]
    if tools := body.get("tools"):
        said["tools"] = [_tool(one) for one in tools]
    if (choice := body.get("tool_choice")) is not None:
        named = isinstance(choice, Mapping) and choice.get("type") == "function"
        said["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}} if named else choice
    form = (body.get("text") or {}).get("format")
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        schema = {
            name: form[name] for name in ("name", "schema", "strict", "description") if form.get(name) is not None
        }
        said["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif isinstance(form, Mapping) and form.get("type") == "json_object":
        said["response_format"] = {"type": "json_object"}
    if isinstance(reasoning := body.get("reasoning"), Mapping) and reasoning.get("effort"):
        said["reasoning_effort"] = reasoning["effort"]
    return said


def _tool(one: Any) -> dict[str, Any]:
    if not isinstance(one, Mapping) or one.get("type") != "function":
        raise Problem(400, "tools: only functions of the caller's own are to be had here")
    names = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {name: one[name] for name in names if one.get(name) is not None}}


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if body.get("instructions"):
        yield {"role": "system", "content": body["instructions"]}
    given = body.get("input")
    if isinstance(given, str):
        yield {"role": "user", "content": given}
        return
    if not isinstance(given, list):
        raise Problem(400, "input: a text or a list is needed")
    turn: dict[str, Any] = {}  # the assistant's: what it said and the tools that it called are one message there
    for item in given:
        if not isinstance(item, Mapping):
            raise Problem(400, "input: a list of objects is needed")
        if item.get("type") == "function_call":
            function = {"name": item.get("name"), "arguments": item.get("arguments")}
            call = {"id": item.get("call_id"), "type": "function", "function": function}
            turn = turn or {"role": "assistant", "content": None}
            turn["tool_calls"] = [*turn.get("tool_calls", ()), call]
            continue
        for message in _item(item):
            if turn:
                yield turn
            turn = message if message.get("role") == "assistant" else {}
            if not turn:
                yield message
    if turn:
        yield turn


def _item(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    kind = item.get("type", "message")
    if kind == "function_call_output":
        yield {"role": "tool", "tool_call_id": item.get("call_id"), "content": _content(item.get("output"))}
    elif kind == "message":
        yield {"role": item.get("role"), "content": _content(item.get("content"))}
    elif kind != "reasoning":  # another model's thoughts are no part of what was said
        raise Problem(400, f"input: items of the type {kind!r} are not to be had here")


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    parts: list[dict[str, Any]] = []
    for one in content:
        kind = one.get("type") if isinstance(one, Mapping) else None
        if kind in _TEXTS:
            parts.append({"type": "text", "text": str(one.get("text", ""))})
        elif kind == "input_image" and one.get("image_url"):
            image: dict[str, Any] = {name: one[name] for name in ("detail",) if one.get(name)}
            parts.append({"type": "image_url", "image_url": {"url": one["image_url"], **image}})
        else:
            raise Problem(400, f"input: content of the type {kind!r} is not to be had here")
    return parts


def _response(purchase: Purchase, body: Mapping[str, Any], name: str, answered: Answered | None) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if answered is not None:
        if answered.text or not answered.calls:
            output.append(_message(name, answered.text))
        output += [_function_call(one) for one in answered.calls]
    cut = answered is not None and answered.ended == "length"
    return {
        "id": name,
        "object": "response",
        "created_at": purchase.made,
        "status": "in_progress" if answered is None else "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": purchase.model if answered is None else answered.model,
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "store": False,
        "temperature": body.get("temperature"),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p"),
        "truncation": "disabled",
        "metadata": body.get("metadata") or {},
        "usage": None if answered is None else _usage(answered.usage),
    }


def _message(name: str, text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"id": f"msg_{name}", "type": "message", "role": "assistant", "status": "completed", "content": content}


def _function_call(one: ToolCall) -> dict[str, Any]:
    said = {"id": f"fc_{one.id}", "type": "function_call", "call_id": one.id, "name": one.name}
    return {**said, "arguments": one.arguments, "status": "completed"}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


async def _events(purchase: Purchase, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
    name = f"resp_{purchase.trade.request_id or secrets.token_hex(12)}"
    tell, items = _Numbered(), list[dict[str, Any]]()
    beginning = tell.beginning(_response(purchase, body, name, None))
    async with purchase.stream() as stream:
        async for happens, part, piece in parts_of(stream):
            for one in beginning:
                yield one
            item = _item_of(part, name)
            for one in _part_events(tell, happens, part.index, item, piece):
                yield one
            if happens == "ends":
                items.append(item)
    answered = purchase.answered(stream.outcome)
    for one in beginning:
        yield one
    whole = _response(purchase, body, name, answered) | purchase.metadata(answered, always=True)
    whole["output"] = items or whole["output"]
    yield tell("response.incomplete" if whole["status"] == "incomplete" else "response.completed", response=whole)


def _item_of(part: Part, name: str) -> dict[str, Any]:
    called = part.called
    return (
        _message(name if part.index == 0 else f"{name}_{part.index}", part.said)
        if called is None
        else _function_call(called)
    )


def _part_events(tell: _Numbered, happens: str, index: int, item: dict[str, Any], piece: str) -> Iterator[bytes]:
    """What is told when this happens to an item, which has what was said of it so far."""
    at, called = {"item_id": item["id"], "output_index": index}, item["type"] == "function_call"
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    if happens == "begins":
        begins: dict[str, Any] = {"arguments": ""} if called else {"content": []}
        yield tell("response.output_item.added", output_index=index, item={**item, "status": "in_progress", **begins})
        if not called:
            yield tell("response.content_part.added", **at, content_index=0, part=empty)
    elif happens == "says" and called:
        yield tell("response.function_call_arguments.delta", **at, delta=piece)
    elif happens == "says":
        yield tell("response.output_text.delta", **at, content_index=0, delta=piece, logprobs=[])
    elif called:
        said = {"name": item["name"], "arguments": item["arguments"]}
        yield tell("response.function_call_arguments.done", **at, **said)
        yield tell("response.output_item.done", output_index=index, item=item)
    else:
        (part,) = item["content"]
        yield tell("response.output_text.done", **at, content_index=0, text=part["text"], logprobs=[])
        yield tell("response.content_part.done", **at, content_index=0, part=part)
        yield tell("response.output_item.done", output_index=index, item=item)


class _Numbered:
    """The events of one stream, numbered."""

    def __init__(self) -> None:
        self._number = -1

    def __call__(self, kind: str, **said: Any) -> bytes:
        self._number += 1
        told = orjson.dumps({"type": kind, "sequence_number": self._number, **said})
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), told)

    def beginning(self, response: dict[str, Any]) -> Iterator[bytes]:
        """The first two."""
        yield self("response.created", response=response)
        yield self("response.in_progress", response=response)


def _broken(problem: Problem) -> bytes:
    error = body_of(problem, "openai")["error"]
    told = {"type": "error", "code": error["code"], "message": error["message"], "param": None, "sequence_number": 0}
    return b"event: error\ndata: " + orjson.dumps(told) + b"\n\n"

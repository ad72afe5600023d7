"""A hosted model as frameworks know them: it answers in the form that is asked for, and calls tools it is offered."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

TALE = "Once upon a time it was warm."
_USAGE = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}


async def chat(request: Request) -> Response:
    """One completion."""
    body = await request.json()
    message = answer(body)
    ended = "tool_calls" if message.get("tool_calls") else "stop"
    if body.get("stream"):
        return StreamingResponse(_streamed(message, ended), media_type="text/event-stream")
    choice = {"index": 0, "message": message, "finish_reason": ended}
    return JSONResponse({"object": "chat.completion", "model": "m", "choices": [choice], "usage": _USAGE})


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """What the model says to it."""
    said = "\n".join(_text(one) for one in body["messages"])
    if body.get("tools") and body["messages"][-1]["role"] == "user" and body.get("tool_choice") != "none":
        function = body["tools"][0]["function"]
        arguments = json.dumps(filled(function.get("parameters", {})))
        call = {"id": "call_1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return {"role": "assistant", "content": json.dumps(filled(form["json_schema"]["schema"]))}
    if "Final Answer:" in said:  # how agents that reason in words say that they are done
        return {"role": "assistant", "content": f"Thought: I now can give a great answer\nFinal Answer: {TALE}"}
    if fields := re.findall(r"`\[\[ ## (\w+) ## \]\]`", said):  # how DSPy asks for fields
        parts = [f"[[ ## {one} ## ]]\n{TALE}" for one in fields if one != "completed"]
        return {"role": "assistant", "content": "\n\n".join((*parts, "[[ ## completed ## ]]"))}
    return {"role": "assistant", "content": TALE}


def filled(schema: dict[str, Any]) -> Any:
    """Something that fits a schema."""
    known = {"integer": 3, "number": 3.0, "boolean": True, "string": "Rome", "array": []}
    if "properties" in schema:
        return {name: filled(one) for name, one in schema["properties"].items()}
    return known.get(str(schema.get("type")), "Rome")


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


async def _streamed(message: dict[str, Any], ended: str) -> AsyncIterator[bytes]:
    for delta in (*_deltas(message), {}):
        choice = {"index": 0, "delta": delta, "finish_reason": None if delta else ended}
        yield _event({"choices": [choice]} | ({} if delta else {"usage": _USAGE}))
    yield b"data: [DONE]\n\n"


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield {"tool_calls": [{**call, "index": 0, "function": {"name": function["name"], "arguments": ""}}]}
        for place in range(0, len(function["arguments"]), 5):
            piece = function["arguments"][place : place + 5]
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    for word in re.findall(r"\S+\s*", message.get("content") or ""):
        yield {"content": word}


def _event(said: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "model": "m", **said}).encode() + b"\n\n"


app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])

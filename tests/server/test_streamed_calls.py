"""Calls of tools are streamed as the model says them, by each of the APIs, as the official clients hear them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from tests.serving import serving as serving_app

from atomic.testing.serving import serving

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "weather", "parameters": PARAMETERS}
ASKED: Any = {"messages": [{"role": "user", "content": "How warm is it in Rome and in Oslo?"}]}


class Upstream:
    """A model that says some text and the beginning of a call, waits until it is let go, and says the rest."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.last: list[dict[str, Any]] = []
        self.ends = True
        self.asked: list[dict[str, Any]] = []

    async def chat(self, request: Request) -> StreamingResponse:
        self.asked.append(await request.json())
        return StreamingResponse(self._said(), media_type="text/event-stream")

    async def _said(self) -> AsyncIterator[bytes]:
        yield _chunk({"role": "assistant", "content": "Let me look. "})
        yield _chunk(_call(0, "c1", "weather"))
        yield _chunk(_call(0, arguments='{"city": '))
        await self.let_go.wait()
        yield _chunk(_call(0, arguments='"Rome"}'))
        for one in self.last:
            yield _chunk(one)
        if self.ends:
            usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
            choice = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
            yield _event({"choices": [choice], "usage": usage}) + b"data: [DONE]\n\n"


def _call(index: int, number: str = "", name: str = "", arguments: str = "") -> dict[str, Any]:
    named = {"id": number, "type": "function"} if number else {}
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{"index": index, **named, "function": function}]}


def _chunk(delta: dict[str, Any]) -> bytes:
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def _event(said: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def url(upstream: Upstream) -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/v1/chat/completions", upstream.chat, methods=["POST"])])
    price = {"input": "$1", "output": "$1", "as_of": "2026-11-01"}
    async with serving_app(app) as model:
        hosted = {"kind": "http", "url": f"{model}/v1", "model": "m", "price": price, "stream": "heard"}
        async with serving({"market": {"ledger": ":memory:", "per_day": "$5"}, "bidders": {"m": hosted}}) as found:
            yield found


async def test_openai_chat_hears_a_call_while_it_is_said(url: str, upstream: Upstream) -> None:
    upstream.last = [_call(1, "c2", "weather"), _call(1, arguments='{"city": "Oslo"}')]
    tools: Any = [{"type": "function", "function": FUNCTION}]
    async with (
        AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
        client.chat.completions.stream(model="m", **ASKED, tools=tools) as stream,
    ):
        async for event in stream:
            if event.type == "tool_calls.function.arguments.delta":
                upstream.let_go.set()  # heard before the model said the rest
        message = (await stream.get_final_completion()).choices[0].message

    assert "Let me look. " == message.content
    assert [("c1", '{"city": "Rome"}'), ("c2", '{"city": "Oslo"}')] == [
        (one.id, one.function.arguments) for one in message.tool_calls or ()
    ]


async def test_openai_responses_hear_a_call_while_it_is_said(url: str, upstream: Upstream) -> None:
    upstream.last = [_call(1, "c2", "weather"), _call(1, arguments='{"city": "Oslo"}')]
    tools: Any = [{"type": "function", **FUNCTION}]
    kinds = []
    async with (
        AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
        client.responses.stream(model="m", input="How warm?", tools=tools) as stream,
    ):
        async for event in stream:
            kinds.append(event.type)
            if event.type == "response.function_call_arguments.delta":
                upstream.let_go.set()
        found = await stream.get_final_response()

    assert ["message", "function_call", "function_call"] == [one.type for one in found.output]
    assert "Let me look. " == found.output_text
    assert ['{"city": "Rome"}', '{"city": "Oslo"}'] == [one.arguments for one in found.output[1:]]  # type: ignore[union-attr]
    assert kinds.index("response.output_text.done") < kinds.index("response.function_call_arguments.delta")


async def test_anthropics_messages_hear_a_call_while_it_is_said(url: str, upstream: Upstream) -> None:
    upstream.last = [_call(1, "c2", "weather"), _call(1, arguments='{"city": "Oslo"}')]
    tools: Any = [{"name": "weather", "input_schema": PARAMETERS}]
    async with (
        AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=99, **ASKED, tools=tools) as stream,
    ):
        async for event in stream:
            if event.type == "input_json":
                upstream.let_go.set()
        found = await stream.get_final_message()

    assert ["text", "tool_use", "tool_use"] == [one.type for one in found.content]
    assert [{"city": "Rome"}, {"city": "Oslo"}] == [one.input for one in found.content[1:]]  # type: ignore[union-attr]
    assert "tool_use" == found.stop_reason


async def raw(url: str, **more: Any) -> str:
    asked = {"model": "m", **ASKED, "stream": True, "tools": [{"type": "function", "function": FUNCTION}], **more}
    async with httpx.AsyncClient(timeout=30) as client:
        return (await client.post(f"{url}/v1/chat/completions", json=asked)).text


async def test_a_call_that_was_cut_is_gone_on_with_by_nobody(url: str, upstream: Upstream) -> None:
    upstream.ends = False
    upstream.let_go.set()
    said = await raw(url, model="atomic/auto")

    assert '"arguments":"{\\"city\\": "' in said
    assert '"error"' in said
    assert "[DONE]" not in said
    assert 1 == len(upstream.asked)


async def test_a_call_without_arguments_is_told_with_an_empty_object(url: str, upstream: Upstream) -> None:
    upstream.last = [_call(1, "c2", "now")]
    upstream.let_go.set()
    said = await raw(url)
    chunks = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]
    pieces = [one["choices"][0]["delta"].get("tool_calls", [{}])[0] for one in chunks]

    assert "{}" == "".join(one["function"]["arguments"] for one in pieces if one.get("index") == 1)
    assert "[DONE]" in said


async def test_a_call_that_goes_on_after_another_has_begun_is_no_answer(url: str, upstream: Upstream) -> None:
    upstream.last = [_call(1, "c2", "weather"), _call(0, arguments=" ")]
    upstream.let_go.set()
    said = await raw(url)

    assert '"error"' in said
    assert "[DONE]" not in said


async def test_a_call_of_a_tool_that_nobody_offered_is_not_told(url: str, upstream: Upstream) -> None:
    upstream.let_go.set()
    said = await raw(url, tools=[])

    assert "tool_calls" not in said
    assert '"error"' in said

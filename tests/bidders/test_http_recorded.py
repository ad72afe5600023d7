"""Replies as endpoints write them: those of llama.cpp's server as recorded, the others by their documentation."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from tests.bidders.hosted import PRICE
from tests.bidders.test_http_conversations import THROUGH, asking

from atomic.bidders.anthropic_messages import ANTHROPIC_MESSAGES
from atomic.bidders.chat_completions import CHAT_COMPLETIONS, LLAMA_CHAT, OPENAI_CHAT, VLLM_CHAT
from atomic.bidders.gemini import GEMINI
from atomic.bidders.http import HttpModel, HttpOptions
from atomic.bidders.http_dialect import Dialect
from atomic.bidders.ollama import OLLAMA
from atomic.bidders.openai_responses import OPENAI_RESPONSES
from atomic.records.attempt import Usage
from atomic.records.bid import Reason
from atomic.records.conversation import Spoken
from atomic.testing.loopback import on_loopback

WIRE = Path(__file__).parent / "wire"
KINDS = {".sse": "text/event-stream; charset=utf-8", ".json": "application/json", ".ndjson": "application/x-ndjson"}
DOT, LOOK = "A red dot.", [("look", {"at": "it"})]

# The file, its dialect, and what it says: the text, the calls, the tokens of cache and thought, the model's name.
SAID: dict[str, tuple[Dialect, str, list[tuple[str, Any]], int, int, str]] = {
    "openai-chat-tool.sse": (OPENAI_CHAT, "", [*LOOK, ("look", {})], 0, 0, "gpt-5-mini-2025-08-07"),
    "openai-chat.json": (OPENAI_CHAT, DOT, [], 64, 32, "gpt-5-mini-2025-08-07"),
    "vllm-chat.sse": (VLLM_CHAT, DOT, [], 0, 0, "Qwen/Qwen3-8B"),
    "anthropic-tool.sse": (ANTHROPIC_MESSAGES, "I shall look.", LOOK, 64, 0, "claude-sonnet-4-5-20250929"),
    "anthropic-thinking.sse": (ANTHROPIC_MESSAGES, DOT, [], 0, 0, "claude-sonnet-4-5-20250929"),
    "openai-responses-tool.sse": (OPENAI_RESPONSES, "", LOOK, 0, 0, "gpt-5-mini-2025-08-07"),
    "gemini.sse": (GEMINI, DOT, [], 64, 8, "gemini-2.5-flash"),
    "gemini-tool.json": (GEMINI, "", LOOK, 0, 8, "gemini-2.5-flash"),
    "ollama.ndjson": (OLLAMA, DOT, [], 0, 0, "llama3.2"),
    "ollama-tool.json": (OLLAMA, "", LOOK, 0, 0, "llama3.2"),
}
FAILED: dict[str, tuple[Dialect, Reason]] = {
    "openai-responses-incomplete.json": (OPENAI_RESPONSES, Reason.CUT),
    "gemini-blocked.json": (GEMINI, Reason.REFUSED),
}
RECORDED = {
    "llama-chat": CHAT_COMPLETIONS,
    "llama-messages": ANTHROPIC_MESSAGES,
    "llama-responses": OPENAI_RESPONSES,
}


async def replied(name: str, dialect: Dialect, limit: int | None = None) -> Any:
    """What a bidder makes of a file."""
    file = WIRE / name

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        body = file.read_bytes()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n" % KINDS[file.suffix].encode())
        writer.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with on_loopback(serve) as port:
        options = HttpOptions(
            base_url=f"http://127.0.0.1:{port}/v1",
            model="m",
            price=PRICE,
            dialect=dialect,
            stream=file.suffix != ".json",
        )
        model = HttpModel("far", options)
        reply = await model.attempt(asking(max_tokens=limit), replace(THROUGH, max_tokens=limit or 99))
        await model.close()
        return reply


@pytest.mark.parametrize("name", SAID)
async def test_what_an_endpoint_writes_is_read_with_its_calls_usage_and_name(name: str) -> None:
    dialect, text, calls, cached, thought, model = SAID[name]

    reply = await replied(name, dialect)

    assert isinstance(reply.value, Spoken)
    assert (text, calls) == (reply.value.text, [(one.name, json.loads(one.arguments)) for one in reply.value.calls])
    assert model == reply.model
    assert reply.usage == Usage(prompt_tokens=80, completion_tokens=40, cached_tokens=cached, reasoning_tokens=thought)


@pytest.mark.parametrize("name", FAILED)
async def test_what_an_endpoint_cut_or_blocked_is_no_answer(name: str) -> None:
    dialect, reason = FAILED[name]

    assert reason is (await replied(name, dialect)).reason


@pytest.mark.parametrize("name", RECORDED)
async def test_llama_cpps_server_says_the_same_in_one_piece_and_streamed(name: str) -> None:
    one, streamed = [await replied(f"{name}.{kind}", RECORDED[name]) for kind in ("json", "sse")]

    assert isinstance(one.value, Spoken)
    assert one.value == streamed.value
    assert 29 == one.usage.completion_tokens == streamed.usage.completion_tokens
    assert 36 == one.usage.prompt_tokens == streamed.usage.prompt_tokens


@pytest.mark.parametrize("stream", ["json", "sse"])
async def test_llama_cpps_responses_say_completed_also_where_they_are_cut(stream: str) -> None:
    reply = await replied(f"llama-responses.{stream}", OPENAI_RESPONSES, 29)  # as many as it wrote

    assert isinstance(reply.value, Spoken)
    assert "length" == reply.value.ended


async def test_vllm_and_llama_cpp_read_as_chat_completions() -> None:
    replies = [await replied("openai-chat.json", dialect) for dialect in (VLLM_CHAT, LLAMA_CHAT)]

    assert [DOT, DOT] == [one.value.text for one in replies]

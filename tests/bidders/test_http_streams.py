"""Streams: what is asked, what is read, what is counted, and that nothing is left open."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest

pytest.importorskip("httpx_sse")

from tests.bidders.hosted import ASK, DIALECTS, MESSAGES, PLAN, hosted
from tests.bidders.tasks import topic

from atomic.bidders.anthropic_messages import ANTHROPIC_MESSAGES
from atomic.bidders.http_dialect import Wanted
from atomic.bidders.http_reply import Said
from atomic.bidders.http_wire import Post, Wire
from atomic.records.attempt import Message, Usage
from atomic.records.bid import Reason
from atomic.testing import ModelServer, check_bidder, model_server


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server(answer="sport") as running:
        yield running


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_it_keeps_the_contract_of_bidders(server: ModelServer, dialect: str, stream: bool) -> None:
    replies = await check_bidder(
        lambda: hosted(server, dialect=DIALECTS[dialect], stream=stream), topic, [("football",), ("the cup",)]
    )

    assert ["sport", "sport"] == [reply.value for reply in replies]


async def test_chat_completions_are_asked_for_a_stream_with_its_usage(server: ModelServer) -> None:
    model = hosted(server)
    await model.attempt(ASK, PLAN)
    await model.close()

    expected = {
        "model": "whole",
        "messages": [{"role": one.role, "content": one.content} for one in MESSAGES],
        "max_tokens": 50,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert ("/v1/chat/completions", expected) == (server.asked[0].path, server.asked[0].body)


async def test_messages_have_their_instruction_apart_and_name_the_version(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", " s3cret\n")
    model = hosted(server, dialect=ANTHROPIC_MESSAGES, key_env="FAR_KEY")
    await model.attempt(ASK, PLAN)
    await model.close()

    expected = {
        "model": "whole",
        "system": MESSAGES[0].content,
        "messages": [{"role": "user", "content": MESSAGES[1].content}],
        "max_tokens": 50,
        "temperature": 0,
        "stream": True,
    }
    asked = server.asked[0]
    assert ("/v1/messages", expected) == (asked.path, asked.body)
    assert ("s3cret", "2023-06-01") == (asked.headers["x-api-key"], asked.headers["anthropic-version"])
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_key_is_asked_for_in_the_dialects_own_header(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server(key="open sesame") as server:
        monkeypatch.setenv("FAR_KEY", "open sesame")
        model = hosted(server, dialect=DIALECTS[dialect], key_env="FAR_KEY")
        right = await model.attempt(ASK, PLAN)
        monkeypatch.setenv("FAR_KEY", "wrong")
        wrong = await model.attempt(ASK, PLAN)
        monkeypatch.setenv("FAR_KEY", "not\na header")
        none = await model.attempt(ASK, PLAN)
        await model.close()

    assert ("yes", None) == (right.value, right.reason)
    assert [Reason.NOT_CONFIGURED] * 2 == [wrong.reason, none.reason]
    assert 2 == len(server.asked)
    assert not any(secret in reply.detail for secret in ("sesame", "wrong", "header") for reply in (wrong, none))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_cached_written_and_reasoning_tokens_are_counted_and_priced(
    server: ModelServer, dialect: str, stream: bool
) -> None:
    model = hosted(server, "cached", dialect=DIALECTS[dialect], stream=stream)

    reply = await model.attempt(ASK, PLAN)
    await model.close()

    prompt = 4 + server.asked[0].size // 4
    cached, written, completion = prompt // 2, prompt // 4, 1 + len("sport") // 4 + 4
    # What a dialect has no count for is counted, and priced, as what it is part of.
    cached = 0 if dialect == "ollama" else cached
    written = 0 if dialect in ("ollama", "gemini") else written
    reasoning = 0 if dialect in ("messages", "ollama") else 4
    assert reply.usage == Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )
    fresh = prompt - cached - written
    assert fresh * 1_000 + cached * 500 + written * 1_250 + completion * 10_000 == reply.price


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_model_that_thinks_may_do_so_beyond_its_answer(server: ModelServer, dialect: str) -> None:
    model = hosted(server, dialect=DIALECTS[dialect], reasoning_tokens=2_000)
    await model.attempt(ASK, PLAN)
    await model.close()

    asked = server.asked[0].body
    thinking = {
        "messages": asked.get("thinking") == {"type": "enabled", "budget_tokens": 2_000},
        "gemini": asked.get("generationConfig", {}).get("thinkingConfig") == {"thinkingBudget": 2_000},
    }
    assert 2_050 == server.asked[0].limit
    assert "temperature" not in {**asked, **asked.get("generationConfig", {}), **asked.get("options", {})}
    assert thinking.get(dialect, "thinking" not in asked)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_stalled_stream_is_given_up_and_its_connection_closed(server: ModelServer, dialect: str) -> None:
    model = hosted(server, "stalled", dialect=DIALECTS[dialect], stall_seconds=0.1)

    reply = await model.attempt(ASK, PLAN)

    assert Reason.TIMED_OUT == reply.reason
    assert "nothing came for 0.1 s" in reply.detail
    await asyncio.wait_for(server.gone.wait(), 5)
    await model.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_cancelling_a_stream_closes_its_connection(server: ModelServer, dialect: str) -> None:
    model = hosted(server, "stalled", dialect=DIALECTS[dialect])
    attempt = asyncio.ensure_future(model.attempt(ASK, PLAN))
    while not server.asked:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)
    attempt.cancel()
    await asyncio.wait([attempt])

    assert attempt.cancelled()
    await asyncio.wait_for(server.gone.wait(), 5)
    await model.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_stream_that_ended_leaves_its_connection_for_the_next_until_one_breaks(
    server: ModelServer, dialect: str
) -> None:
    wire = Wire(concurrency=4, stall_seconds=30.0, keeps=True)

    async def calls(play: str, number: int) -> int:
        """Post so many, and return how many connections that took."""
        wanted, before = Wanted(model=play, limit=50, stream=True), server.connections
        content = orjson.dumps(DIALECTS[dialect].request(PLAN, wanted))
        post = Post(
            url=server.url + DIALECTS[dialect].where(play, stream=True), headers={}, content=content, stream=True
        )
        for _ in range(number):
            await wire.ask(DIALECTS[dialect], post, Said())
        return server.connections - before

    assert await calls("whole", 5) < 5  # one, but on a machine that is too busy to read the end in time
    await calls("hung-up", 1)
    asked = len(server.asked)
    assert 5 == await calls("whole", 5)
    await wire.close()
    assert (6, 11) == (asked, len(server.asked))  # nothing was sent twice


async def test_without_tls_every_stream_has_a_connection_of_its_own(server: ModelServer) -> None:
    model = hosted(server)
    for _ in range(3):
        await model.attempt(ASK, PLAN)
    await model.close()

    assert (3, 3) == (len(server.asked), server.connections)


async def test_without_tls_replies_in_one_piece_share_a_connection(server: ModelServer) -> None:
    model = hosted(server, stream=False)
    for _ in range(5):
        await model.attempt(ASK, PLAN)
    await model.close()

    assert 5 == len(server.asked)
    assert server.connections < 5  # one, but on a machine that is too busy to read the end in time


async def test_messages_refuse_a_blank_message_so_it_is_not_sent(server: ModelServer) -> None:
    model = hosted(server, dialect=ANTHROPIC_MESSAGES)
    blank = replace(PLAN, messages=(MESSAGES[0], Message(role="user", content=" ")))

    reply = await model.attempt(ASK, blank)
    await model.close()

    assert (Reason.DECLINED, 0, []) == (reply.reason, reply.price, server.asked)

"""Streams from hosted models that break: the runner-up goes on, in every dialect, and conversations pass through."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from tests.bidders.test_http_plays import KINDS

import atomic
from atomic.market import Market
from atomic.records.conversation import Conversation, Spoken
from atomic.testing import PLAYS, ModelServer, model_server

ANSWER = "Once upon a time there was a cat that could not sleep."
PRICE = {"input": "$1", "output": "$10", "as_of": "2026-11-01"}
MIDWAY = ["cut", "closed", "stalled", "error-event", "malformed", "not-utf8", "length"]


@atomic.microtask(worth="$1", explore=False)
async def tale(about: str) -> str:
    """Tell a tale."""
    raise NotImplementedError


@atomic.microtask(worth="$1", explore=False)
async def chat(conversation: Conversation) -> Spoken:
    """Go on."""
    raise NotImplementedError


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelServer]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "s3cret")
    async with model_server(answer=ANSWER) as running:
        yield running


def table(server: ModelServer, dialect: str, model: str, right: float, **changes: Any) -> dict[str, Any]:
    kind = {"kind": "http", "dialect": dialect}
    if dialect in ("tool", "format"):
        kind = {"kind": "anthropic", "held": dialect}
    return {**kind, "url": server.url, "model": model, "right": right, "price": PRICE, **changes}


def config(**bidders: dict[str, Any]) -> dict[str, Any]:
    return {"market": {"ledger": ":memory:", "per_day": "$9"}, "bidders": bidders}


async def heard(market: Market, call: Any) -> tuple[str, Any]:
    async with market.stream(call) as stream:
        said = "".join([piece async for piece in stream])
        return said, stream.outcome


@pytest.mark.parametrize("dialect", KINDS)
async def test_a_stream_that_breaks_midway_is_gone_on_with_by_the_runner_up(server: ModelServer, dialect: str) -> None:
    far, near = table(server, dialect, "error-event", 0.9), table(server, "chat", "whole", 0.6)
    async with atomic.open(config(far=far, near=near)) as market:
        said, outcome = await heard(market, tale("a cat"))

    # The server says the same text again: it is heard once.
    assert (ANSWER, ANSWER, "near+plain") == (said, outcome.answer, outcome.winner)
    assert ANSWER in json.dumps(server.asked[-1].body)
    assert outcome.cost > 0


@pytest.mark.parametrize("play", MIDWAY)
async def test_whatever_breaks_a_stream_midway_it_is_gone_on_with(server: ModelServer, play: str) -> None:
    far = table(server, "chat", play, 0.9, stall=0.3)
    near = table(server, "vllm", "whole", 0.6)
    async with atomic.open(config(far=far, near=near)) as market:
        said, outcome = await heard(market, tale("a cat"))

    assert (ANSWER, ANSWER) == (said, outcome.answer)


@pytest.mark.parametrize("play", [name for name, one in PLAYS.items() if one.reason is not None])
async def test_no_failure_is_streamed_as_a_success(server: ModelServer, play: str) -> None:
    far = table(server, "chat", play, 0.9, stall=0.3)
    async with atomic.open(config(far=far)) as market:
        said, outcome = await heard(market, chat(Conversation.of({"messages": [{"role": "user", "content": "Hi"}]})))

    assert outcome.refused
    assert ANSWER.startswith(said) or PLAYS[play].text is not None


@pytest.mark.parametrize("dialect", KINDS)
async def test_a_conversation_is_streamed_through_the_market(server: ModelServer, dialect: str) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 0.7}
    async with atomic.open(config(far=table(server, dialect, "whole", 0.9))) as market:
        said, outcome = await heard(market, chat(Conversation.of(body)))

    assert (ANSWER, Spoken(text=ANSWER), "far+conversation") == (said, outcome.answer, outcome.winner)
    assert "0.7" in json.dumps(server.asked[0].body)

"""What is sent twice is bought once, and an odd number is no crash."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from atomic.protocols import Profile
from atomic.records.microtask import Ask, microtask
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving


@microtask(worth="$0.01", explore=False)
async def vector(text: str) -> list[float]:
    """Where is this text?"""
    raise NotImplementedError


@microtask(worth="$0.01", explore=False)
async def mood(text: str) -> str:
    """How does the writer feel?"""
    raise NotImplementedError


def says(ask: Ask) -> Line | object:
    return Line(answer=[0.5, 1.0] if ask.task.name == "vector" else "friendly")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    bidder = ScriptedBidder("teller", says, profile=Profile(name="teller", kind="scripted"))
    async with serving(bidders=[bidder], tasks=[vector, mood]) as url, httpx.AsyncClient(base_url=url) as opened:
        yield opened


async def test_embeddings_with_the_same_key_are_bought_once(client: httpx.AsyncClient) -> None:
    body, key = {"model": "vector", "input": ["a", "b"]}, {"idempotency-key": "once"}
    told = [await client.post("/v1/embeddings", json=body, headers=key) for _ in range(2)]
    ids = [one.headers["x-atomic-request-id"] for one in told]
    assert ids == ["once/0,once/1", "once/0,once/1"]


async def test_a_thinking_budget_below_nothing_is_no_crash(client: httpx.AsyncClient) -> None:
    body = {
        "model": "mood",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "thinking": {"type": "enabled", "budget_tokens": -5},
    }
    assert (await client.post("/v1/messages", json=body)).status_code == 200

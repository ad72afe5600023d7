"""What a streamed plain text costs over a bare client, in the same run: a row of `atomic bench engines`.

Bare is httpx with httpx-sse, posting the same and joining the pieces. Ours is a hosted model's whole attempt: the plan
as a request, the stream's end seen, usage counted and billed, and the text read as the answer. Both in turns, against
the same server on loopback.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from httpx_sse import aconnect_sse

from atomic.bidders.http import HttpModel, HttpOptions
from atomic.engines.partial import PartialReader
from atomic.output import typed
from atomic.records.attempt import Message, Plan
from atomic.records.microtask import microtask
from atomic.records.price import Price
from atomic.testing.asks import ask_for
from atomic.testing.model_server import ModelServer, model_server

ROUNDS = 200
MUST, AIM = 1.5, 0.5  # milliseconds added
SAID = "Anna Schmidt wants two pens and a bottle of ink, and asks when they come."


@microtask(worth="$0.01")
async def words(text: str) -> str:
    """What does this mail say, in a sentence?"""
    raise NotImplementedError


def streamed(rounds: int = ROUNDS) -> dict[str, float]:
    """Median milliseconds of both, and what ours adds."""
    return asyncio.run(_streamed(rounds))


async def _streamed(rounds: int) -> dict[str, float]:
    alone: list[float] = []
    ours: list[float] = []
    async with model_server(answer=SAID) as server, _closed(httpx.AsyncClient()) as client:
        price = Price(input=1, output=1)
        bidder = HttpModel("model", HttpOptions(base_url=server.url, model="whole", price=price))
        plan = Plan(bidder="model", tactic="plain", messages=(Message(role="user", content=words.instruction),))
        ask = ask_for(words("A mail"))
        for turn in range(rounds + 1):
            began = time.perf_counter()
            await _bare(client, server)
            between = time.perf_counter()
            answer = typed(words, (await bidder.attempt(ask, plan)).value)
            PartialReader(words).feed(str(answer))
            ended = time.perf_counter()
            if turn:  # the first is for both to warm up
                alone.append((between - began) * 1e3)
                ours.append((ended - between) * 1e3)
        await bidder.close()
    one, other = statistics.median(alone), statistics.median(ours)
    added = statistics.median([mine - theirs for mine, theirs in zip(ours, alone, strict=True)])
    return {"bare_ms_p50": one, "ours_ms_p50": other, "added_ms_p50": added, "answers": rounds}


@asynccontextmanager
async def _closed(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client, and the time that a server needs to see that its connections are closed."""
    async with client:
        yield client
    await asyncio.sleep(0.05)


async def _bare(client: httpx.AsyncClient, server: ModelServer) -> str:
    body = {
        "model": "whole", "messages": [{"role": "user", "content": words.instruction}], "max_tokens": 256,
        "temperature": 0, "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    pieces = []
    headers = {"connection": "close"}  # as ours, which uses no connection twice without TLS
    async with aconnect_sse(client, "POST", f"{server.url}/chat/completions", json=body, headers=headers) as events:
        async for event in events.aiter_sse():
            if event.data != "[DONE]":
                choices = json.loads(event.data)["choices"]
                pieces += [one["delta"].get("content") or "" for one in choices]
    return "".join(pieces)

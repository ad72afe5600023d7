"""What goes wrong on the way: streams that are cut, clients that go away, too many requests, bodies that do not fit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from atomic.protocols import Profile
from atomic.records.bid import Reason
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

ASKED: Any = {"model": "poet", "messages": [{"role": "user", "content": "A tale!"}]}


def poet(*lines: Line) -> ScriptedBidder:
    return ScriptedBidder("poet", lines, profile=Profile(name="poet", kind="scripted", converses=True))


async def heard(url: str) -> list[Any]:
    """A stream as OpenAI's client hears it, to its end."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        return [one async for one in await client.chat.completions.create(**ASKED, stream=True)]


async def test_a_stream_that_was_cut_ends_with_an_error_and_without_its_last_word() -> None:
    cut = Line(says=["Once ", "upon "], reason=Reason.CUT)
    async with serving(bidders=[poet(cut)]) as url, httpx.AsyncClient() as client:
        raw = await client.post(f"{url}/v1/chat/completions", json={**ASKED, "stream": True})
        with pytest.raises(openai.APIError, match="refused"):
            await heard(url)

    assert '"content":"Once "' in raw.text
    assert '"error"' in raw.text
    assert "[DONE]" not in raw.text


async def test_a_stream_that_fails_before_its_first_word_is_an_ordinary_error() -> None:
    async with serving(bidders=[poet(Line(reason=Reason.FAILED))]) as url, httpx.AsyncClient() as client:
        found = await client.post(f"{url}/v1/chat/completions", json={**ASKED, "stream": True})

    assert 502 == found.status_code
    assert "refused" in found.json()["error"]["message"]


async def test_a_client_that_goes_away_stops_who_speaks() -> None:
    endless = poet(Line(says=["Once "], hangs=True))
    async with serving(bidders=[endless]) as url, httpx.AsyncClient() as client:
        async with client.stream("POST", f"{url}/v1/chat/completions", json={**ASKED, "stream": True}) as response:
            async for _ in response.aiter_bytes():
                break
        for _ in range(200):
            if endless.cancelled:
                break
            await asyncio.sleep(0.02)

    assert 1 == endless.cancelled


async def test_too_many_requests_are_turned_away_what_can_wait_first(tmp_path: Path) -> None:
    until = asyncio.Event()
    config = {"market": {"ledger": str(tmp_path / "a.db")}, "serve": {"most": 4}}
    bidder = poet(Line(answer={"text": "Yes."}, until=until))
    async with serving(config, bidders=[bidder]) as url, httpx.AsyncClient(timeout=30) as client:

        def ask(priority: str) -> Any:
            headers = {"x-atomic-priority": priority}
            return client.post(f"{url}/v1/chat/completions", json=ASKED, headers=headers)

        waiting = [asyncio.create_task(ask("normal")) for _ in range(3)]
        while (await client.get(f"{url}/ready")).json()["under_way"] < 3:  # noqa: ASYNC110 - of a server
            await asyncio.sleep(0.01)
        low = await ask("low")
        waiting.append(asyncio.create_task(ask("high")))
        while (await client.get(f"{url}/ready")).json()["under_way"] < 4:  # noqa: ASYNC110 - of a server
            await asyncio.sleep(0.01)
        high = await ask("high")
        until.set()
        found = await asyncio.gather(*waiting)

    assert [503, 503] == [low.status_code, high.status_code]
    assert "1" == low.headers["retry-after"]
    assert [200] * 4 == [one.status_code for one in found]


async def test_names_of_callers_cannot_split_a_response() -> None:
    name = "a\r\nset-cookie: x=1\r\n\u4f60"
    async with serving(bidders=[poet(Line(answer={"text": "Yes."}))]) as url, httpx.AsyncClient() as client:
        found = await client.post(f"{url}/v1/chat/completions", json={**ASKED, "atomic": {"request_id": name}})

    assert 200 == found.status_code
    assert "set-cookie" not in found.headers
    assert "a%0D%0Aset-cookie:%20x=1%0D%0A%E4%BD%A0" == found.headers["x-atomic-request-id"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *(
        "messages",
        "tools",
        "tool_choice",
        "stream",
        "stream_options",
        "max_tokens",
        "response_format",
        "atomic",
        "input",
    ),
    *("instructions", "text", "reasoning", "thinking", "system", "output_config", "output_format", "metadata", "n"),
)
PARTS = st.dictionaries(
    st.sampled_from(["type", "text", "source", "tool_use_id", "content", "input", "role", "call_id", "image_url"]),
    anything | st.sampled_from(["text", "image", "tool_use", "tool_result", "user", "assistant", "function_call"]),
    max_size=4,
)


@pytest.mark.timeout(300)
async def test_no_body_breaks_it() -> None:
    bodies: list[dict[str, Any]] = []

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(FIELDS), anything | st.lists(PARTS, max_size=3) | PARTS, max_size=5))
    def collect(body: dict[str, Any]) -> None:
        bodies.append({"model": "poet", "max_tokens": 5, **body})

    collect()
    async with serving(bidders=[poet(Line(answer={"text": "Yes."}))]) as url, httpx.AsyncClient(timeout=30) as client:
        for number, body in enumerate(bodies):
            for path in ("chat/completions", "responses", "messages", "embeddings"):
                found = await client.post(f"{url}/v1/{path}", json=body)
                assert found.status_code < 500, (number, path, body, found.text)

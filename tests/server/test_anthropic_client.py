"""Anthropic's own client against the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel

from atomic.protocols import Profile
from atomic.records.conversation import Conversation
from atomic.records.microtask import Ask
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

TALE = ["Once upon ", "a time", "."]
TOOL: Any = {
    "name": "weather",
    "description": "How warm it is",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALLED = {"calls": [{"id": "call_1", "name": "weather", "arguments": '{"city": "Rome"}'}]}
IMAGE: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


class Place(BaseModel):
    city: str


def script(ask: Ask) -> Line | object:
    conversation: Conversation = ask.arguments["conversation"]
    if conversation.tools and conversation.messages[-1]["role"] == "user":
        return CALLED
    if conversation.form:
        return {"text": '{"city": "Rome"}'}
    return Line(answer={"text": "".join(TALE)}, says=TALE)


@pytest.fixture
def poet() -> ScriptedBidder:
    return ScriptedBidder("poet", script, profile=Profile(name="poet", kind="scripted", converses=True))


@pytest.fixture
async def url(poet: ScriptedBidder) -> AsyncIterator[str]:
    async with serving(bidders=[poet]) as found:
        yield found


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as found:
        yield found


def said(content: Any) -> Any:
    return [{"role": "user", "content": content}]


async def test_a_message_is_what_its_bidder_said(client: AsyncAnthropic) -> None:
    found = await client.messages.create(model="poet", max_tokens=50, system="Be brief.", messages=said("A tale!"))

    assert ["Once upon a time."] == [one.text for one in found.content if one.type == "text"]
    assert ("end_turn", "poet") == (found.stop_reason, found.model)


async def test_the_sync_client_works_as_well(url: str) -> None:
    def ask() -> Any:
        with Anthropic(base_url=url, api_key="none") as found:
            return found.messages.create(model="atomic/auto", max_tokens=50, messages=said("A tale!")).content[0]

    assert "Once upon a time." == (await asyncio.to_thread(ask)).text


async def test_a_stream_comes_in_the_pieces_that_were_said(client: AsyncAnthropic) -> None:
    async with client.messages.stream(model="poet", max_tokens=50, messages=said("A tale!")) as stream:
        pieces = [one async for one in stream.text_stream]
        whole = await stream.get_final_message()

    assert TALE == pieces
    assert "end_turn" == whole.stop_reason


@pytest.mark.parametrize("streamed", [False, True])
async def test_tools_are_used_and_their_results_told(client: AsyncAnthropic, streamed: bool) -> None:
    asked: Any = {"model": "poet", "max_tokens": 50, "tools": [TOOL]}
    if streamed:
        async with client.messages.stream(messages=said("Rome?"), **asked) as stream:
            found = await stream.get_final_message()
    else:
        found = await client.messages.create(messages=said("Rome?"), **asked)
    used: Any = found.content[0]

    assert ("tool_use", "weather", {"city": "Rome"}) == (found.stop_reason, used.name, used.input)
    result = {"type": "tool_result", "tool_use_id": used.id, "content": "warm"}
    told: Any = [*said("Rome?"), {"role": "assistant", "content": found.content}, *said([result])]
    after: Any = (await client.messages.create(messages=told, **asked)).content[0]
    assert "Once upon a time." == after.text


async def test_images_and_settings_reach_the_bidder(client: AsyncAnthropic, poet: ScriptedBidder) -> None:
    content = [{"type": "text", "text": "What is this?"}, IMAGE]
    await client.messages.create(
        model="poet",
        max_tokens=50,
        stop_sequences=["END"],
        messages=said(content),
        extra_body={"temperature": 0.5},
    )

    conversation: Conversation = poet.attempts[0][0].arguments["conversation"]
    assert 1 == conversation.images
    assert {"max_tokens": 50, "temperature": 0.5, "stop": ["END"]} == conversation.settings


async def test_a_structured_answer_is_parsed(client: AsyncAnthropic) -> None:
    found = await client.messages.parse(model="poet", max_tokens=50, messages=said("Where?"), output_format=Place)

    assert Place(city="Rome") == found.parsed_output


async def test_errors_are_said_as_anthropic_says_them(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        await client.messages.create(model="claude-99", max_tokens=50, messages=said("Hi"))

    assert "not_found_error" == caught.value.body["error"]["type"]  # type: ignore[index]
    with pytest.raises(anthropic.BadRequestError):
        await client.messages.create(model="poet", max_tokens=50, messages=[])


async def test_models_are_listed_for_anthropics_client_as_well(client: AsyncAnthropic) -> None:
    assert "poet" in [one.id async for one in client.models.list()]
    assert "poet" == (await client.models.retrieve("poet")).id

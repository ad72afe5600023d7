"""OpenAI's own client against the server: what its users write works as they write it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from atomic.protocols import Profile
from atomic.records.conversation import Conversation
from atomic.records.microtask import Ask, microtask
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

TALE = ["Once upon ", "a time", "."]
TOOL: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CALLED = {"calls": [{"id": "call_1", "name": "weather", "arguments": '{"city": "Rome"}'}]}


class Place(BaseModel):
    city: str
    warm: bool


@microtask(worth="$0.01")
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


@microtask(worth="$0.01")
async def where(text: str) -> Place:
    """Where is it, and is it warm there?"""
    raise NotImplementedError


@microtask(worth="$0.01")
async def vector(text: str) -> list[float]:
    """The text as a vector."""
    raise NotImplementedError


def script(ask: Ask) -> Line | object:
    """Answers as a model would."""
    match ask.task.name:
        case "mood":
            return "friendly" if "thank" in ask.arguments["text"].lower() else "angry"
        case "where":
            return {"city": "Rome", "warm": True}
        case "vector":
            return [0.5, -1.25, float(len(ask.arguments["text"]))]
    conversation: Conversation = ask.arguments["conversation"]
    if conversation.tools and conversation.messages[-1]["role"] == "user":
        return CALLED
    if conversation.form:
        return {"text": '{"city": "Rome", "warm": true}'}
    return Line(answer={"text": "".join(TALE)}, says=TALE)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    poet = ScriptedBidder("poet", script, profile=Profile(name="poet", kind="scripted", converses=True))
    async with serving(bidders=[poet], tasks=[mood, where, vector]) as found:
        yield f"{found}/v1"


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as found:
        yield found


def said(text: str) -> Any:
    return [{"role": "user", "content": text}]


async def test_a_completion_is_what_its_bidder_said(client: AsyncOpenAI) -> None:
    found = await client.chat.completions.create(model="poet", messages=said("A tale!"))

    assert "Once upon a time." == found.choices[0].message.content
    assert ("stop", "poet") == (found.choices[0].finish_reason, found.model)


async def test_the_sync_client_works_as_well(url: str) -> None:
    def ask() -> str | None:
        with OpenAI(base_url=url, api_key="none") as found:
            return (
                found.chat.completions.create(model="atomic/auto", messages=said("A tale!")).choices[0].message.content
            )

    assert "Once upon a time." == await asyncio.to_thread(ask)


async def test_a_stream_comes_in_the_pieces_that_were_said(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="poet", messages=said("A tale!"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [one async for one in stream]

    assert TALE == [one.choices[0].delta.content for one in chunks if one.choices and one.choices[0].delta.content]
    assert "stop" == chunks[-2].choices[0].finish_reason
    assert chunks[-1].usage is not None


async def test_the_helper_for_streams_puts_the_whole_together(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="poet", messages=said("A tale!")) as stream:
        async for _ in stream:
            pass
        found = await stream.get_final_completion()

    assert "Once upon a time." == found.choices[0].message.content


@pytest.mark.parametrize("streamed", [False, True])
async def test_tools_are_called_and_answered(client: AsyncOpenAI, streamed: bool) -> None:
    if streamed:
        async with client.chat.completions.stream(model="poet", messages=said("Rome?"), tools=[TOOL]) as stream:
            found: Any = await stream.get_final_completion()
    else:
        found = await client.chat.completions.create(model="poet", messages=said("Rome?"), tools=[TOOL])
    message = found.choices[0].message
    call = message.tool_calls[0]

    assert ("tool_calls", "weather", '{"city": "Rome"}') == (
        found.choices[0].finish_reason,
        call.function.name,
        call.function.arguments,
    )
    told: Any = [*said("Rome?"), message, {"role": "tool", "tool_call_id": call.id, "content": "warm"}]
    after = await client.chat.completions.create(model="poet", messages=told, tools=[TOOL])
    assert "Once upon a time." == after.choices[0].message.content


async def test_a_structured_answer_is_parsed(client: AsyncOpenAI) -> None:
    found = await client.chat.completions.parse(model="poet", messages=said("Where?"), response_format=Place)

    assert Place(city="Rome", warm=True) == found.choices[0].message.parsed


async def test_a_model_name_is_a_microtask(client: AsyncOpenAI) -> None:
    found = await client.chat.completions.create(model="mood", messages=said("Thank you"))
    typed = await client.chat.completions.parse(model="where", messages=said("Here"), response_format=Place)

    assert "friendly" == found.choices[0].message.content
    assert Place(city="Rome", warm=True) == typed.choices[0].message.parsed


@pytest.mark.parametrize("policy", ["atomic/auto", "atomic/target=0.95", "atomic/budget=$1/1k", "atomic/worth=$0.01"])
async def test_a_model_name_is_a_policy(client: AsyncOpenAI, policy: str) -> None:
    found = await client.chat.completions.create(model=policy, messages=said("A tale!"))

    assert "Once upon a time." == found.choices[0].message.content


async def test_what_is_no_model_is_said_as_openai_says_it(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="gpt-99", messages=said("Hi"))

    assert "model_not_found" == caught.value.code
    assert "/v1/models" in caught.value.message


async def test_a_body_that_does_not_fit_is_the_callers_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="poet", messages=[])
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="poet", messages=said("Hi"), n=2)


async def test_how_it_was_decided_comes_where_it_is_asked_for(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="poet", messages=said("A tale!"), extra_body={"atomic": {"decision": True}}
    )
    told = raw.parse().model_extra["atomic"]  # type: ignore[index]

    assert ("poet+plain", raw.headers["x-atomic-request-id"]) == (told["winner"], told["request_id"])
    assert "poet was to answer" in told["reasons"]


async def test_the_same_request_id_is_the_same_answer(client: AsyncOpenAI) -> None:
    headers = {"idempotency-key": "mine"}
    first = await client.chat.completions.create(model="poet", messages=said("A tale!"), extra_headers=headers)
    again = await client.chat.completions.create(model="poet", messages=said("A tale!"), extra_headers=headers)

    assert "chatcmpl-mine" == first.id == again.id
    with pytest.raises(openai.ConflictError):
        await client.chat.completions.create(model="poet", messages=said("Another!"), extra_headers=headers)


async def test_responses_answer_as_well(client: AsyncOpenAI) -> None:
    found = await client.responses.create(model="poet", input="A tale!", instructions="Be brief.")
    typed = await client.responses.parse(model="poet", input="Where?", text_format=Place)
    called = await client.responses.create(
        model="poet", input="Rome?", tools=[{"type": "function", "name": "weather", "parameters": {}, "strict": False}]
    )

    assert "Once upon a time." == found.output_text
    assert Place(city="Rome", warm=True) == typed.output_parsed
    assert ("function_call", "weather") == (called.output[0].type, called.output[0].name)  # type: ignore[union-attr]


async def test_responses_are_streamed(client: AsyncOpenAI) -> None:
    async with client.responses.stream(model="poet", input=said("A tale!")) as stream:
        pieces = [one.delta async for one in stream if one.type == "response.output_text.delta"]
        found = await stream.get_final_response()
    calling = await client.responses.create(
        model="poet",
        input="Rome?",
        stream=True,
        tools=[{"type": "function", "name": "weather", "parameters": {}, "strict": False}],
    )
    kinds = [one.type async for one in calling]

    assert TALE == pieces
    assert "Once upon a time." == found.output_text
    assert "response.function_call_arguments.done" in kinds
    assert "response.completed" == kinds[-1]


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    found = {one.id: one.owned_by async for one in client.models.list()}

    assert {"atomic/auto": "atomic policy", "mood": "atomic task", "poet": "atomic bidder"}.items() <= found.items()
    assert "mood" == (await client.models.retrieve("mood")).id
    assert "atomic/auto" == (await client.models.retrieve("atomic/auto")).id


async def test_embeddings_come_from_a_microtask_that_makes_them(client: AsyncOpenAI) -> None:
    found = await client.embeddings.create(model="vector", input=["a", "bcd"])

    assert [[0.5, -1.25, 1.0], [0.5, -1.25, 3.0]] == [one.embedding for one in found.data]
    with pytest.raises(openai.NotFoundError, match="makes no embeddings"):
        await client.embeddings.create(model="mood", input="a")

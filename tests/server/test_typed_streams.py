"""Typed partials from a model's stream to a client: through the market, and over the native API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter

pytest.importorskip("httpx_sse")

from atomic.bidders.http import HttpModel, HttpOptions
from atomic.client import AsyncClient, Client
from atomic.config import open as open_market
from atomic.config.dialects import dialect_of
from atomic.errors import CallerError, NotFound
from atomic.records.microtask import Microtask, microtask
from atomic.records.price import Price
from atomic.server.native.shapes import OutcomeShown
from atomic.testing import ModelServer, model_server
from atomic.testing.model_plays import PLAYS
from atomic.testing.serving import serving

JSON: TypeAdapter[Any] = TypeAdapter(Any)
ANSWER = '{"name": "Anna Schmidt", "age": 42}'
DAMAGED = "Sure! Here it is:\n```json\n{'name': 'Anna Schmidt', age: 42, }\n```"


class Person(BaseModel):
    name: str
    age: int


@microtask(worth="$0.10", explore=False)
async def person(text: str) -> Person:
    """Who is it?"""
    raise NotImplementedError


def bidder(server: ModelServer, dialect: Any = "chat") -> HttpModel:
    return HttpModel(
        "far",
        HttpOptions(base_url=server.url, model="slow", dialect=dialect_of(dialect), price=Price(input=1, output=1)),
    )


async def read(server: ModelServer, task: Microtask[..., Any], dialect: Any = "chat") -> tuple[list[Any], Any]:
    config = {"market": {"ledger": ":memory:"}}
    async with (
        open_market(config, bidders=[bidder(server, dialect)]) as market,
        market.stream(task("Anna Schmidt, 42")) as stream,
    ):
        values = [JSON.dump_python(one, exclude_unset=True) async for one in stream.partials()]
        return values, stream.outcome.answer


@asynccontextmanager
async def served(answer: str) -> AsyncIterator[tuple[str, ModelServer]]:
    async with (
        model_server(answer=answer) as server,
        serving(bidders=[bidder(server)], tasks=[person]) as url,
    ):
        yield url, server


@pytest.mark.parametrize("dialect", ["chat", "openai", "responses", "gemini", "vllm", "llama.cpp", "ollama", "format"])
async def test_partials_are_read_from_a_stream_of_every_dialect(dialect: Any) -> None:
    async with model_server(answer=ANSWER) as server:
        values, answer = await read(server, person, dialect)

    assert ({}, {"name"}) == (values[0], set(values[1]))
    assert (Person(name="Anna Schmidt", age=42), {"name": "Anna Schmidt", "age": 42}) == (answer, values[-1])


async def test_partials_are_read_from_what_the_tool_of_a_form_is_called_with() -> None:
    async with model_server(answer=ANSWER) as server:
        server.play = replace(PLAYS["slow"], tool="answer", ending="calls")
        values, answer = await read(server, person, "tool")

    assert ({"name": "Anna Schmidt", "age": 42}, Person(name="Anna Schmidt", age=42)) == (values[-1], answer)


async def test_bamls_words_and_parser_give_partials_of_damaged_text() -> None:
    pytest.importorskip("baml_py")
    from atomic.engines.baml_wording import in_bamls_words

    async with model_server(answer=DAMAGED) as server:
        values, answer = await read(server, in_bamls_words(person))

        assert "Answer in JSON using this schema" in str(server.asked[0].body)
    assert any("age" not in one and "Anna Schmidt".startswith(one.get("name") or "-") for one in values)
    assert Person(name="Anna Schmidt", age=42) == answer


async def test_a_client_reads_partials_and_then_the_outcome() -> None:
    async with served(ANSWER) as (url, _), AsyncClient(url) as client:
        *partials, outcome = [one async for one in client.stream("person", "Anna Schmidt, 42", request_id="p1")]
        again = await client.run("person", "Anna Schmidt, 42", request_id="p1")

    assert {"name": "Anna Schmidt", "age": 42} == partials[-1]
    assert ({}, {"name"}) == (partials[0], set(partials[1]))
    assert isinstance(outcome, OutcomeShown)
    assert ("answered", partials[-1], "p1") == (outcome.status, outcome.answer, outcome.request_id)
    assert outcome.answer == again.answer


async def test_a_client_that_waits_reads_the_same() -> None:
    import asyncio

    async with served(ANSWER) as (url, _):

        def listed() -> list[Any]:
            with Client(url) as client:
                return list(client.stream("person", "Anna Schmidt, 42"))

        *partials, outcome = await asyncio.to_thread(listed)

    assert outcome.answer == partials[-1]


async def test_who_leaves_before_the_end_cancels_the_call_on_the_wire() -> None:
    async with served(ANSWER) as (url, server), AsyncClient(url) as client:
        server.play = PLAYS["stalled"]
        coming = client.stream("person", "Anna Schmidt, 42")
        assert {} == await anext(coming)
        await coming.aclose()  # type: ignore[attr-defined]  # a generator in fact

        await server.gone.wait()


async def test_what_does_not_fit_is_an_error_before_the_stream_begins() -> None:
    async with served(ANSWER) as (url, _), AsyncClient(url) as client:
        with pytest.raises(NotFound, match="no task"):
            await anext(client.stream("nothing", "x"))
        with pytest.raises(CallerError, match="does not fit"):
            await anext(client.stream("person", {"text": 3}))


async def test_a_client_reads_texts_with_lines_and_paragraphs_of_their_own() -> None:
    name = "Anna\u2028Maria\x85Schmidt\u2029"
    async with served(orjson.dumps({"name": name, "age": 42}).decode()) as (url, _), AsyncClient(url) as client:
        *partials, outcome = [one async for one in client.stream("person", "Anna Schmidt, 42")]

    assert (partials[-1], outcome.answer) == ({"name": name, "age": 42}, {"name": name, "age": 42})

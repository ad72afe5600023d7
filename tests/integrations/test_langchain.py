"""The market in LangChain: its own standard tests for chat models, and runnables and tools as its users write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_tests.integration_tests import ChatModelIntegrationTests
from tests.server.test_langchain import script

import atomic
from atomic.integrations.langchain import ChatAtomic, Refused, runnable, tool
from atomic.protocols import Profile
from atomic.records.attempt import Usage
from atomic.records.microtask import Ask
from atomic.testing import Line, ScriptedBidder

MEMORY = {"market": {"ledger": ":memory:", "per_day": "$1"}}


@atomic.microtask(worth="$0.002", explore=False)
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer of this text feel?"""
    raise NotImplementedError


def poet() -> ScriptedBidder:
    return ScriptedBidder("poet", script, profile=Profile(name="poet", kind="scripted", converses=True))


def reader() -> ScriptedBidder:
    def answer(ask: Ask) -> Line:
        return Line(answer="angry" if "!" in ask.features.text else "friendly", price=1_000)

    return ScriptedBidder("reader", answer, profile=Profile(name="reader", kind="scripted", right=0.9))


@pytest.fixture(scope="module", autouse=True)
def market() -> Iterator[None]:
    with atomic.open_sync(MEMORY, bidders=[poet()]) as opened:
        TestIntegration.market = opened
        yield


class TestIntegration(ChatModelIntegrationTests):
    """LangChain's own, against a market."""

    market: Any = None

    @property
    def chat_model_class(self) -> type[ChatAtomic]:
        return ChatAtomic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"market": self.market}

    @property
    def returns_usage_metadata(self) -> bool:
        return False


async def test_a_message_says_who_answered_for_what_and_can_be_explained() -> None:
    async with atomic.open(MEMORY, bidders=[poet()]) as market:
        message = await ChatAtomic(market=market, worth="$0.02").ainvoke("Tell me a tale")
        told = message.response_metadata["atomic"]
        await market.feedback(told["request_id"], 1.0)

    assert "Once upon a time" == message.content
    assert "poet" == message.response_metadata["model_name"] == told["winner"].partition("+")[0]


async def test_a_stream_comes_in_pieces_and_ends_with_the_metadata() -> None:
    async with atomic.open(MEMORY, bidders=[poet()]) as market:
        chunks = [one async for one in ChatAtomic(market=market).astream("Tell me a tale")]

    assert ["Once ", "upon ", "a time"] == [one.content for one in chunks if one.content]
    assert "atomic" in chunks[-1].response_metadata or "atomic" in chunks[-2].response_metadata


async def test_a_chain_of_prompt_model_and_parser() -> None:
    async with atomic.open(MEMORY, bidders=[poet()]) as market:
        chain = ChatPromptTemplate.from_template("Tell me of {what}") | ChatAtomic(market=market) | StrOutputParser()

        assert "Once upon a time" == await chain.ainvoke({"what": "cats"})


async def test_nobody_to_answer_is_a_refusal_that_says_why() -> None:
    async with atomic.open(MEMORY) as market:
        with pytest.raises(Refused, match="the market refused"):
            await ChatAtomic(market=market).ainvoke("hello")


async def test_a_microtask_is_a_runnable_with_typed_outcomes_in_batches() -> None:
    async with atomic.open(MEMORY, bidders=[reader()]) as market:
        steps = runnable(market, mood)
        chain = steps | RunnableLambda(lambda outcome: outcome.answer)
        outcome = await steps.ainvoke("Thanks")

        assert ("friendly", 1_000) == (outcome.answer, outcome.cost)
        assert ["friendly", "angry"] == await chain.abatch([{"text": "Thanks"}, "No!"])


def test_a_synchronous_program_uses_both() -> None:
    with atomic.open_sync(MEMORY, bidders=[reader()]) as market:
        assert "angry" == runnable(market, mood).invoke("No!").answer
        assert "friendly" == tool(market, mood).invoke({"text": "Thanks"})


async def test_a_microtask_is_a_tool_whose_artifact_is_the_outcome() -> None:
    async with atomic.open(MEMORY, bidders=[reader()]) as market:
        made = tool(market, mood)
        call = {"name": "mood", "args": {"text": "Thanks"}, "id": "c1", "type": "tool_call"}
        message = await made.ainvoke(call)

    assert isinstance(message, ToolMessage)
    assert ("friendly", "reader+plain") == (message.content, message.artifact.winner)
    assert {"text"} == set(made.args)
    assert mood.instruction == made.description


async def test_an_async_market_says_so_when_it_is_invoked() -> None:
    async with atomic.open(MEMORY) as market:
        with pytest.raises(atomic.AtomicError, match="ainvoke it"):
            ChatAtomic(market=market).invoke([HumanMessage("hello")])


def test_tokens_are_told_as_langchain_counts_them() -> None:
    from atomic.integrations.langchain import _used

    used = _used(Usage(prompt_tokens=3, completion_tokens=4))
    assert 7 == AIMessage(content="", usage_metadata=used).usage_metadata["total_tokens"]  # type: ignore[index]

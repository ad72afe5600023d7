"""LangChain against the server: by its own standard tests for chat models, and as its users would write it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from pydantic import BaseModel

from atomic.blocking import Door
from atomic.protocols import Profile
from atomic.records.conversation import Conversation
from atomic.records.microtask import Ask
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

JOKE: Any = {"properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}}}


def script(ask: Ask) -> Line | object:
    """A model that calls the first tool with whatever fits its schema, once, and else tells a tale."""
    conversation: Conversation = ask.arguments["conversation"]
    asked = conversation.messages[-1]["role"] == "user" and conversation.settings.get("tool_choice") != "none"
    if conversation.tools and asked:
        function: Any = conversation.tools[0]["function"]
        arguments = filled(function.get("parameters", {})) | quoted(conversation)
        return {"calls": [{"id": "call_1", "name": function["name"], "arguments": dumped(arguments)}]}
    if form := conversation.form:
        return {"text": dumped(filled(form.get("json_schema", {}).get("schema", JOKE)))}
    pieces = ["Once ", "upon ", "a time"]
    return Line(answer={"text": "".join(pieces)}, says=pieces)


def filled(schema: dict[str, Any]) -> Any:
    """Something that fits a schema."""
    known = {"integer": 3, "number": 3.0, "boolean": True, "string": "cats", "array": []}
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return {name: filled(one) for name, one in schema["properties"].items()}
    return known.get(str(schema.get("type")), "cats")


def quoted(conversation: Conversation) -> dict[str, str]:
    """What a model would take over from a question that quotes Chinese."""
    found = re.search(r"[\u3040-\u30ff\u4e00-\u9fff]{3,}", conversation.text)
    return {"customer_name": found.group(0)} if found else {}


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="module", autouse=True)
def url() -> Iterator[str]:
    door = Door()
    profile = Profile(name="poet", kind="scripted", converses=True)
    running = serving(bidders=[ScriptedBidder("poet", script, profile=profile)])
    try:
        TestChatModel.url = door.wait(running.__aenter__())
        yield TestChatModel.url
        door.wait(running.__aexit__(None, None, None))
    finally:
        door.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.asyncio(loop_scope="class")  # it keeps one client for all
class TestChatModel(ChatModelIntegrationTests):
    """The standard tests: invoke, stream, batch, tools, structured output, usage."""

    url = ""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "poet",
            "base_url": f"{self.url}/v1",
            "api_key": "none",
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def supports_json_mode(self) -> bool:
        return True


@tool
def weather(city: str) -> str:
    """How warm it is somewhere."""
    return f"warm in {city}"


class Joke(BaseModel):
    setup: str
    punchline: str


@pytest.fixture
def model(url: str) -> ChatOpenAI:
    return ChatOpenAI(model="atomic/auto", base_url=f"{url}/v1", api_key="none", max_retries=0)  # type: ignore[arg-type]


def test_a_chain_runs(model: ChatOpenAI) -> None:
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")]) | model

    assert "Once upon a time" == chain.invoke({"question": "A tale!"}).content


def test_tools_are_called_and_their_results_go_back(model: ChatOpenAI) -> None:
    able = model.bind_tools([weather])
    asked: list[Any] = [HumanMessage("How warm is it?")]
    called = able.invoke(asked)
    result = weather.invoke(called.tool_calls[0])

    assert "warm in cats" == result.content
    assert "Once upon a time" == able.invoke([*asked, called, result]).content


def test_structured_output_is_of_its_type(model: ChatOpenAI) -> None:
    assert Joke(setup="cats", punchline="cats") == model.with_structured_output(Joke).invoke("A joke about cats")


def test_the_stream_comes_in_pieces(model: ChatOpenAI) -> None:
    assert ["Once ", "upon ", "a time"] == [one.content for one in model.stream("A tale!") if one.content]
    assert threading.active_count() < 50

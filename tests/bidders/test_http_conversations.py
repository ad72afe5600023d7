"""Conversations and types in every dialect: what is sent, and what comes back."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

import pytest

pytest.importorskip("aiohttp")

from pydantic import BaseModel, Field
from tests.bidders.hosted import DIALECTS, hosted, sketch_of

from atomic.bidders.anthropic_messages import ANTHROPIC_FORMAT, ANTHROPIC_TOOL
from atomic.bidders.chat_completions import LLAMA_CHAT, OPENAI_CHAT, VLLM_CHAT
from atomic.bidders.gemini import GEMINI
from atomic.bidders.http_dialect import Dialect
from atomic.bidders.ollama import OLLAMA
from atomic.bidders.openai_responses import OPENAI_RESPONSES
from atomic.output import typed
from atomic.protocols import Sketch
from atomic.records.attempt import GO_ON, Message, Plan
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.conversation import Conversation, Spoken, ToolCall
from atomic.records.microtask import Ask, microtask
from atomic.testing import PLAYS, ModelServer, ask_for, model_server

PIXEL = "iVBORw0KGgo="
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    },
}
BODY: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c7", "type": "function", "function": {"name": "look", "arguments": '{"at":"it"}'}}],
        },
        {"role": "tool", "tool_call_id": "c7", "content": "a red dot"},
    ],
    "tools": [TOOL],
    "tool_choice": "auto",
    "temperature": 0.3,
    "stop": ["END"],
    "max_tokens": 99,
}
TOLD = "a red dot"


@microtask(worth="$0.01")
async def chat(conversation: Conversation) -> Spoken:
    """Go on with this conversation."""
    raise NotImplementedError


class Invoice(BaseModel):
    """An invoice."""

    number: str = Field(max_length=9)
    kind: Literal["bill", "reminder"] = "bill"
    cents: int | None = None


@microtask(worth="$0.01")
async def invoice(text: str) -> Invoice:
    """What does this invoice say?"""
    raise NotImplementedError


def asking(**changes: Any) -> Ask:
    return ask_for(chat(Conversation.of({**BODY, **changes})))


THROUGH = Plan(bidder="far", tactic="conversation", max_tokens=99)
PLAN = Plan(bidder="far", tactic="plain", messages=(Message(role="user", content="No. 7"),), max_tokens=99)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server(answer="It is a red dot.") as running:
        yield running


async def sent(server: ModelServer, ask: Ask, plan: Plan, dialect: Dialect, **changes: Any) -> dict[str, Any]:
    """The body of the only request."""
    model = hosted(server, dialect=dialect, stream=False, **changes)
    await model.attempt(ask, plan)
    await model.close()
    (asked,) = server.asked
    return asked.body


async def test_chat_completions_get_a_conversation_unchanged(server: ModelServer) -> None:
    body = await sent(server, asking(x_vendor={"deep": [1]}), THROUGH, DIALECTS["chat completions"])

    assert {**BODY, "model": "whole", "x_vendor": {"deep": [1]}} == body


async def test_messages_get_it_as_blocks(server: ModelServer) -> None:
    body = await sent(server, asking(), THROUGH, DIALECTS["messages"])

    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    assert "Be brief." == body["system"]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c7", "name": "look", "input": {"at": "it"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c7", "content": TOLD}]},
    ]
    assert body["tools"] == [{"name": "look", "description": "Looks.", "input_schema": TOOL["function"]["parameters"]}]  # type: ignore[index]
    assert ({"type": "auto"}, 0.3, ["END"], 99) == (
        body["tool_choice"],
        body["temperature"],
        body["stop_sequences"],
        body["max_tokens"],
    )


async def test_responses_get_it_as_items(server: ModelServer) -> None:
    body = await sent(server, asking(), THROUGH, OPENAI_RESPONSES)

    assert ("Be brief.", 99, False) == (body["instructions"], body["max_output_tokens"], body["store"])
    assert body["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
            ],
        },
        {"type": "function_call", "call_id": "c7", "name": "look", "arguments": '{"at":"it"}'},
        {"type": "function_call_output", "call_id": "c7", "output": TOLD},
    ]
    assert ("look", "auto") == (body["tools"][0]["name"], body["tool_choice"])


async def test_gemini_gets_it_as_contents(server: ModelServer) -> None:
    body = await sent(server, asking(), THROUGH, GEMINI)

    assert {"parts": [{"text": "Be brief."}]} == body["systemInstruction"]
    assert body["contents"] == [
        {
            "role": "user",
            "parts": [{"text": "What is this?"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}],
        },
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"at": "it"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"result": TOLD}}}]},
    ]
    assert {"maxOutputTokens": 99, "temperature": 0.3, "stopSequences": ["END"]} == body["generationConfig"]
    (declared,) = body["tools"][0]["functionDeclarations"]
    assert ("look", "OBJECT") == (declared["name"], declared["parameters"]["type"])
    assert {"functionCallingConfig": {"mode": "AUTO"}} == body["toolConfig"]


async def test_ollama_gets_it_with_images_beside_the_text(server: ModelServer) -> None:
    body = await sent(server, asking(), THROUGH, OLLAMA)

    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is this?", "images": [PIXEL]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "look", "arguments": {"at": "it"}}}],
        },
        {"role": "tool", "content": TOLD, "tool_name": "look"},
    ]
    assert {"num_predict": 99, "temperature": 0.3, "stop": ["END"]} == body["options"]
    assert [TOOL] == body["tools"]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_text_and_a_called_tool_come_back_and_the_text_is_heard(
    server: ModelServer, dialect: str, stream: bool
) -> None:
    heard: list[Any] = []
    told = hosted(server, dialect=DIALECTS[dialect], stream=stream)
    calling = hosted(server, "tool-call", dialect=DIALECTS[dialect], stream=stream)

    text = await told.attempt(replace(asking(), hear=heard.append), THROUGH)
    pieces: list[Any] = []
    calls = await calling.attempt(replace(asking(), hear=pieces.append), THROUGH)
    await told.close()
    await calling.close()

    assert Spoken(text="It is a red dot.") == text.value
    assert text.value.text == "".join(heard)
    assert not stream or len(heard) > 1
    assert isinstance(calls.value, Spoken)
    (call,) = calls.value.calls
    assert ("look", {"at": "it"}) == (call.name, json.loads(call.arguments))
    assert call.id
    assert (call.id, call.name) == (pieces[0].id, pieces[0].name)
    assert call.arguments == "".join(one.arguments for one in pieces)
    assert not stream or dialect in ("gemini", "ollama") or len(pieces) > 2


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("play", [name for name, one in PLAYS.items() if one.reason and name != "tool-call"])
async def test_no_play_that_fails_goes_on_with_a_conversation(
    server: ModelServer, play: str, dialect: str, stream: bool
) -> None:
    model = hosted(server, play, dialect=DIALECTS[dialect], stream=stream, stall_seconds=0.2)
    ask = replace(asking(max_tokens=None), time_left_ns=400_000_000 if play == "stalled" else 60_000_000_000)

    reply = await model.attempt(ask, THROUGH)
    await model.close()

    assert reply.reason is not None
    assert reply.value is None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_callers_own_limit_may_end_it_and_then_it_says_so(server: ModelServer, dialect: str) -> None:
    model = hosted(server, "length", dialect=DIALECTS[dialect])

    reply = await model.attempt(asking(), THROUGH)
    await model.close()

    assert isinstance(reply.value, Spoken)
    assert "length" == reply.value.ended


async def test_json_that_was_asked_for_and_did_not_come_is_no_answer(server: ModelServer) -> None:
    model = hosted(server)

    reply = await model.attempt(asking(response_format={"type": "json_object"}), THROUGH)
    await model.close()

    assert Reason.NOT_THE_TYPE is reply.reason


@pytest.mark.parametrize(("changes", "why"), [({"images": False}, "images"), ({"tools": False}, "tools")])
def test_a_model_without_images_or_tools_makes_no_bid_that_says_so(changes: dict[str, Any], why: str) -> None:
    model = hosted(ModelServer(), base_url="http://127.0.0.1:1", **changes)

    found = model.offer(asking(), Sketch(tactic="conversation", prompt_characters=10, max_tokens=9))

    assert isinstance(found, NoBid)
    assert why in found.detail


@pytest.mark.parametrize("dialect", [GEMINI, OLLAMA], ids=["gemini", "ollama"])
async def test_what_a_dialect_has_no_words_for_is_not_sent(server: ModelServer, dialect: Dialect) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/secret.png"}}
    ask = asking(messages=[{"role": "user", "content": [image]}])
    model = hosted(server, dialect=dialect)

    reply = await model.attempt(ask, THROUGH)
    await model.close()

    assert (Reason.TYPE_NOT_SUPPORTED, []) == (reply.reason, server.asked)
    assert "secret" not in reply.detail


async def test_settings_that_were_not_said_are_told(server: ModelServer) -> None:
    model = hosted(server, dialect=DIALECTS["messages"])

    reply = await model.attempt(asking(logit_bias={}, seed=7), THROUGH)
    await model.close()

    assert "not said to the endpoint: logit_bias, seed" in reply.detail


SAYS: dict[str, tuple[Dialect, Any]] = {
    "openai": (OPENAI_CHAT, lambda body: body["response_format"]["json_schema"]["schema"]),
    "responses": (OPENAI_RESPONSES, lambda body: body["text"]["format"]["schema"]),
    "anthropic tool": (ANTHROPIC_TOOL, lambda body: body["tools"][0]["input_schema"]),
    "anthropic format": (ANTHROPIC_FORMAT, lambda body: body["output_config"]["format"]["schema"]),
    "gemini": (GEMINI, lambda body: body["generationConfig"]["responseSchema"]),
    "vllm": (VLLM_CHAT, lambda body: body["structured_outputs"]["json"]),
    "llama.cpp": (LLAMA_CHAT, lambda body: body["response_format"]["json_schema"]["schema"]),
    "ollama": (OLLAMA, lambda body: body["format"]),
}


@pytest.mark.parametrize("name", SAYS)
async def test_a_type_is_said_in_the_dialects_own_place(server: ModelServer, name: str) -> None:
    dialect, place = SAYS[name]

    schema = place(await sent(server, ask_for(invoice("No. 7")), PLAN, dialect))

    required = {"number", "kind", "cents"} if name in ("openai", "responses") else {"number"}
    assert required == set(schema["required"])
    assert ["number", "kind", "cents"] == list(schema["properties"])


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("name", SAYS)
async def test_what_was_held_is_read_as_the_type_and_what_was_not_is_told(name: str, stream: bool) -> None:
    dialect = SAYS[name][0]
    null = ', "cents": null' if name in ("openai", "responses") else ""
    async with model_server(answer=f'{{"number": "7", "kind": "bill"{null}}}') as server:
        server.play = replace(PLAYS["tool-call"], tool="answer", text=server.answer) if dialect.form_tool else None
        model = hosted(server, dialect=dialect, stream=stream)
        reply = await model.attempt(ask_for(invoice("No. 7")), PLAN)
        await model.close()

    assert Invoice(number="7") == typed(invoice, reply.value)
    assert "held to its type by the endpoint" in reply.detail
    assert ("maxLength" in reply.detail) == (name in ("openai", "responses", "anthropic tool", "anthropic format"))


async def test_a_type_that_the_dialect_has_not_is_asked_for_in_words_alone_and_told(server: ModelServer) -> None:
    @microtask(worth="$0.01")
    async def words(text: str) -> dict[str, int]:
        """How often is each word said?"""
        raise NotImplementedError

    server.answer = '```json\n{"a": 1}\n```'
    model = hosted(server, dialect=OPENAI_CHAT)
    reply = await model.attempt(ask_for(words("a")), PLAN)
    await model.close()

    assert "response_format" not in server.asked[0].body
    assert "not held to its type: it has no objects with any keys" in reply.detail
    assert {"a": 1} == typed(words, reply.value)


async def test_free_decoding_and_labels_are_not_held(server: ModelServer) -> None:
    body = await sent(server, ask_for(invoice("No. 7")), replace(PLAN, free=True), OPENAI_CHAT)

    assert "response_format" not in body


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_who_goes_on_is_shown_what_was_said_and_where_it_would_not_go_on_by_itself_is_asked_to(
    server: ModelServer, dialect: str
) -> None:
    plan = replace(PLAN, begun="It is a ")
    body = await sent(server, ask_for(invoice("No. 7")), plan, DIALECTS[dialect])
    said = json.dumps(body)

    assert "It is a" in said
    assert (GO_ON in said) == (dialect != "ollama")


async def test_servers_that_can_are_made_to_go_on_in_their_own_words(server: ModelServer) -> None:
    body = await sent(server, ask_for(invoice("No. 7")), replace(PLAN, begun="It is a "), VLLM_CHAT)

    assert {"role": "assistant", "content": "It is a"} == body["messages"][-1]
    assert (False, True) == (body["add_generation_prompt"], body["continue_final_message"])


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_densest_bill_of_a_held_or_begun_answer_stays_within_its_ceiling(
    server: ModelServer, dialect: str
) -> None:
    ask = asking(response_format={"type": "json_schema", "json_schema": {"schema": Invoice.model_json_schema()}})
    talk = ask.conversation
    assert talk is not None
    model = hosted(server, "dense", dialect=DIALECTS[dialect])
    size = Sketch(tactic="conversation", prompt_characters=300, max_tokens=99, prompt_bytes=talk.size, messages=4)
    offer = model.offer(ask, size)
    server.answer = "{}"

    reply = await model.attempt(ask, THROUGH)
    await model.close()

    assert isinstance(offer, Offer)
    assert 0 < reply.price <= offer.ceiling


FORM = {"type": "json_schema", "json_schema": {"name": "invoice", "schema": Invoice.model_json_schema()}}


@pytest.mark.parametrize("name", SAYS)
async def test_a_conversation_that_asks_for_json_gets_it_as_its_text_in_every_dialect(name: str) -> None:
    dialect = SAYS[name][0]
    null = ', "cents": null' if name == "responses" else ""
    ask = asking(tools=None, tool_choice=None, response_format=FORM)
    async with model_server(answer=f'{{"number": "7", "kind": "bill"{null}}}') as server:
        server.play = replace(PLAYS["tool-call"], tool="answer", text=server.answer) if dialect.form_tool else None
        model = hosted(server, dialect=dialect)
        reply = await model.attempt(ask, THROUGH)
        await model.close()

    assert isinstance(reply.value, Spoken)
    assert Invoice(number="7") == Invoice.model_validate_json(reply.value.text)
    assert () == reply.value.calls


async def test_the_conversations_tools_are_not_given_up_for_the_form_of_its_answer(server: ModelServer) -> None:
    body = await sent(server, asking(response_format=FORM), THROUGH, ANTHROPIC_TOOL)

    assert ["look"] == [one["name"] for one in body["tools"]]
    assert {"type": "auto"} == body["tool_choice"]
    assert "fits this JSON schema" in body["system"]


def test_two_tool_calls_are_one_where_only_their_ids_differ() -> None:
    calls = [ToolCall(id=one, name="look", arguments="{}") for one in ("a", "b")]

    assert calls[0] != calls[1]
    assert sketch_of(PLAN).messages == 1

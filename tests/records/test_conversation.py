"""Conversations: what is one, how large it is, and when two answers to it are one."""

from typing import Any

import pytest

from atomic.errors import TaskError
from atomic.output import canonical_key
from atomic.records.conversation import IMAGE_BYTES, Conversation, Spoken, ToolCall
from atomic.records.microtask import microtask

HI: dict[str, Any] = {"role": "user", "content": "Hi"}
PICTURE: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 500_000}}


@microtask(worth="$0.01")
async def chat(conversation: Conversation) -> Spoken:
    """Go on."""
    raise NotImplementedError


def test_a_body_keeps_what_was_asked_for_but_the_model_and_the_stream() -> None:
    body = {"model": "m", "stream": True, "messages": [HI], "temperature": 0.5, "x_vendor": {"a": 1}, "stop": None}

    assert {"temperature": 0.5, "x_vendor": {"a": 1}} == Conversation.of(body).settings


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "role is one of"),
        ({"messages": [{"role": "user", "content": 7}]}, "content is a text"),
        ({"messages": [HI], "n": 2}, "one answer"),
        ({"messages": [HI], "logprobs": True}, "logprobs"),
        ({"messages": "secret"}, "messages"),
    ],
)
def test_what_is_no_conversation_is_refused_with_what_is_wrong_and_without_its_text(
    body: dict[str, Any], said: str
) -> None:
    with pytest.raises(TaskError, match=said) as raised:
        Conversation.of(body)

    assert "secret" not in str(raised.value)


def test_a_reader_sees_texts_calls_and_that_there_is_an_image() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Look:"}, PICTURE]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    talk = Conversation.of({"messages": messages})

    assert 'user: Look: [image_url]\nassistant: add({"a":1})' == chat(talk).text


def test_an_image_counts_the_same_however_large_its_file_is() -> None:
    small = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    sizes = [Conversation.of({"messages": [{"role": "user", "content": [one]}]}).size for one in (small, PICTURE)]

    assert sizes[0] == sizes[1] > IMAGE_BYTES


@pytest.mark.parametrize(
    ("changes", "plain"),
    [
        ({}, True),
        ({"tools": ({"type": "function"},)}, False),
        ({"settings": {"response_format": {"type": "json_object"}}}, False),
    ],
)
def test_it_is_plain_where_there_is_nothing_but_texts(changes: dict[str, Any], plain: bool) -> None:
    assert plain == Conversation(messages=(HI,), **changes).plain


def test_two_answers_are_one_where_they_call_the_same_whatever_the_ids() -> None:
    def calling(number: str, arguments: str) -> bytes:
        return canonical_key(chat, Spoken(calls=(ToolCall(id=number, name="add", arguments=arguments),)))

    assert calling("1", '{"a": 1, "b": 2}') == calling("2", '{"b":2,"a":1}') != calling("1", '{"a": 2}')

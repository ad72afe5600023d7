"""Conversations: messages, tools and settings that pass through the market as they are, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator

from atomic.errors import TaskError
from atomic.records.canonical import sorted_json

ROLES = ("system", "developer", "user", "assistant", "tool")
_OURS = frozenset({"messages", "tools", "model", "stream", "stream_options"})  # of a body: not settings of it
IMAGES = frozenset({"image_url", "input_image", "image"})
IMAGE_BYTES = 40_000  # that an image counts for: as many tokens as any endpoint makes of one, and as few as it reads


class ToolCall(BaseModel):
    """A tool that a model wants called. `arguments` is JSON as the model wrote it; two are equal whatever their ids."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a tool call while it is said: the first of a `place` names the tool, and each adds to its arguments.

    A call has ended once another has begun.
    """

    place: int
    id: str = ""
    name: str = ""
    arguments: str = ""


Piece = str | CallPiece  # of what is said to who reads along: of its text, or of a call of a tool


class Spoken(BaseModel):
    """What came of a conversation: text, tool calls, or both.

    `ended` "length" says that the caller's own limit on tokens ended it, which is as it was asked for.
    """

    model_config = ConfigDict(frozen=True)

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    ended: Literal["stop", "length"] = "stop"


class Conversation(BaseModel):
    """A conversation to be gone on with, in the form of OpenAI's chat completions, as JSON.

    `messages` and `tools` are as a caller sent them, so that a bidder which speaks that form gets them unchanged, and
    others what their form can say. `settings` is everything else that was asked for (`temperature`, `stop`,
    `tool_choice`, `response_format`, …). A microtask that takes one and returns `Spoken` passes conversations through.

    >>> asked = Conversation(messages=[{"role": "user", "content": "Hi"}], settings={"temperature": 0.5})
    >>> asked.text, asked.limit
    ('user: Hi', None)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[dict[str, JsonValue], ...]
    tools: tuple[dict[str, JsonValue], ...] = ()
    settings: dict[str, JsonValue] = {}

    @field_validator("messages")
    @classmethod
    def _are_messages(cls, messages: tuple[dict[str, JsonValue], ...]) -> tuple[dict[str, JsonValue], ...]:
        if not messages:
            raise ValueError("a conversation has at least one message")
        for number, one in enumerate(messages):
            if one.get("role") not in ROLES:
                raise ValueError(f"messages.{number}: role is one of {', '.join(ROLES)}")
            if not _is_content(one.get("content")):
                raise ValueError(f"messages.{number}: content is a text, null, or a list of objects with a type")
        return messages

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Conversation:
        """The conversation in the body of a request for chat completions; the model and the stream are the caller's.

        Raises TaskError for what is no conversation, and for what no answer of the market has (`n`, `logprobs`).
        """
        if body.get("n") not in (None, 1):
            raise TaskError("n: the market buys one answer", hint="ask again for another")
        if body.get("logprobs"):
            raise TaskError("logprobs: answers of the market have none", hint="leave it out")
        settings = {name: value for name, value in body.items() if name not in _OURS and value is not None}
        try:
            return cls(messages=body.get("messages") or (), tools=body.get("tools") or (), settings=settings)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:3])
            raise TaskError(f"no conversation: {said}") from None  # without its values: an error is logged

    @cached_property
    def text(self) -> str:
        """What a reader would see of it: a line for each message; of an image, that it is one."""
        return "\n".join(f"{one['role']}: {text_of(one)}" for one in self.messages)

    @property
    def limit(self) -> int | None:
        """The most tokens that the caller wants; None where nothing was said."""
        for name in ("max_completion_tokens", "max_tokens"):
            said = self.settings.get(name)
            if isinstance(said, int) and not isinstance(said, bool) and said > 0:
                return said
        return None

    @property
    def form(self) -> Mapping[str, Any]:
        """What `response_format` asks for; empty where it asks for nothing but text."""
        said = self.settings.get("response_format")
        return said if isinstance(said, dict) and said.get("type") not in (None, "text") else {}

    @cached_property
    def size(self) -> int:
        """Its bytes as JSON, tools included; an image counts as `IMAGE_BYTES`, however large its file is.

        That is how many tokens it may come to at most: a token spells at least one byte.
        """
        seen = [{**one, "content": [_seen(part) for part in parts_of(one)]} for one in self.messages]
        return len(sorted_json([seen, self.tools, self.form])) + IMAGE_BYTES * self.images

    @cached_property
    def images(self) -> int:
        """How many images it shows."""
        return sum(part.get("type") in IMAGES for one in self.messages for part in parts_of(one))

    @property
    def offers(self) -> bool:
        """Whether it offers tools."""
        return bool(self.tools or self.settings.get("functions"))

    @cached_property
    def plain(self) -> bool:
        """Whether it is texts alone and asks for nothing but a text: a model without tools or images can go on."""
        asks = bool(self.tools or self.form or self.settings.get("tools"))
        return not asks and not self.images and not any(one["role"] == "tool" for one in self.messages)


def parts_of(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a message's content; a text is one part."""
    content = message.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list | tuple):
        yield from (part for part in content if isinstance(part, dict))


def _seen(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return {} if part.get("type") in IMAGES else part


def text_of(message: Mapping[str, Any]) -> str:
    """A message as a reader would see it.

    >>> text_of({"content": [{"type": "text", "text": "Who"}, {"type": "image_url", "image_url": {"url": "data:"}}]})
    'Who [image_url]'
    """
    said = [str(part["text"]) if "text" in part else f"[{part.get('type', '')}]" for part in parts_of(message)]
    for call in message.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            said.append(f"{function.get('name', '')}({function.get('arguments', '')})")
    return " ".join(said)


def _is_content(content: object) -> bool:
    if content is None or isinstance(content, str):
        return True
    return isinstance(content, list) and all(
        isinstance(one, dict) and isinstance(one.get("type"), str) for one in content
    )

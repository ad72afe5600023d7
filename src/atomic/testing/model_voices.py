"""The model server's dialects: a play as JSON in one piece, and as the events of a stream. Here the first two."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from atomic.testing.model_plays import Ending, Play

Event = tuple[str, str]  # name ("" for none) and data


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a reply reports: `cached` and `written` are part of the prompt, `reasoning` of the completion."""

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0


class Voice(Protocol):
    """A dialect as the server speaks it; where it has no events, a stream comes as lines of JSON."""

    key_header: str
    lines: bool

    def texts(self, body: dict[str, Any]) -> list[str]:
        """The texts of a prompt, one for each message."""
        ...

    def limit(self, body: dict[str, Any]) -> int:
        """The most tokens of the completion."""
        ...

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """A reply in one piece."""
        ...

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """A stream's events: those up to the last piece of text, and those of the end."""
        ...

    def error(self) -> Event:
        """An error in the middle of a stream; its data is also the body of an error in place of a reply."""
        ...


class ChatVoice:
    """OpenAI-compatible chat completions."""

    key_header = "authorization"
    lines = False
    _ENDINGS: ClassVar[Mapping[Ending, str]] = {
        "whole": "stop",
        "length": "length",
        "filter": "content_filter",
        "other": "tool_calls",
        "calls": "tool_calls",
    }

    def texts(self, body: dict[str, Any]) -> list[str]:
        """Each message's."""
        return [words_in(one.get("content")) for one in body["messages"]]

    def limit(self, body: dict[str, Any]) -> int:
        """By either name."""
        return int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """One choice with one message."""
        refused = play.ending == "refusal"
        message: dict[str, Any] = {"role": "assistant", "content": None if refused else text}
        if refused:
            message["refusal"] = text
        if play.tool:
            message = {"role": "assistant", "content": None, "tool_calls": [_chat_call(play.tool, text)]}
        choice = {"index": 0, "message": message, "finish_reason": self._ended(play)}
        named = {"id": "r1", "object": "chat.completion", "created": 0, "model": "stand-in"}  # which some clients need
        return {**named, "choices": [choice], **({"usage": _chat_usage(tokens)} if tokens else {})}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """A role, a chunk for each piece; then the finish reason, the usage, `[DONE]`."""
        field = "refusal" if play.ending == "refusal" else "content"
        begun = [_chat_chunk({"role": "assistant", "content": ""}), *(_chat_chunk({field: one}) for one in pieces)]
        if play.tool:
            calls = [_chat_call(play.tool, ""), *({"index": 0, "function": {"arguments": one}} for one in pieces)]
            begun = [_chat_chunk({"tool_calls": [one]}) for one in calls]
        ended = [_chat_chunk({}, self._ended(play))] if play.ending else []
        if tokens:
            ended.append(("", json.dumps({"choices": [], "usage": _chat_usage(tokens)})))
        return begun, [*ended, *([("", "[DONE]")] if play.last else [])]

    def error(self) -> Event:
        """Without a name, as servers of this dialect do."""
        return "", json.dumps({"error": {"type": "server_error", "message": "the input, quoted"}})

    def _ended(self, play: Play) -> str | None:
        return None if play.ending is None else self._ENDINGS.get(play.ending, "stop")


class MessagesVoice:
    """Anthropic's Messages."""

    key_header = "x-api-key"
    lines = False
    _ENDINGS: ClassVar[Mapping[Ending, str]] = {
        "calls": "tool_use",
        "whole": "end_turn",
        "length": "max_tokens",
        "refusal": "refusal",
        "filter": "refusal",
        "other": "pause_turn",
    }

    def texts(self, body: dict[str, Any]) -> list[str]:
        """Each message's, and the system's."""
        return [words_in(one.get("content")) for one in body["messages"]] + [words_in(body.get("system"))]

    def limit(self, body: dict[str, Any]) -> int:
        """Which must be said."""
        return int(body.get("max_tokens") or 0)

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """One message with one block of text."""
        content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
        content.append({"type": "text", "text": text})
        if play.tool:
            content[1] = {"type": "tool_use", "id": "c1", "name": play.tool, "input": json.loads(text)}
        said = {"type": "message", "role": "assistant", "content": content, "stop_reason": self._ended(play)}
        return {**said, **({"usage": _input(tokens) | {"output_tokens": tokens.completion}} if tokens else {})}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """The message's start with the input's usage, a block; then the stop reason with the output's, the stop."""
        usage = {"usage": _input(tokens) | {"output_tokens": 1}} if tokens else {}
        start: dict[str, Any] = {"type": "message", "role": "assistant", "content": [], "stop_reason": None, **usage}
        begun = [
            named({"type": "message_start", "message": start}),
            named({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            named({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            named({"type": "content_block_stop", "index": 0}),
        ]
        block: dict[str, Any] = {"type": "text", "text": ""}
        if play.tool:
            block = {"type": "tool_use", "id": "c1", "name": play.tool, "input": {}}
        begun.append(named({"type": "content_block_start", "index": 1, "content_block": block}))
        for one in pieces:
            delta = {"type": "text_delta", "text": one}
            if play.tool:
                delta = {"type": "input_json_delta", "partial_json": one}
            begun.append(named({"type": "content_block_delta", "index": 1, "delta": delta}))
        ended = [named({"type": "content_block_stop", "index": 1})]
        if play.ending:
            used = {"usage": {"output_tokens": tokens.completion}} if tokens else {}
            ended.append(named({"type": "message_delta", "delta": {"stop_reason": self._ended(play)}, **used}))
        if play.ending and play.last:
            ended.append(named({"type": "message_stop"}))
        return begun, ended

    def error(self) -> Event:
        """Named, with the type that says so."""
        return named({"type": "error", "error": {"type": "api_error", "message": "the input, quoted"}})

    def _ended(self, play: Play) -> str | None:
        return None if play.ending is None else self._ENDINGS[play.ending]


def named(said: dict[str, Any]) -> Event:
    """An event that has its type as its name."""
    return str(said["type"]), json.dumps(said, ensure_ascii=False)


def _chat_chunk(delta: dict[str, Any], ended: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": ended}
    return "", json.dumps({"object": "chat.completion.chunk", "choices": [choice]}, ensure_ascii=False)


def _chat_usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def _input(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.prompt - tokens.cached - tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.written,
    }


def _chat_call(name: str, arguments: str) -> dict[str, Any]:
    return {"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}


def words_in(content: Any) -> str:
    """All texts of a message, whatever form its content has."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return "".join(words_in(one) for key, one in content.items() if key not in ("type", "role"))
    return "".join(words_in(one) for one in content) if isinstance(content, list) else ""

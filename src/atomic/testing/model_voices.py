"""The model server's two dialects: a play as JSON in one piece, and as the events of a stream."""

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
    """A dialect as the server speaks it."""

    key_header: str

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
    _ENDINGS: ClassVar[Mapping[Ending, str]] = {
        "whole": "stop",
        "length": "length",
        "filter": "content_filter",
        "other": "tool_calls",
    }

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """One choice with one message."""
        refused = play.ending == "refusal"
        message = {"role": "assistant", "content": None if refused else text, "refusal": text if refused else None}
        choice = {"index": 0, "message": message, "finish_reason": self._ended(play)}
        return {"object": "chat.completion", "choices": [choice], **({"usage": _chat_usage(tokens)} if tokens else {})}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """A role, a chunk for each piece; then the finish reason, the usage, `[DONE]`."""
        field = "refusal" if play.ending == "refusal" else "content"
        begun = [_chat_chunk({"role": "assistant", "content": ""}), *(_chat_chunk({field: one}) for one in pieces)]
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
    _ENDINGS: ClassVar[Mapping[Ending, str]] = {
        "whole": "end_turn",
        "length": "max_tokens",
        "refusal": "refusal",
        "filter": "refusal",
        "other": "pause_turn",
    }

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """One message with one block of text."""
        content = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": text}]
        said = {"type": "message", "role": "assistant", "content": content, "stop_reason": self._ended(play)}
        return {**said, **({"usage": _input(tokens) | {"output_tokens": tokens.completion}} if tokens else {})}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """The message's start with the input's usage, a block; then the stop reason with the output's, the stop."""
        usage = {"usage": _input(tokens) | {"output_tokens": 1}} if tokens else {}
        start: dict[str, Any] = {"type": "message", "role": "assistant", "content": [], "stop_reason": None, **usage}
        begun = [
            _named({"type": "message_start", "message": start}),
            _named({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            _named({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            _named({"type": "content_block_stop", "index": 0}),
            _named({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        ]
        for one in pieces:
            delta = {"type": "text_delta", "text": one}
            begun.append(_named({"type": "content_block_delta", "index": 1, "delta": delta}))
        ended = [_named({"type": "content_block_stop", "index": 1})]
        if play.ending:
            used = {"usage": {"output_tokens": tokens.completion}} if tokens else {}
            ended.append(_named({"type": "message_delta", "delta": {"stop_reason": self._ended(play)}, **used}))
        if play.ending and play.last:
            ended.append(_named({"type": "message_stop"}))
        return begun, ended

    def error(self) -> Event:
        """Named, with the type that says so."""
        return _named({"type": "error", "error": {"type": "api_error", "message": "the input, quoted"}})

    def _ended(self, play: Play) -> str | None:
        return None if play.ending is None else self._ENDINGS[play.ending]


def _named(said: dict[str, Any]) -> Event:
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


VOICES: dict[str, Voice] = {"/chat/completions": ChatVoice(), "/messages": MessagesVoice()}

"""The model server's further dialects: OpenAI's responses, Gemini, and Ollama's lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from atomic.testing.model_plays import Ending, Play
from atomic.testing.model_voices import ChatVoice, Event, MessagesVoice, Tokens, Voice, named, words_in


class ResponsesVoice:
    """OpenAI's responses."""

    key_header = "authorization"
    lines = False

    def texts(self, body: dict[str, Any]) -> list[str]:
        """Each item's, and the instructions."""
        return [words_in(one.get("content")) for one in body["input"]] + [str(body.get("instructions") or "")]

    def limit(self, body: dict[str, Any]) -> int:
        """By its name here."""
        return int(body.get("max_output_tokens") or 0)

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """A thought and a message."""
        item: dict[str, Any] = {"type": "message", "role": "assistant", "content": [_part(play, text)]}
        if play.tool:
            item = {"type": "function_call", "call_id": "c1", "name": play.tool, "arguments": text}
        output = [{"type": "reasoning", "summary": []}, item]
        return {"object": "response", "error": None, "output": output, **_status(play), **_used(tokens)}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """What was created, a delta for each piece; then the item that is done, and the whole response."""
        begun = [named({"type": "response.created", "response": {"status": "in_progress"}})]
        kind = "response.refusal.delta" if play.ending == "refusal" else "response.output_text.delta"
        kind = "response.function_call_arguments.delta" if play.tool else kind
        if play.tool:
            called = {"type": "function_call", "call_id": "c1", "name": play.tool, "arguments": ""}
            begun.append(named({"type": "response.output_item.added", "output_index": 1, "item": called}))
        begun += [named({"type": kind, "output_index": 1, "delta": one}) for one in pieces]
        whole = self.whole(play, "".join(pieces), tokens)
        item = {"type": "response.output_item.done", "output_index": 1, "item": whole["output"][1]}
        done = {"incomplete": "response.incomplete"}.get(str(whole.get("status")), "response.completed")
        ended = [named(item), *([named({"type": done, "response": whole})] if play.ending else [])]
        return begun, ended

    def error(self) -> Event:
        """Named, and with its words in it."""
        return named({"type": "error", "error": {"code": "server_error", "message": "the input, quoted"}})


def _part(play: Play, text: str) -> dict[str, Any]:
    if play.ending == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": []}


def _status(play: Play) -> dict[str, Any]:
    cuts: Mapping[Ending, str] = {"length": "max_output_tokens", "filter": "content_filter", "other": "max_tool_calls"}
    if play.ending is None:
        return {"status": "in_progress"}
    why = cuts.get(play.ending)
    return {"status": "incomplete", "incomplete_details": {"reason": why}} if why else {"status": "completed"}


def _used(tokens: Tokens | None) -> dict[str, Any]:
    if tokens is None:
        return {}
    usage = {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.completion,
    }
    return {"usage": usage}


class GeminiVoice:
    """Gemini's generateContent; every piece of a stream has the form of a whole reply."""

    key_header = "x-goog-api-key"
    lines = False
    _ENDINGS: ClassVar[Mapping[Ending, str]] = {
        "whole": "STOP",
        "length": "MAX_TOKENS",
        "refusal": "PROHIBITED_CONTENT",
        "filter": "SAFETY",
        "other": "MALFORMED_FUNCTION_CALL",
        "calls": "STOP",
    }

    def texts(self, body: dict[str, Any]) -> list[str]:
        """Each content's, and the instruction."""
        return [words_in(one["parts"]) for one in body["contents"]] + [words_in(body.get("systemInstruction"))]

    def limit(self, body: dict[str, Any]) -> int:
        """By its name here."""
        return int(body.get("generationConfig", {}).get("maxOutputTokens") or 0)

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """A thought and a text of one candidate."""
        part: dict[str, Any] = {"text": text}
        if play.tool:
            part = {"functionCall": {"name": play.tool, "args": json.loads(text)}}
        return {**self._piece([{"text": "hm", "thought": True}, part], self._ended(play)), **self._used(tokens)}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """A piece each; the last has the reason and the usage."""
        begun = [self._said(self._piece([{"text": one}])) for one in pieces]
        if play.tool:
            call = {"name": play.tool, "args": json.loads("".join(pieces))}
            begun = [self._said(self._piece([{"functionCall": call}]))]
        if play.ending is None:
            return begun, [self._said(self._used(tokens))] if tokens else []
        return begun, [self._said({**self._piece([{"text": ""}], self._ended(play)), **self._used(tokens)})]

    def error(self) -> Event:
        """Without a name."""
        return "", json.dumps({"error": {"code": 500, "status": "INTERNAL", "message": "the input, quoted"}})

    def _piece(self, parts: list[dict[str, Any]], ended: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        return {"candidates": [{**candidate, **({"finishReason": ended} if ended else {})}]}

    def _ended(self, play: Play) -> str | None:
        return None if play.ending is None else self._ENDINGS[play.ending]

    def _used(self, tokens: Tokens | None) -> dict[str, Any]:
        if tokens is None:
            return {}
        usage = {
            "promptTokenCount": tokens.prompt,
            "cachedContentTokenCount": tokens.cached,
            "candidatesTokenCount": tokens.completion - tokens.reasoning,
            "thoughtsTokenCount": tokens.reasoning,
            "totalTokenCount": tokens.prompt + tokens.completion,
        }
        return {"usageMetadata": usage}

    def _said(self, piece: dict[str, Any]) -> Event:
        return "", json.dumps(piece, ensure_ascii=False)


class OllamaVoice:
    """Ollama's chat, whose streams are lines of JSON. It has no word for a refusal: what it ends with is unknown."""

    key_header = "authorization"
    lines = True
    _ENDINGS: ClassVar[Mapping[Ending, str]] = {"whole": "stop", "length": "length", "calls": "stop"}

    def texts(self, body: dict[str, Any]) -> list[str]:
        """Each message's."""
        return [words_in(one.get("content")) for one in body["messages"]]

    def limit(self, body: dict[str, Any]) -> int:
        """By its name here."""
        return int(body.get("options", {}).get("num_predict") or 0)

    def whole(self, play: Play, text: str, tokens: Tokens | None) -> dict[str, Any]:
        """One message, and that it is done."""
        return {**self._message(play, text), **self._done(play, tokens)}

    def events(self, play: Play, pieces: Sequence[str], tokens: Tokens | None) -> tuple[list[Event], list[Event]]:
        """A line each; the last says that it is done, and why."""
        begun = [self._line(self._message(play, one)) for one in (["".join(pieces)] if play.tool else pieces)]
        if play.ending is None:
            return begun, []
        return begun, [self._line({"message": {"role": "assistant", "content": ""}, **self._done(play, tokens)})]

    def error(self) -> Event:
        """A line of its own."""
        return "", json.dumps({"error": "the input, quoted"})

    def _message(self, play: Play, text: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if play.tool:
            call = {"function": {"name": play.tool, "arguments": json.loads(text)}}
            message = {"role": "assistant", "content": "", "tool_calls": [call]}
        return {"message": message, "done": False}

    def _done(self, play: Play, tokens: Tokens | None) -> dict[str, Any]:
        if play.ending is None:
            return {"done": False}
        used = {"prompt_eval_count": tokens.prompt, "eval_count": tokens.completion} if tokens else {}
        return {"done": True, "done_reason": self._ENDINGS.get(play.ending, "unload"), **used}

    def _line(self, said: dict[str, Any]) -> Event:
        return "", json.dumps(said, ensure_ascii=False)


VOICES: dict[str, Voice] = {
    "/chat/completions": ChatVoice(),
    "/messages": MessagesVoice(),
    "/responses": ResponsesVoice(),
    ":generateContent": GeminiVoice(),
    ":streamGenerateContent": GeminiVoice(),
    "/api/chat": OllamaVoice(),
}

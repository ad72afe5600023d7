"""The dialect of Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from atomic.bidders.http_dialect import Dialect, Wanted
from atomic.bidders.http_limits import ANTHROPIC
from atomic.bidders.http_reply import Ending, Said, count, fault_of
from atomic.bidders.turns import (
    Image,
    Turn,
    arguments_of,
    calls_of,
    choice_of,
    form_words,
    is_system,
    only,
    pieces_of,
    settings_of,
    stops_of,
    system_of,
    texts_of,
    tools_of,
    turns_of,
)
from atomic.records.attempt import Plan
from atomic.records.bid import Reason

VERSION = "2023-06-01"
FORM = "answer"
_ENDINGS = {
    "end_turn": Ending.WHOLE,
    "stop_sequence": Ending.WHOLE,
    "max_tokens": Ending.LENGTH,
    "model_context_window_exceeded": Ending.LENGTH,
    "refusal": Ending.REFUSED,
    "tool_use": Ending.CALLS,
}


def _headers(key: str) -> Mapping[str, str]:
    return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}


def _request(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    turns, settings = turns_of(plan, wanted), settings_of(plan, wanted)
    asked: dict[str, Any] = {
        "model": wanted.model,
        "messages": _messages([one for one in turns if not is_system(one)]),
        "max_tokens": wanted.limit,
        **only(settings, {"top_p": "top_p", "top_k": "top_k"}),
    }
    system = system_of(turns)
    if wanted.form is None and wanted.talk is not None and wanted.talk.form:
        system = f"{system}\n\n{form_words(wanted.talk.form)}".strip()
    if system:
        asked["system"] = _kept(system) if plan.steady else system
    if stops := stops_of(settings):
        asked["stop_sequences"] = stops
    if wanted.reasoning_tokens:  # then no temperature may be said
        asked["thinking"] = {"type": "enabled", "budget_tokens": wanted.reasoning_tokens}
    elif settings.get("temperature") is not None:
        asked["temperature"] = min(1, settings["temperature"])  # which goes to 2 elsewhere
    tools = [
        {"name": one.name, "description": one.description, "input_schema": one.parameters} for one in tools_of(wanted)
    ]
    if tools:
        asked["tools"] = tools
        asked |= _choice(settings)
    if wanted.stream:
        asked["stream"] = True
    return asked


def _with_format(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    asked = _request(plan, wanted)
    if wanted.form is not None:
        asked["output_config"] = {"format": {"type": "json_schema", "schema": wanted.form}}
    return asked


def _with_tool(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    asked = _request(plan, wanted)
    if wanted.form is not None and not wanted.reasoning_tokens:  # a model that thinks may not be made to call a tool
        asked["tools"] = [{"name": FORM, "description": "Gives the answer.", "input_schema": wanted.form}]
        asked["tool_choice"] = {"type": "tool", "name": FORM}
    return asked


def _kept(system: str) -> list[dict[str, Any]]:
    """The same from request to request, so that it is read from the provider's cache."""
    return [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]


def _choice(settings: Mapping[str, Any]) -> dict[str, Any]:
    said = choice_of(settings)
    kinds = {"auto": {"type": "auto"}, "none": {"type": "none"}, "required": {"type": "any"}}
    choice: dict[str, Any] = {"type": "tool", "name": said[1:]} if said.startswith("=") else dict(kinds.get(said, {}))
    if settings.get("parallel_tool_calls") is False:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return {"tool_choice": choice} if choice else {}


def _messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Turns of user and assistant; what tools gave is the user's, and what one says in a row is one message."""
    messages: list[dict[str, Any]] = []
    for one in turns:
        role = "assistant" if one["role"] == "assistant" else "user"
        blocks = _blocks(one)
        if messages and messages[-1]["role"] == role and (one["role"] == "tool" or role == "assistant"):
            messages[-1]["content"] = _as_blocks(messages[-1]["content"]) + _as_blocks(blocks)
        else:
            messages.append({"role": role, "content": blocks})
    return messages


def _as_blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _blocks(turn: Turn) -> str | list[dict[str, Any]]:
    if turn["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": str(turn.get("tool_call_id") or "")}
        return [{**result, "content": "\n".join(texts_of(turn))}]
    if isinstance(turn.get("content"), str) and not calls_of(turn):
        return str(turn["content"])
    blocks: list[dict[str, Any]] = []
    for piece in pieces_of(turn):
        if isinstance(piece, Image):
            inline = {"type": "base64", "media_type": piece.kind, "data": piece.data}
            blocks.append({"type": "image", "source": {"type": "url", "url": piece.url} if piece.url else inline})
        elif piece:
            blocks.append({"type": "text", "text": piece})
    for call in calls_of(turn):
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_of(call)})
    return blocks


def _whole(said: Said, data: dict[str, Any]) -> None:
    if data.get("type") == "error" or data.get("error"):
        said.billable = False
        said.fail(*fault_of(data.get("error")))
        return
    said.name(data.get("model"))
    _count(said, data.get("usage"), final=True)
    content = data.get("content")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        said.fail(Reason.FAILED, "no message")
        return
    for place, block in enumerate(content):
        _block(said, block, place)
    _end(said, data)


def _event(said: Said, data: dict[str, Any]) -> None:
    kind = data.get("type")
    if kind == "error" or data.get("error"):
        said.fail(*fault_of(data.get("error")))
    elif kind == "message_start":
        message = _table(data, "message")
        said.name(message.get("model"))
        _count(said, message.get("usage"), final=False)
    elif kind == "content_block_start":
        _block(said, _table(data, "content_block"), data.get("index"))
    elif kind == "content_block_delta":
        delta = _table(data, "delta")
        if delta.get("type") == "text_delta":  # others are of thinking and signatures
            said.add(delta.get("text"))
        elif delta.get("type") == "input_json_delta":
            said.call(data.get("index"), arguments=delta.get("partial_json"))
    elif kind == "message_delta":
        _count(said, data.get("usage"), final=True)
        _end(said, _table(data, "delta"))
    elif kind == "message_stop":
        said.closed = True


def _block(said: Said, block: dict[str, Any], place: object) -> None:
    if block.get("type") == "text":
        said.add(block.get("text"))
    elif block.get("type") == "tool_use":
        given = block.get("input")  # empty at the start of a stream, whose pieces follow
        said.call(place, block.get("id"), block.get("name"), orjson.dumps(given).decode() if given else "")


def _end(said: Said, data: dict[str, Any]) -> None:
    ended = data.get("stop_reason")
    if ended:
        said.end(_ENDINGS.get(ended, Ending.OTHER) if isinstance(ended, str) else Ending.OTHER)


def _count(said: Said, usage: object, *, final: bool) -> None:
    """Input is reported at the start, output cumulatively at the end; what comes later replaces what came before."""
    if not isinstance(usage, dict):
        return
    counts = said.counts
    fresh, completion = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    cached, written = count(usage.get("cache_read_input_tokens")), count(usage.get("cache_creation_input_tokens"))
    counts.fresh = counts.fresh if fresh is None else fresh
    counts.cached = counts.cached if cached is None else cached
    counts.written = counts.written if written is None else written
    if final and completion is not None:  # what the start says of the output is only its first tokens
        counts.completion = completion


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


ANTHROPIC_MESSAGES = Dialect(
    kind="anthropic model",
    path="/messages",
    headers=_headers,
    request=_request,
    whole=_whole,
    event=_event,
    takes_blank=False,
    settings=frozenset(
        {"max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "tool_choice"}
        | {"parallel_tool_calls", "response_format"}
    ),
)
# Held by a tool that the model must call, which every model can; and by an output format, which newer ones have.
ANTHROPIC_TOOL = replace(ANTHROPIC_MESSAGES, request=_with_tool, holds=ANTHROPIC, form_tool=FORM)
ANTHROPIC_FORMAT = replace(ANTHROPIC_MESSAGES, request=_with_format, holds=ANTHROPIC)

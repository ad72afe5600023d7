"""The dialect of Ollama's own chat, which streams lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from atomic.bidders.http_dialect import CannotSayError, Dialect, Wanted
from atomic.bidders.http_limits import LLAMA_CPP
from atomic.bidders.http_reply import Ending, Said, count
from atomic.bidders.turns import (
    Image,
    Turn,
    arguments_of,
    calls_of,
    only,
    pieces_of,
    settings_of,
    stops_of,
    texts_of,
    tools_of,
    turns_of,
)
from atomic.records.attempt import Plan
from atomic.records.bid import Reason

_ENDINGS = {"stop": Ending.WHOLE, "length": Ending.LENGTH}
_NAMES = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
    "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty",
}  # fmt: skip


def _headers(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _request(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    settings = settings_of(plan, wanted)
    options: dict[str, Any] = {"num_predict": wanted.limit, **only(settings, _NAMES)}
    if stops := stops_of(settings):
        options["stop"] = stops
    asked: dict[str, Any] = {
        "model": wanted.model,
        "messages": _messages(turns_of(plan, wanted, prefills=True)),
        "stream": wanted.stream,
        "options": options,
    }
    said = settings.get("response_format")
    if wanted.form is not None:
        asked["format"] = wanted.form
    elif isinstance(said, Mapping) and said.get("type") in ("json_object", "json_schema"):
        asked["format"] = "json"
    if effort := settings.get("reasoning_effort"):
        asked["think"] = False if effort == "none" else effort
    tools_of(wanted)  # refuses what is no function
    if wanted.talk is not None and wanted.talk.tools:
        asked["tools"] = list(wanted.talk.tools)
    return asked


def _messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    names = {call.id: call.name for one in turns for call in calls_of(one)}
    messages = []
    for one in turns:
        role = "system" if one["role"] == "developer" else str(one["role"])
        message: dict[str, Any] = {"role": role, "content": "\n".join(texts_of(one))}
        if role == "tool":
            message["tool_name"] = names.get(str(one.get("tool_call_id") or ""), "")
        elif images := [piece for piece in pieces_of(one) if isinstance(piece, Image)]:
            if any(image.url for image in images):
                raise CannotSayError("an image by its address: send its bytes")
            message["images"] = [image.data for image in images]
        if calls := calls_of(one):
            message["tool_calls"] = [{"function": {"name": it.name, "arguments": arguments_of(it)}} for it in calls]
        messages.append(message)
    return messages


def _take(said: Said, data: dict[str, Any]) -> None:
    """A reply, or a line of one: they have one form."""
    if data.get("error"):
        said.billable = said.billable and bool(said.pieces)
        said.fail(Reason.FAILED, "an error in place of an answer")
        return
    said.name(data.get("model"))
    message = data.get("message")
    if not isinstance(message, dict):
        said.fail(Reason.FAILED, "no message")
        return
    said.add(message.get("content"))
    calls = message.get("tool_calls")
    for one in calls if isinstance(calls, list) else ():
        function = one.get("function") if isinstance(one, dict) else None
        if isinstance(function, dict):
            place, given = len(said.calls), orjson.dumps(function.get("arguments") or {}).decode()
            said.call(place, f"call_{place}", function.get("name"), given)
    if data.get("done"):
        prompt, completion = count(data.get("prompt_eval_count")), count(data.get("eval_count"))
        if completion is not None:
            said.counts.fresh, said.counts.completion = prompt or 0, completion  # none of a prompt that is kept
        ended = data.get("done_reason")
        said.end(_ENDINGS.get(ended, Ending.OTHER) if isinstance(ended, str) else Ending.OTHER)
        said.closed = True


OLLAMA = Dialect(
    kind="ollama model",
    path="/api/chat",
    headers=_headers,
    request=_request,
    whole=_take,
    event=_take,
    lines=True,
    holds=LLAMA_CPP,
    settings=frozenset({*_NAMES, "max_tokens", "max_completion_tokens", "stop", "reasoning_effort", "response_format"}),
)

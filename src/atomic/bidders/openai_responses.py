"""The dialect of OpenAI's responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atomic.bidders.http_dialect import Dialect, Wanted
from atomic.bidders.http_limits import OPENAI
from atomic.bidders.http_reply import Ending, Said, count, fault_of
from atomic.bidders.turns import (
    Image,
    Turn,
    calls_of,
    choice_of,
    is_system,
    only,
    pieces_of,
    settings_of,
    system_of,
    texts_of,
    tools_of,
    turns_of,
)
from atomic.records.attempt import Plan
from atomic.records.bid import Reason

_CUTS = {"max_output_tokens": Ending.LENGTH, "content_filter": Ending.REFUSED}


def _headers(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _request(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    turns, settings = turns_of(plan, wanted), settings_of(plan, wanted)
    asked: dict[str, Any] = {
        "model": wanted.model,
        "input": _items([one for one in turns if not is_system(one)]),
        "max_output_tokens": wanted.limit,
        "store": False,
        **only(settings, {one: one for one in ("temperature", "top_p", "parallel_tool_calls", "metadata", "user")}),
    }
    if system := system_of(turns):
        asked["instructions"] = system
    if effort := settings.get("reasoning_effort"):
        asked["reasoning"] = {"effort": effort}
    form = _form(wanted, settings)
    if form:
        asked["text"] = {"format": form}
    tools = [
        {
            "type": "function",
            "name": one.name,
            "description": one.description,
            "parameters": one.parameters,
            "strict": False,
        }
        for one in tools_of(wanted)
    ]
    if tools:
        asked["tools"] = tools
        if choice := choice_of(settings):
            asked["tool_choice"] = {"type": "function", "name": choice[1:]} if choice.startswith("=") else choice
    if wanted.stream:
        asked["stream"] = True
    return asked


def _form(wanted: Wanted, settings: Mapping[str, Any]) -> dict[str, Any]:
    if wanted.form is not None:
        return {"type": "json_schema", "name": "answer", "strict": True, "schema": wanted.form}
    said = settings.get("response_format")
    return {"type": "json_object"} if isinstance(said, Mapping) and said.get("type") == "json_object" else {}


def _items(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for one in turns:
        if one["role"] == "tool":
            output = {"type": "function_call_output", "call_id": str(one.get("tool_call_id") or "")}
            items.append({**output, "output": "\n".join(texts_of(one))})
            continue
        if isinstance(one.get("content"), str):
            items.append({"role": one["role"], "content": one["content"]})
        elif one.get("content"):
            items.append({"role": one["role"], "content": _parts(one)})
        items += [
            {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            for call in calls_of(one)
        ]
    return items


def _parts(turn: Turn) -> list[dict[str, Any]]:
    kind = "output_text" if turn["role"] == "assistant" else "input_text"
    parts: list[dict[str, Any]] = []
    for piece in pieces_of(turn):
        if isinstance(piece, Image):
            url = piece.url or f"data:{piece.kind};base64,{piece.data}"
            parts.append({"type": "input_image", "image_url": url, "detail": "auto"})
        else:
            parts.append({"type": kind, "text": piece})
    return parts


def _whole(said: Said, data: dict[str, Any]) -> None:
    if data.get("error"):
        said.billable = False
        said.fail(*fault_of(data["error"]))
        return
    output = data.get("output")
    if not isinstance(output, list):
        said.fail(Reason.FAILED, "no output")
        return
    for place, item in enumerate(output):
        _item(said, item if isinstance(item, dict) else {}, place)
    _end(said, data)


def _item(said: Said, item: dict[str, Any], place: object) -> None:
    if item.get("type") == "function_call":
        said.call(place, item.get("call_id"), item.get("name"), item.get("arguments"))
    parts = item.get("content") if item.get("type") == "message" else ()
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("type") == "output_text":
            said.add(part.get("text"))
        elif isinstance(part, dict) and part.get("type") == "refusal":
            said.end(Ending.REFUSED)


def _event(said: Said, data: dict[str, Any]) -> None:
    kind = data.get("type")
    if kind == "response.output_text.delta":
        said.add(data.get("delta"))
    elif kind in ("response.refusal.delta", "response.refusal.done"):
        said.end(Ending.REFUSED)
    elif kind in ("response.output_item.added", "response.output_item.done"):
        item, place = data.get("item"), data.get("output_index")
        if isinstance(item, dict) and item.get("type") == "function_call":
            came = isinstance(place, int) and said.calls.get(place, ("", "", ""))[2]  # by deltas
            _item(said, {**item, "arguments": ""} if came else item, place)
    elif kind == "response.function_call_arguments.delta":
        said.call(data.get("output_index"), arguments=data.get("delta"))
    elif kind in ("response.completed", "response.incomplete", "response.failed"):
        response = data.get("response")
        _end(said, response if isinstance(response, dict) else {})
        said.closed = True
    elif kind == "error" or data.get("error"):
        said.fail(*fault_of(data.get("error") or data))


def _end(said: Said, data: dict[str, Any]) -> None:
    """What the reply says of itself, at its end."""
    said.name(data.get("model"))
    _count(said, data.get("usage"))
    status = data.get("status")
    if status == "completed":
        used = said.counts.completion or 0
        cut = 0 < said.limit <= used and not said.calls  # llama.cpp's server says completed there, too
        said.end(Ending.CALLS if said.calls else Ending.LENGTH if cut else Ending.WHOLE)
    elif status == "incomplete":
        details = data.get("incomplete_details")
        why = details.get("reason") if isinstance(details, dict) else None
        said.end(_CUTS.get(why, Ending.OTHER) if isinstance(why, str) else Ending.OTHER)
    elif status in ("failed", "cancelled"):
        said.fail(*fault_of(data.get("error")))


def _count(said: Said, usage: object) -> None:
    if not isinstance(usage, dict):
        return
    prompt, completion = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if prompt is None or completion is None:
        return
    counts = said.counts
    cached = min(prompt, _detail(usage, "input_tokens_details", "cached_tokens"))
    written = min(prompt - cached, _detail(usage, "input_tokens_details", "cache_write_tokens"))
    counts.cached, counts.written, counts.fresh = cached, written, prompt - cached - written
    counts.reasoning = _detail(usage, "output_tokens_details", "reasoning_tokens")
    counts.completion = max(completion, (count(usage.get("total_tokens")) or 0) - prompt)


def _detail(usage: dict[str, Any], table: str, name: str) -> int:
    details = usage.get(table)
    return (count(details.get(name)) or 0) if isinstance(details, dict) else 0


OPENAI_RESPONSES = Dialect(
    kind="responses model",
    path="/responses",
    headers=_headers,
    request=_request,
    whole=_whole,
    event=_event,
    last_word="[DONE]",
    holds=OPENAI,
    settings=frozenset(
        {"max_tokens", "max_completion_tokens", "temperature", "top_p", "parallel_tool_calls", "metadata", "user"}
        | {"reasoning_effort", "tool_choice", "response_format"}
    ),
)

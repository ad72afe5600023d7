"""The dialect of Gemini's generateContent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from atomic.bidders.http_dialect import CannotSayError, Dialect, Wanted
from atomic.bidders.http_limits import GEMINI as HOLDS
from atomic.bidders.http_reply import Ending, Said, count, fault_of
from atomic.bidders.lowering import lower
from atomic.bidders.turns import (
    THOUGHTS,
    Image,
    Turn,
    arguments_of,
    calls_of,
    choice_of,
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

_ENDINGS = {
    "STOP": Ending.WHOLE,
    "MAX_TOKENS": Ending.LENGTH,
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE"), Ending.REFUSED
    ),
}
_NAMES = {
    "temperature": "temperature", "top_p": "topP", "top_k": "topK", "seed": "seed",
    "presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty",
}  # fmt: skip


def _headers(key: str) -> Mapping[str, str]:
    return {"x-goog-api-key": key} if key else {}


def _request(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    turns, settings = turns_of(plan, wanted), settings_of(plan, wanted)
    config: dict[str, Any] = {"maxOutputTokens": wanted.limit, **only(settings, _NAMES)}
    if stops := stops_of(settings):
        config["stopSequences"] = stops
    said = settings.get("response_format")
    if wanted.form is not None:
        config |= {"responseMimeType": "application/json", "responseSchema": wanted.form}
    elif isinstance(said, Mapping) and said.get("type") in ("json_object", "json_schema"):
        config["responseMimeType"] = "application/json"
    effort = settings.get("reasoning_effort")
    if wanted.reasoning_tokens or effort in THOUGHTS:
        config["thinkingConfig"] = {"thinkingBudget": wanted.reasoning_tokens or THOUGHTS[str(effort)]}
    asked: dict[str, Any] = {"contents": _contents(turns), "generationConfig": config}
    if system := system_of(turns):
        asked["systemInstruction"] = {"parts": [{"text": system}]}
    return asked | _tools(wanted, settings)


def _tools(wanted: Wanted, settings: Mapping[str, Any]) -> dict[str, Any]:
    declared = []
    for one in tools_of(wanted):
        lowered = lower(one.parameters, HOLDS)  # an empty object is said by leaving it out
        parameters = {"parameters": lowered.schema} if lowered.schema is not None else {}
        if not parameters and one.parameters.get("properties"):
            raise CannotSayError(f"the parameters of a tool: {lowered.why}")
        declared.append({"name": one.name, "description": one.description, **parameters})
    if not declared:
        return {}
    asked: dict[str, Any] = {"tools": [{"functionDeclarations": declared}]}
    if choice := choice_of(settings):
        mode: dict[str, Any] = {"mode": {"auto": "AUTO", "none": "NONE"}.get(choice, "ANY")}
        if choice.startswith("="):
            mode["allowedFunctionNames"] = [choice[1:]]
        asked["toolConfig"] = {"functionCallingConfig": mode}
    return asked


def _contents(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Contents of user and model; what tools gave is named by the tool, not by its call."""
    names = {call.id: call.name for one in turns for call in calls_of(one)}
    contents: list[dict[str, Any]] = []
    for one in turns:
        if is_system(one):
            continue
        role = "model" if one["role"] == "assistant" else "user"
        parts = _result(one, names) if one["role"] == "tool" else _parts(one)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _result(turn: Turn, names: Mapping[str, str]) -> list[dict[str, Any]]:
    name = names.get(str(turn.get("tool_call_id") or "")) or str(turn.get("name") or "")
    text = "\n".join(texts_of(turn))
    try:
        found = orjson.loads(text)
    except ValueError:
        found = text
    response = found if isinstance(found, dict) else {"result": found}
    return [{"functionResponse": {"name": name, "response": response}}]


def _parts(turn: Turn) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for piece in pieces_of(turn):
        if isinstance(piece, Image):
            if piece.url:
                raise CannotSayError("an image by its address: send its bytes")
            parts.append({"inlineData": {"mimeType": piece.kind, "data": piece.data}})
        elif piece:
            parts.append({"text": piece})
    return parts + [{"functionCall": {"name": one.name, "args": arguments_of(one)}} for one in calls_of(turn)]


def _take(said: Said, data: dict[str, Any]) -> None:
    """A reply, or a piece of one: they have one form."""
    if data.get("error"):
        said.billable = said.billable and bool(said.pieces)
        said.fail(*fault_of(data["error"]))
        return
    said.name(data.get("modelVersion"))
    feedback = data.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        said.end(Ending.REFUSED)
    candidates = data.get("candidates") or []
    if not isinstance(candidates, list) or not all(isinstance(one, dict) for one in candidates):
        said.fail(Reason.FAILED, "no candidates")
        return
    for candidate in candidates[:1]:
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else ()
        for part in parts if isinstance(parts, list) else ():
            _part(said, part if isinstance(part, dict) else {})
        ended = candidate.get("finishReason")
        if ended:
            said.end(_ENDINGS.get(ended, Ending.OTHER) if isinstance(ended, str) else Ending.OTHER)
    _count(said, data.get("usageMetadata"))


def _part(said: Said, part: dict[str, Any]) -> None:
    if part.get("thought"):
        return
    said.add(part.get("text"))
    call = part.get("functionCall")
    if isinstance(call, dict):
        place, name = len(said.calls), call.get("name")
        args = call.get("args")
        said.call(place, call.get("id") or f"call_{place}", name, orjson.dumps(args or {}).decode())


def _whole(said: Said, data: dict[str, Any]) -> None:
    if not data.get("error") and not data.get("candidates") and not data.get("promptFeedback"):
        said.fail(Reason.FAILED, "no candidates")
        return
    _take(said, data)


def _count(said: Said, usage: object) -> None:
    """Each piece reports what was used up to it: that of the end counts."""
    prompt = count(usage.get("promptTokenCount")) if isinstance(usage, dict) else None
    if not isinstance(usage, dict) or prompt is None:
        return
    counts = said.counts
    counts.cached = min(prompt, count(usage.get("cachedContentTokenCount")) or 0)
    counts.fresh = prompt - counts.cached
    if said.ending is not None:
        thoughts, total = count(usage.get("thoughtsTokenCount")) or 0, count(usage.get("totalTokenCount")) or 0
        counts.reasoning = thoughts
        counts.completion = max((count(usage.get("candidatesTokenCount")) or 0) + thoughts, total - prompt)


GEMINI = Dialect(
    kind="gemini model",
    path="/models/{model}:generateContent",
    stream_path="/models/{model}:streamGenerateContent?alt=sse",
    headers=_headers,
    request=_request,
    whole=_whole,
    event=_take,
    takes_blank=False,
    holds=HOLDS,
    settings=frozenset(
        {*_NAMES, "max_tokens", "max_completion_tokens", "stop", "reasoning_effort", "tool_choice", "response_format"}
    ),
)

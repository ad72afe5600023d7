"""The dialect of OpenAI-compatible chat completions, as it is and as some servers extend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from atomic.bidders.http_dialect import Dialect, Wanted
from atomic.bidders.http_limits import LLAMA_CPP, OPENAI, VLLM
from atomic.bidders.http_reply import Ending, Said, count, fault_of
from atomic.bidders.label_scores import Tokens
from atomic.bidders.turns import settings_of, turns_of
from atomic.records.attempt import Plan
from atomic.records.bid import Reason

_ENDINGS = {
    "stop": Ending.WHOLE,
    "length": Ending.LENGTH,
    "content_filter": Ending.REFUSED,
    "tool_calls": Ending.CALLS,
    "function_call": Ending.CALLS,
}


def _headers(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _request(plan: Plan, wanted: Wanted, *, prefills: bool = False) -> dict[str, Any]:
    settings = settings_of(plan, wanted)
    for ours in ("max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "n"):
        settings.pop(ours, None)
    asked: dict[str, Any] = {
        **settings,
        "model": wanted.model,
        "messages": turns_of(plan, wanted, prefills=prefills),
        wanted.limit_field: wanted.limit,
    }
    if wanted.talk is not None and wanted.talk.tools:
        asked["tools"] = list(wanted.talk.tools)
    if plan.labels:
        asked |= {"logprobs": True, "top_logprobs": wanted.top_logprobs}
    if wanted.stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return asked


def _strict(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    asked = _request(plan, wanted)
    if wanted.form is not None:
        form = {"name": "answer", "strict": True, "schema": wanted.form}
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    return asked


def _vllm(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    asked = _request(plan, wanted, prefills=True)
    if plan.begun:
        asked |= {"add_generation_prompt": False, "continue_final_message": True}
    return asked if wanted.form is None else asked | {"structured_outputs": {"json": wanted.form}}


def _llama(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    asked = _request(plan, wanted, prefills=True)
    if wanted.form is not None:
        asked["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted.form}}
    return asked


def _whole(said: Said, data: dict[str, Any]) -> None:
    if data.get("error"):
        said.billable = False
        said.fail(*fault_of(data["error"]))
        return
    said.name(data.get("model"))
    _count(said, data.get("usage"))
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        said.fail(Reason.FAILED, "no message")
        return
    _take(said, choice, message)


def _event(said: Said, data: dict[str, Any]) -> None:
    if data.get("error"):
        said.fail(*fault_of(data["error"]))
        return
    said.name(data.get("model"))
    _count(said, data.get("usage"))
    choices = data.get("choices") or []  # the last chunk, with the usage, has none
    if not isinstance(choices, list) or not all(isinstance(one, dict) for one in choices):
        said.fail(Reason.FAILED, "no choices")
        return
    for choice in choices:
        delta = choice.get("delta") or {}
        if not isinstance(delta, dict):
            said.fail(Reason.FAILED, "no message")
        elif not choice.get("index"):  # one was asked for; what others say is not it
            _take(said, choice, delta)


def _take(said: Said, choice: dict[str, Any], message: dict[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, list):  # some endpoints send a list of parts
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    said.add(content)
    said.tokens = said.tokens or _tokens(choice)
    for place, call in enumerate(_calls(message)):
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        place = call.get("index", place)
        said.call(place, call.get("id"), function.get("name"), function.get("arguments"))
    if message.get("refusal"):
        said.end(Ending.REFUSED)
    ended = choice.get("finish_reason")
    if ended:  # some say "" until the end
        said.end(_ENDINGS.get(ended, Ending.OTHER) if isinstance(ended, str) else Ending.OTHER)


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    return [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []


def _tokens(choice: dict[str, Any]) -> Tokens:
    try:
        first = choice["logprobs"]["content"][0]
        return [(str(one["token"]), min(0.0, float(one["logprob"]))) for one in first["top_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return ()


def _count(said: Said, usage: object) -> None:
    """Some endpoints report with every chunk: the last counts."""
    if not isinstance(usage, dict):
        return
    prompt, completion = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return
    cached = min(prompt, _detail(usage, "prompt_tokens_details", "cached_tokens"))
    written = min(prompt - cached, _detail(usage, "prompt_tokens_details", "cache_write_tokens"))
    counts = said.counts
    counts.cached, counts.written, counts.fresh = cached, written, prompt - cached - written
    counts.reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    # Some leave reasoning out of the completion, though it is billed: then only the total has it.
    counts.completion = max(completion, (count(usage.get("total_tokens")) or 0) - prompt)


def _detail(usage: dict[str, Any], table: str, name: str) -> int:
    details = usage.get(table)
    return (count(details.get(name)) or 0) if isinstance(details, dict) else 0


CHAT_COMPLETIONS = Dialect(
    kind="http model",
    path="/chat/completions",
    headers=_headers,
    request=_request,
    whole=_whole,
    event=_event,
    last_word="[DONE]",
    scores=True,
)
# With strict structured outputs.
OPENAI_CHAT = replace(CHAT_COMPLETIONS, request=_strict, holds=OPENAI)
VLLM_CHAT = replace(CHAT_COMPLETIONS, request=_vllm, holds=VLLM)
LLAMA_CHAT = replace(CHAT_COMPLETIONS, request=_llama, holds=LLAMA_CPP)

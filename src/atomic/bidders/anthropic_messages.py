"""The dialect of Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atomic.bidders.http_dialect import Dialect, Wanted
from atomic.bidders.http_reply import Ending, Said, count, fault_of
from atomic.records.attempt import Plan
from atomic.records.bid import Reason

VERSION = "2023-06-01"
_ENDINGS = {
    "end_turn": Ending.WHOLE,
    "stop_sequence": Ending.WHOLE,
    "max_tokens": Ending.LENGTH,
    "model_context_window_exceeded": Ending.LENGTH,
    "refusal": Ending.REFUSED,
}


def _headers(key: str) -> Mapping[str, str]:
    return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}


def _request(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": wanted.model,
        "messages": [{"role": one.role, "content": one.content} for one in plan.messages if one.role != "system"],
        "max_tokens": wanted.limit,
    }
    system = "\n\n".join(one.content for one in plan.messages if one.role == "system")
    if system:
        asked["system"] = system
    if wanted.reasoning_tokens:  # then no temperature may be said
        asked["thinking"] = {"type": "enabled", "budget_tokens": wanted.reasoning_tokens}
    else:
        asked["temperature"] = 0
    if wanted.stream:
        asked["stream"] = True
    return asked


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
    for block in content:
        _block(said, block)
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
        _block(said, _table(data, "content_block"))
    elif kind == "content_block_delta":
        delta = _table(data, "delta")
        if delta.get("type") == "text_delta":  # others are of thinking, signatures, tools
            said.add(delta.get("text"))
    elif kind == "message_delta":
        _count(said, data.get("usage"), final=True)
        _end(said, _table(data, "delta"))
    elif kind == "message_stop":
        said.closed = True


def _block(said: Said, block: dict[str, Any]) -> None:
    if block.get("type") == "text":
        said.add(block.get("text"))


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
)

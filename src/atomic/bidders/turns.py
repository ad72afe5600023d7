"""What is to be asked, in one form for every dialect: turns as chat completions have them, and their settings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from atomic.bidders.http_dialect import CannotSayError, Wanted
from atomic.records.attempt import GO_ON, Plan
from atomic.records.conversation import IMAGES, ToolCall, parts_of

Turn = Mapping[str, Any]
# Tokens of thought by the level of effort, for those who take a number. A plan has room for them beside its answer.
THOUGHTS = {"none": 0, "low": 1_024, "medium": 4_096, "high": 16_384}


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its bytes as base64 with their type, or its address."""

    kind: str = ""
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that may be called."""

    name: str
    description: str
    parameters: Mapping[str, Any]


def turns_of(plan: Plan, wanted: Wanted, *, prefills: bool = False) -> list[Turn]:
    """The messages; where the answer was begun by another, with that, and unless that `prefills`, asked to go on."""
    turns: list[Turn] = [{"role": one.role, "content": one.content} for one in plan.messages]
    if not turns and wanted.talk is not None:
        turns = list(wanted.talk.messages)
    if plan.begun:
        turns.append({"role": "assistant", "content": plan.begun.rstrip()})
        if not prefills:
            turns.append({"role": "user", "content": GO_ON})
    return turns


def settings_of(plan: Plan, wanted: Wanted) -> dict[str, Any]:
    """What else is asked for, by the names that chat completions have for it."""
    if wanted.talk is not None and not plan.messages:
        return dict(wanted.talk.settings)
    settings: dict[str, Any] = {}
    if not (wanted.reasoning_tokens or plan.effort):  # models that reason refuse any temperature
        settings["temperature"] = plan.temperature or 0
        if plan.temperature:
            settings["seed"] = plan.seed
    if plan.effort:
        settings["reasoning_effort"] = plan.effort
    return settings


def system_of(turns: Sequence[Turn]) -> str:
    """What system and developer say, for dialects that have a place of its own for it."""
    return "\n\n".join(text for one in turns if is_system(one) for text in texts_of(one) if text.strip())


def is_system(turn: Turn) -> bool:
    """Whether a turn instructs."""
    return turn["role"] in ("system", "developer")


def texts_of(turn: Turn) -> list[str]:
    """The texts of a turn."""
    return [str(part.get("text") or "") for part in parts_of(turn) if "text" in part]


def pieces_of(turn: Turn) -> Iterator[str | Image]:
    """Texts and images of a turn, in their order. Raises CannotSayError for anything else (sound, files)."""
    for part in parts_of(turn):
        if part.get("type") in IMAGES:
            yield image_of(part)
        elif "text" in part:
            yield str(part["text"])
        elif part.get("type") == "refusal":
            yield str(part.get("refusal") or "")
        else:
            raise CannotSayError(f"a part of a message of type {str(part.get('type'))[:40]!r}")


def image_of(part: Mapping[str, Any]) -> Image:
    """An image as chat completions have it. Raises CannotSayError for what is none."""
    said = part.get("image_url") or part.get("image") or ""
    url = str(said.get("url") or "") if isinstance(said, Mapping) else str(said)
    if not url.startswith("data:"):
        if not url.startswith(("https://", "http://")):
            raise CannotSayError("an image without its bytes or its address")
        return Image(url=url)
    head, _, data = url.removeprefix("data:").partition(",")
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise CannotSayError("an image that is not base64") from None
    return Image(kind=head.partition(";")[0], data=data)


def calls_of(turn: Turn) -> list[ToolCall]:
    """The tool calls in an assistant's turn."""
    found = []
    for one in turn.get("tool_calls") or ():
        function = one.get("function") if isinstance(one, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            arguments = function.get("arguments")
            text = arguments if isinstance(arguments, str) else orjson.dumps(arguments or {}).decode()
            found.append(ToolCall(id=str(one.get("id") or function["name"]), name=function["name"], arguments=text))
    return found


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as an object; empty where they are none."""
    try:
        found = orjson.loads(call.arguments or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def tools_of(wanted: Wanted) -> list[Tool]:
    """The tools that a conversation brings. Raises CannotSayError for those that an endpoint would have of its own."""
    found = []
    for one in wanted.talk.tools if wanted.talk is not None else ():
        function = one.get("function")
        if one.get("type") != "function" or not isinstance(function, Mapping):
            raise CannotSayError("a tool that is no function")
        parameters = function.get("parameters")
        found.append(
            Tool(
                str(function.get("name") or ""),
                str(function.get("description") or ""),
                parameters if isinstance(parameters, Mapping) else {"type": "object", "properties": {}},
            )
        )
    return found


def choice_of(settings: Mapping[str, Any]) -> str:
    """Which tool is to be called: "auto", "none", "required", or "=" and its name; "" where nothing is said."""
    said = settings.get("tool_choice")
    if isinstance(said, Mapping):
        function = said.get("function")
        return f"={function.get('name')}" if isinstance(function, Mapping) else ""
    return said if isinstance(said, str) else ""


def form_words(form: Mapping[str, Any]) -> str:
    """A `response_format` in words, for where nothing holds an answer to it."""
    said = form.get("json_schema")
    schema = said.get("schema") if isinstance(said, Mapping) else None
    fits = f" that fits this JSON schema: {orjson.dumps(schema).decode()}" if isinstance(schema, Mapping) else "."
    return f"Answer with a JSON value only, no comment{fits}"


def stops_of(settings: Mapping[str, Any]) -> list[str]:
    """The texts at which the answer is to end."""
    said = settings.get("stop")
    return [said] if isinstance(said, str) else [str(one) for one in said or ()]


def only(settings: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Settings by the names that a dialect has for them."""
    return {there: settings[here] for here, there in names.items() if settings.get(here) is not None}

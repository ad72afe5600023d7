"""The first JSON value in a text: parsing as repair. Bounded work whatever the text."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

LONGEST = 1_000_000  # characters; nobody's answer to a microtask is longer
DEEPEST = 64
STARTS = 16  # brackets tried as the beginning of a value

_BRACKET = re.compile(r"[{\[]")
_BEGUN = re.compile(r"[{\[]\s*[\"{\[\d]")
_INSIDE = re.compile(r'[{}\[\]"]')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def first_json(text: str) -> str | None:
    """The text of the first balanced JSON value in a text, or None.

    The whole text when it is JSON; else what a code fence around it holds; else the first object or array that
    parses, which is none where one was begun before it and never ended. Only the first 1,000,000 characters, 16 opening
    brackets and 64 levels are looked at.

    >>> first_json('Here you are:\\n{"a": [1, "}"]} I hope it helps'), first_json("none"), first_json(" 12 ")
    ('{"a": [1, "}"]}', None, '12')
    """
    text = text[:LONGEST].strip()
    for whole in (text, _inside_fence(text)):
        if whole and _depth_is_bounded(whole) and parsed(whole) is not None:
            return whole
    for count, start in enumerate(_BRACKET.finditer(text)):
        if count == STARTS:
            break
        end = _end_of_value(text, start.start())
        if end is None and _BEGUN.match(text, start.start()):
            return None  # it was cut: what stands inside it is a part of the answer and not the answer
        if end is not None and parsed(text[start.start() : end]) is not None:
            return text[start.start() : end]
    return None


def parsed(text: str) -> tuple[Any] | None:
    """The value in a tuple (it may be null), or None when the text is not JSON."""
    try:
        return (from_json(text, allow_inf_nan=False),)
    except ValueError:
        return None


def _inside_fence(text: str) -> str:
    if not (text.startswith("```") and text.endswith("```")):
        return ""
    return text[:-3].partition("\n")[2].strip()


def _depth_is_bounded(text: str) -> bool:
    return not _BRACKET.match(text) or _end_of_value(text, 0) is not None


def _end_of_value(text: str, start: int) -> int | None:
    """Where the value that opens at `start` is closed; None when it is not, or nests deeper than 64 levels."""
    closers: list[str] = []
    position = start
    while found := _INSIDE.search(text, position):
        mark, position = found.group(), found.end()
        if mark == '"':
            string = _STRING.match(text, found.start())
            if string is None:
                return None
            position = string.end()
        elif mark in "{[":
            closers.append("}" if mark == "{" else "]")
            if len(closers) > DEEPEST:
                return None
        elif closers.pop() != mark:
            return None
        elif not closers:
            return position
    return None

"""What a text of JSON is read into: a tree that keeps how each piece was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """What stood in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """What stood without quotes: a number, true, null, or a word."""

    value: str


@dataclass(frozen=True, slots=True)
class Many:
    """An array."""

    items: tuple[Raw, ...]
    cut: bool = False  # the text ended before it did


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object, its keys in order, perhaps several times."""

    items: tuple[tuple[str, Raw], ...]
    cut: bool = False


Raw: TypeAlias = Text | Word | Many | Pairs


class Unreadable(Exception):
    """The text there is no value that can be read in one way."""


def strict(text: str, start: int) -> tuple[Raw, int] | None:
    """The value of proper JSON that begins there, and where it ends; None when there is none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return _tree(value), end


def _tree(value: object) -> Raw:
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, list):
        return Many(tuple(map(_tree, value)))
    if isinstance(value, Pairs | Word):
        return value
    return Word("null" if value is None else "true" if value else "false")


def _no_constant(name: str) -> Word:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Pairs(tuple((key, _tree(value)) for key, value in pairs)),
    parse_int=Word,
    parse_float=Word,
    parse_constant=_no_constant,
)

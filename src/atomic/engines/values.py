"""Values of JSON: out of a tree without a type, their equality, and the spellings of names."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from atomic.engines.shapes import Shape
from atomic.engines.tree import Many, Raw, Text, Word

NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


class Misfit(Exception):
    """The value there does not fit its shape."""


def plain(raw: Raw) -> Any:
    """A tree as JSON, where nothing says what it should be. Raises Misfit for what only a type could tell."""
    if isinstance(raw, Text):
        return raw.value
    if isinstance(raw, Word):
        named = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
        if raw.value in named:
            return named[raw.value]
        if not NUMBER.fullmatch(raw.value):
            raise Misfit("a word without quotes")
        return json.loads(raw.value)
    if raw.cut:
        raise Misfit("cut")
    if isinstance(raw, Many):
        return [plain(one) for one in raw.items]
    found = {key: plain(inner) for key, inner in raw.items}
    if len(found) != len(raw.items):
        raise Misfit("a key twice")
    return found


def same(one: Any, other: Any, *, nulls: bool = False) -> bool:
    """Whether two JSON values are equal; 1 is 1.0, and neither is true. `nulls`: a key that is absent may be null."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() | other.keys() if nulls else one.keys()
        if not nulls and keys != other.keys():
            return False
        return all(same(one.get(key), other.get(key), nulls=nulls) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair, nulls=nulls) for pair in zip(one, other, strict=True))
    return bool(one == other)


def obeys(shape: Shape, value: Any) -> bool:
    """Whether a value keeps the limits that tell a union's members apart; the schema's validator has the last word."""
    limits = shape.limits
    if isinstance(value, str) and "pattern" in limits and not re.search(limits["pattern"], value):
        return False
    size = len(value) if isinstance(value, str | list) else value
    if isinstance(size, bool) or not isinstance(size, int | float):
        return True
    least = [limits[one] for one in ("minimum", "minLength", "minItems") if one in limits]
    most = [limits[one] for one in ("maximum", "maxLength", "maxItems") if one in limits]
    return all(size >= one for one in least) and all(size <= one for one in most)


def folded(text: str) -> str:
    """Letters and digits alone, without case: words apart or joined are one spelling."""
    return "".join(one for one in unicodedata.normalize("NFC", text).casefold() if one.isalnum())

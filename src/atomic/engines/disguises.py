"""JSON that a whole text holds in another writing: as a text of JSON, with marks doubled, or as a call."""

from __future__ import annotations

import json
import re

# Without an end in sight a text is not searched for one again from each of its brackets.
_DOUBLED_QUOTES = re.compile(r'[{\[]\s*(?:[{\[]\s*)?""[^"]')
_CALL = re.compile(r"[A-Za-z_][\w.]*\(\s*(?=[A-Za-z_]\w*\s*=)(.*)\)", re.DOTALL)
_TUPLE = re.compile(r"\((\s*[\"'\d+\-][^()]*)\)")
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?([^{}]*)\}")


def undisguised(text: str) -> str | None:
    """The JSON, or what is read as such, that a text is in another writing; None when it is none.

    >>> undisguised('{\\\\"age\\\\": 42}'), undisguised('{""age"": 42}'), undisguised("Person(name='Anna', age=42)")
    ('{"age": 42}', '{"age": 42}', "{name='Anna', age=42}")
    """
    return next((found for way in (_text, _escaped, _doubled, _call) if (found := way(text)) is not None), None)


def boxed(text: str) -> str | None:
    """What a text has in a box, as in TeX, where that is one thing.

    >>> boxed(r"So it is \\\\boxed{42}.")
    '42'
    """
    found = {one.strip() for one in _BOXED.findall(text)}
    return found.pop() if len(found) == 1 else None


def _text(text: str) -> str | None:
    if not text.startswith('"'):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found.strip() if isinstance(found, str) and found.strip()[:1] in ("{", "[") else None


def _escaped(text: str) -> str | None:
    """A text of JSON without the quotes around it."""
    return _text(f'"{text}"') if re.match(r"[{\[]\s*\\[\"n]", text) else None


def _doubled(text: str) -> str | None:
    """Quotes as tables (CSV) double them."""
    whole = _DOUBLED_QUOTES.match(text) and text.count('""') * 2 == text.count('"')
    return text.replace('""', '"') if whole else None


def _call(text: str) -> str | None:
    """A call with named arguments, as Python shows an object; a tuple."""
    if found := _CALL.fullmatch(text):
        return f"{{{found[1]}}}"
    inside = _TUPLE.fullmatch(text)
    return f"[{inside[1]}]" if inside and "," in inside[1] else None

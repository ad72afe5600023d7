"""Answers that are laid out for people: lines of key and value, tables, lists with bullets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from atomic.engines.loose_json import Loose
from atomic.engines.tree import Many, Pairs, Raw, Text, Unreadable, Word
from atomic.engines.values import folded

LONGEST = 4_000  # characters of a line
_LINE = re.compile(r"\s*(?:[-*•]\s+|\d+[.)]\s+)?\**_?[\"`]?([^:=\n|{}\[\]]{1,60}?)[\"`]?_?\**\s*(?::|=)\s*(.*?)\s*")
_BULLET = re.compile(r"(?:[-*•–]|\d+[.)])\s+(.*\S)\s*")

_EMPHASIS = re.compile(r"\A\*\*([^*]+)\*\*\Z")
_ELEMENT = re.compile(r"<([A-Za-z_][\w.\-]*)>(.*?)</\1\s*>", re.DOTALL)


def key_lines(text: str, keys: Iterable[str] = ()) -> Pairs | None:
    """A text of lines `key: value` as an object; None where lines run on, or a key has no value.

    Where no keys are known, every line is one.

    >>> key_lines("Here it is:\\n**Name**: Anna\\nAge: 42", ["name", "age"]).items[1]
    ('Age', Text(value='42'))
    """
    known = {folded(one) for one in keys}
    pairs: list[tuple[str, Raw]] = []
    inside = False
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip()) if len(line) <= LONGEST else None
        if found and (folded(found[1]) in known or not known):
            value = _value(found[2].strip("*").strip())
            if value is None:
                return None
            pairs.append((found[1].strip(), value))
            inside = True
        elif not line.strip() or line.strip().startswith(("```", "---")):
            inside = False
        elif inside or not known or (found and pairs):
            return None
    return Pairs(tuple(pairs)) if pairs else None


def elements(text: str, keys: Iterable[str]) -> Pairs | None:
    """A text of elements `<key>value</key>`, perhaps inside another, as an object; None where one holds more tags.

    >>> elements("<person><name>Anna</name> <age>42</age></person>", ["name", "age"]).items[1]
    ('age', Text(value='42'))
    """
    if len(text) > LONGEST:
        return None
    outer = _ELEMENT.fullmatch(text.strip())
    inside = outer[2] if outer and "<" in outer[2] else text
    known = {folded(one) for one in keys}
    found = list(_ELEMENT.finditer(inside))
    if (
        not found
        or any(folded(one[1]) not in known or "<" in one[2] for one in found)
        or _ELEMENT.sub("", inside).strip()
    ):
        return None
    return Pairs(tuple((one[1], _said(html.unescape(one[2].strip()))) for one in found))


def key_rows(text: str, keys: Iterable[str]) -> Pairs | None:
    """The only table of a text as an object, where it has a key and its value in each row; else None."""
    rows = _rows(text)
    known = {folded(one) for one in keys}
    if rows is None or len(rows[0]) != 2 or any(folded(one) in known for one in rows[0]):
        return None
    pairs = [(key.strip("*`"), _said(value)) for key, value in rows[1:]]
    return Pairs(tuple(pairs)) if all(folded(key) in known for key, _ in pairs) else None


def table(text: str, keys: Iterable[str]) -> Many | None:
    """The only table of a text as a list of objects; None where a column is no key."""
    rows = _rows(text)
    if rows is None:
        return None
    heads = [one.strip("*`") for one in rows[0]]
    known = {folded(one) for one in keys}
    if any(folded(one) not in known for one in heads) or len(set(map(folded, heads))) != len(heads):
        return None
    return Many(
        tuple(Pairs(tuple((head, _said(cell)) for head, cell in zip(heads, row, strict=True))) for row in rows[1:])
    )


def bullets(text: str) -> Many | None:
    """The only list with bullets of a text; None for nested ones, and where lines run on."""
    items: list[Raw] = []
    state = "before"
    for line in text.splitlines():
        found = _BULLET.fullmatch(line)
        if found and state != "after":
            items.append(Text(_bare(_EMPHASIS.sub(r"\1", found[1]))))
            state = "inside"
        elif not line.strip() or line.strip().startswith("```"):
            state = "after" if items and line.strip() else state
        elif found or state == "inside" or (re.match(r"\s+\S", line) and items):
            return None
    if len(items) < 2 or any("**" in one.value for one in items if isinstance(one, Text)):
        return None
    return Many(tuple(items))


def _rows(text: str) -> list[list[str]] | None:
    """The head and the rows of the only table of a text; None where there is none, or a row is longer or shorter."""
    lines = [one.strip() for one in text.splitlines()]
    rows = [_cells(one) for one in lines if one.startswith("|") and one.endswith("|") and len(one) > 1]
    first = next((number for number, one in enumerate(lines) if one.startswith("|")), None)
    if first is None or len(rows) < 3 or not all(re.fullmatch(r":?-+:?", one) for one in rows[1]):
        return None
    together = all(one.startswith("|") for one in lines[first : first + len(rows)])
    return [rows[0], *rows[2:]] if together and all(len(one) == len(rows[0]) for one in rows) else None


def _value(text: str) -> Raw | None:
    if not text or text in ("|", ">", "|-", ">-"):
        return None
    if text[0] in "[{":
        loose = Loose(text)
        try:
            raw = loose.value()
        except Unreadable:
            return None
        return raw if loose.position == len(text) and not (isinstance(raw, Many | Pairs) and raw.cut) else None
    return _said(text.rstrip(","))


def _said(text: str) -> Raw:
    """What stands there bare: a text, or nothing in a word of its own."""
    return Word("null") if text.casefold() in ("null", "none", "~") else Text(_bare(text))


def _bare(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def _cells(line: str) -> list[str]:
    return [one.strip() for one in line.strip("|").split("|")]

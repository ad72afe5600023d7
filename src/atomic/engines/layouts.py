"""Answers that are laid out for people: lines of key and value, tables, lists with bullets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from atomic.engines.loose_json import Loose
from atomic.engines.tree import Many, Pairs, Raw, Text, Unreadable
from atomic.engines.values import folded

LONGEST = 4_000  # characters of a line
_LINE = re.compile(r"\s*(?:[-*•]\s+|\d+[.)]\s+)?\**_?[\"`]?([^:=\n|{}\[\]]{1,60}?)[\"`]?_?\**\s*(?::|=)\s*(.*?)\s*")
_BULLET = re.compile(r"(?:[-*•–]|\d+[.)])\s+(.*\S)\s*")


def key_lines(text: str, keys: Iterable[str]) -> Pairs | None:
    """A text of lines `key: value` as an object; None where lines run on, or a key has no value.

    >>> key_lines("Here it is:\\n**Name**: Anna\\nAge: 42", ["name", "age"]).items[1]
    ('Age', Text(value='42'))
    """
    known = {folded(one) for one in keys}
    pairs: list[tuple[str, Raw]] = []
    inside = False
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip()) if len(line) <= LONGEST else None
        if found and folded(found[1]) in known:
            value = _value(found[2].strip("*").strip())
            if value is None:
                return None
            pairs.append((found[1].strip(), value))
            inside = True
        elif not line.strip() or line.strip().startswith(("```", "---")):
            inside = False
        elif inside or (found and pairs):
            return None
    return Pairs(tuple(pairs)) if pairs else None


def table(text: str, keys: Iterable[str]) -> Many | None:
    """The only table of a text as a list of objects; None where a column is no key."""
    lines = [one.strip() for one in text.splitlines()]
    rows = [_cells(one) for one in lines if one.startswith("|") and one.endswith("|") and len(one) > 1]
    first = next((number for number, one in enumerate(lines) if one.startswith("|")), None)
    if first is None or len(rows) < 3 or not all(re.fullmatch(r":?-+:?", one) for one in rows[1]):
        return None
    block = lines[first : first + len(rows)]
    heads = [one.strip("*`") for one in rows[0]]
    known = {folded(one) for one in keys}
    if not all(one.startswith("|") for one in block) or any(folded(one) not in known for one in heads):
        return None
    if len(set(map(folded, heads))) != len(heads) or any(len(one) != len(heads) for one in rows):
        return None
    return Many(
        tuple(Pairs(tuple((head, Text(cell)) for head, cell in zip(heads, row, strict=True))) for row in rows[2:])
    )


def bullets(text: str) -> Many | None:
    """The only list with bullets of a text; None for nested ones, and where lines run on."""
    items: list[Raw] = []
    state = "before"
    for line in text.splitlines():
        found = _BULLET.fullmatch(line)
        if found and state != "after":
            items.append(Text(_bare(found[1])))
            state = "inside"
        elif not line.strip() or line.strip().startswith("```"):
            state = "after" if items and line.strip() else state
        elif found or state == "inside" or (re.match(r"\s+\S", line) and items):
            return None
    if len(items) < 2 or any("**" in one.value for one in items if isinstance(one, Text)):
        return None
    return Many(tuple(items))


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
    return Text(_bare(text.rstrip(",")))


def _bare(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text


def _cells(line: str) -> list[str]:
    return [one.strip() for one in line.strip("|").split("|")]

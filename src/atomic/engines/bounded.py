"""A JSON schema with an end: every text, list and number limited, recursion unrolled, so that any answer fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atomic.engines.room import LONGEST_TEXT, ROOM, Room, Schema, Unsupported

CHARACTERS_PER_TOKEN = 2  # what dense text comes to
LEAST_TEXT = 40  # characters; less says too little, as long as fewer list items or levels help
SHORTEST_TEXT = 8
# Items of a list and levels of recursion that are tried, the roomiest first.
_ROOMS = ((8, 4), (6, 3), (4, 3), (4, 2), (3, 2), (2, 2), (2, 1), (1, 1), (1, 0), (0, 0))


@dataclass(frozen=True, slots=True)
class Bounded:
    """A limited schema, and the same with a mark (`ROOM`) on all that the budget ends, and not its type."""

    schema: Schema
    marked: Schema


def bounded(schema: Mapping[str, Any], max_tokens: int) -> Bounded:
    """The schema within a budget of tokens. Raises Unsupported when there is no room, or for what cannot be limited.

    Lists get fewer items and recursion fewer levels until every text has at least 40 characters; 8 must do in the end.

    >>> bounded({"type": "array", "items": {"type": "string"}}, 512).schema["maxItems"]
    9
    """
    budget = CHARACTERS_PER_TOKEN * max_tokens
    last: tuple[int, Room] | None = None
    for items, levels in _ROOMS:
        room = Room(schema, items, levels)
        made = room.value(schema, levels)
        if made is None:
            continue
        size = made[1]
        left = budget - size.fixed
        each = min(LONGEST_TEXT, left // size.texts) if size.texts else LONGEST_TEXT
        if left >= 0 and each >= SHORTEST_TEXT:
            last = (each, room)
            if each >= LEAST_TEXT:
                break
    if last is None:
        raise Unsupported(f"{max_tokens} tokens are no room for any answer")
    each, room = last
    final = Room(schema, room.items, room.levels, text=each)
    made = final.value(schema, final.levels)
    assert made is not None, "it was made with the same room before"
    document = made[0] | ({"$defs": final.defs} if final.defs else {})
    return Bounded(_clean(document), document)


def _clean(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _clean(one) for key, one in node.items() if not (key == ROOM and one is True)}
    return [_clean(one) for one in node] if isinstance(node, list) else node

"""A JSON schema with an end: every text, list and number limited, recursion unrolled, so that any answer fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from atomic.engines.room import LONGEST_TEXT, Room, Schema, Unsupported

CHARACTERS_PER_TOKEN = 2  # what dense text comes to
LEAST_TEXT = 40  # characters; less says too little, as long as fewer list items or levels help
SHORTEST_TEXT = 8
# Items of a list and levels of recursion that are tried, the roomiest first.
_ROOMS = ((8, 4), (6, 3), (4, 3), (4, 2), (3, 2), (2, 2), (2, 1), (1, 1), (1, 0), (0, 0))


@dataclass(frozen=True, slots=True)
class Bounded:
    """A limited schema. A text as long as one of `cut_at` was ended by the budget, not by its type or its writer."""

    schema: Schema
    cut_at: frozenset[int]


def bounded(schema: Mapping[str, Any], max_tokens: int) -> Bounded:
    """The schema within a budget of tokens. Raises Unsupported when there is no room, or for what cannot be limited.

    Lists get fewer items and recursion fewer levels until every text has at least 40 characters; 8 must do in the end.

    >>> bounded({"type": "array", "items": {"type": "string"}}, 512).schema["maxItems"]
    8
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
    final = Room(schema, room.items, room.levels, text=_unlike(schema, each))
    made = final.value(schema, final.levels)
    assert made is not None, "it was made with the same room before"
    document = made[0] | ({"$defs": final.defs} if final.defs else {})
    return Bounded(document, frozenset(final.cut_at))


def _unlike(schema: Mapping[str, Any], each: int) -> int:
    """A limit of texts that no type sets itself, so that whose it was can be told from a text's length."""
    least = {_length(one, "minLength") for one in _nodes(schema)} | {0}
    own = {_length(one, "maxLength") for one in _nodes(schema)}
    while each > 1 and any(one + limit in own for one in least for limit in (each, each // 2)):
        each -= 1
    return each


def _length(node: Mapping[str, Any], name: str) -> int:
    said = node.get(name)
    return said if isinstance(said, int) else 0


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for one in value.values():
            yield from _nodes(one)
    elif isinstance(value, list):
        for one in value:
            yield from _nodes(one)

"""Whether an answer filled the room that its tokens left: then its end is nobody's word, and it is not whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from atomic.engines.room import ROOM

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip


def filled(schema: Mapping[str, Any], value: Any) -> str:
    """What in a value ended where a marked schema ends it, such as "a list"; empty where its writer ended all of it.

    >>> filled({"type": "array", "maxItems": 2, "x-room": True, "items": {"type": "integer"}}, [1, 2])
    'a list'
    """
    return _filled(schema, schema.get("$defs", {}), value)


def _filled(node: Any, defs: Mapping[str, Any], value: Any) -> str:
    if not isinstance(node, dict):
        return ""
    if "anyOf" in node:
        ways = [_filled(one, defs, value) for one in node["anyOf"] if _may_be(one, defs, value)]
        said = "" if "" in ways or not ways else ways[0]
        return said or ("what it is made of" if ROOM in node else "")
    if "$ref" in node:
        inner = _filled(defs[node["$ref"].rpartition("/")[2]], defs, value)
        return inner or ("what it is made of" if ROOM in node else "")
    return _ends(node, value) or next(filter(None, (_filled(one, defs, part) for one, part in _parts(node, value))), "")


def _ends(node: Mapping[str, Any], value: Any) -> str:
    if ROOM not in node:
        return ""
    if isinstance(value, str) and "maxLength" in node:
        return "a text" if len(value) >= node["maxLength"] else ""
    if isinstance(value, list) and "maxItems" in node:
        return "a list" if len(value) >= node["maxItems"] else ""
    if isinstance(value, dict) and "maxProperties" in node:
        return "a dictionary" if len(value) >= node["maxProperties"] else ""
    return "what it is made of"  # of several forms only this one was left


def _parts(node: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        named, others = node.get("properties", {}), list(node.get("patternProperties", {}).values())
        for key, part in value.items():
            yield named.get(key, others[0] if len(others) == 1 else None), part
    elif isinstance(value, list):
        first = node.get("prefixItems", [])
        for at, part in enumerate(value):
            yield first[at] if at < len(first) else node.get("items"), part


def _may_be(node: Any, defs: Mapping[str, Any], value: Any) -> bool:
    """Whether a value can be one of a form, as far as its kind, its keys and its choices say."""
    if "anyOf" in node:
        return any(_may_be(one, defs, value) for one in node["anyOf"])
    if "$ref" in node:
        return _may_be(defs[node["$ref"].rpartition("/")[2]], defs, value)
    if "enum" in node:
        return value in node["enum"]
    kind = node.get("type")
    if kind is not None and (not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return False
    if not isinstance(value, dict) or "properties" not in node:
        return True
    if not set(node.get("required", ())) <= set(value) <= set(node["properties"]):
        return False
    return all(_may_be(node["properties"][key], defs, part) for key, part in value.items())

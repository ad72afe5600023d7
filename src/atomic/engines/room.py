"""One way of limiting a JSON schema: so many items, so many levels of recursion, texts of so many characters.

What is ended here and not by its type is marked (`ROOM`), so that it can be told from what its writer ended. Lists and
dictionaries may take one more than there is room for: who takes it would have gone on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atomic.engines.decoding_schema import FORMATS, PLAIN_FORMATS, whole, with_letters

Schema = dict[str, Any]

ROOM = "x-room"  # the key that marks what is ended by the room there is
LONGEST_TEXT = 4_000
OWN_LIMIT = 48  # a text that its type limits to this has that, whatever the budget
KEY = 24  # characters of a key that the type leaves open
WHOLE_NUMBER = 10**12
NUMBER = 10**9
PLACES = 1e-6
FINE = 1e-10  # where the bounds are close
_KEPT = ("type", "minLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SAID_ONLY = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "discriminator",
              "uniqueItems", "$schema", "$comment"}  # fmt: skip


class Unsupported(Exception):
    """The type cannot be held; the message says why."""


@dataclass(frozen=True, slots=True)
class Size:
    """The most characters a value may have: those that are sure, and how many texts share what is left."""

    fixed: int = 0
    texts: int = 0

    def plus(self, other: Size, times: int = 1) -> Size:
        """This and some of another."""
        return Size(self.fixed + times * other.fixed, self.texts + times * other.texts)


# Tried with the version inside xllamacpp 2026.10: after such a character a text may end, whatever its pattern says.
_ESCAPED = re.compile(r'["\x00-\x1f]|\\[\\nrtfvx]')

Made = tuple[Schema, Size] | None  # None: no value is possible, as where recursion must end


@dataclass(slots=True)
class Room:
    """So many items of each list, levels of recursion, and characters of each text that its type leaves open."""

    whole: Mapping[str, Any]
    items: int
    levels: int
    text: int = LONGEST_TEXT
    defs: dict[str, Any] = field(default_factory=dict)
    _made: dict[tuple[str, int], Made] = field(default_factory=dict)
    _open: set[tuple[str, int]] = field(default_factory=set)

    def value(self, node: Any, level: int) -> Made:
        """The limited schema of a value and its size."""
        if node is False:
            return None
        if node is True or not (set(node) - _SAID_ONLY - {"$defs"}):
            return self._anything()
        if "$ref" in node:
            return self._named(str(node["$ref"]), level)
        if choice := next((one for one in ("anyOf", "oneOf", "allOf") if one in node), ""):
            if choice == "allOf" and len(node[choice]) > 1:
                raise Unsupported("allOf with more than one part cannot be limited")
            return self._either([self.value(_beside(one, node, choice), level) for one in node[choice]])
        if "const" in node or "enum" in node:
            return _one_of(node["enum"] if "enum" in node else [node["const"]])
        kind = node.get("type", "object" if "properties" in node else None)
        if isinstance(kind, list):
            return self._either([self.value({**node, "type": one}, level) for one in kind])
        return self._of_kind(kind, node, level)

    def _of_kind(self, kind: Any, node: Mapping[str, Any], level: int) -> Made:
        match kind:
            case "object":
                return self._object(node, level)
            case "array":
                return self._array(node, level)
            case "string":
                return self._string(node)
            case "integer" | "number":
                return self._number(node)
            case "boolean" | "null":
                return {"type": kind}, Size(5)
        raise Unsupported(f"a schema of {', '.join(sorted(set(node) - _SAID_ONLY)[:4])} cannot be held")

    def _named(self, ref: str, level: int) -> Made:
        """A definition, once per level; meeting itself again takes a level."""
        if not ref.startswith("#/$defs/"):
            raise Unsupported("it refers to something outside its schema")
        name = ref.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        key = (name, level)
        if key in self._open:
            return self._named(ref, level - 1) if level > 0 else None
        if key not in self._made:
            self._open.add(key)
            try:
                self._made[key] = self.value(self.whole["$defs"][name], level)
            finally:
                self._open.discard(key)
            if (made := self._made[key]) is not None:
                self.defs[self._place(key)] = made[0]
        made = self._made[key]
        return None if made is None else ({"$ref": f"#/$defs/{self._place(key)}"}, made[1])

    def _place(self, key: tuple[str, int]) -> str:
        return f"d{list(self.whole['$defs']).index(key[0])}_{key[1]}"

    def _either(self, made: Sequence[Made]) -> Made:
        possible = [one for one in made if one is not None]
        if not possible:
            return None
        size = Size(max(one.fixed for _, one in possible), max(one.texts for _, one in possible))
        ended = {} if len(possible) == len(made) else {ROOM: True}
        if len(possible) == 1:
            return {**possible[0][0], **ended}, size
        return {"anyOf": [one for one, _ in possible], **ended}, size

    def _anything(self) -> Made:
        scalars = [self._string({}), self._number({"type": "number"}), ({"type": "boolean"}, Size(5)), _NULL]
        return self._either(scalars)

    def _object(self, node: Mapping[str, Any], level: int) -> Made:
        properties: Schema = {}
        size = Size(2)
        required = [name for name in node.get("required", ()) if name in node.get("properties", {})]
        for name, inner in node.get("properties", {}).items():
            made = self.value(inner, level)
            if made is not None:
                properties[name] = made[0]
                size = size.plus(Size(len(name) + 6)).plus(made[1])
            elif name in required:
                return None
        found: Schema = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        if "properties" in node or node.get("additionalProperties") is False:
            return found, size
        return self._mapping(node, level)

    def _mapping(self, node: Mapping[str, Any], level: int) -> Made:
        """A dictionary: keys with an end, and at most so many."""
        patterns = node.get("patternProperties") or {self._key(node): node.get("additionalProperties", True)}
        least = int(node.get("minProperties", 0))
        most, end, ours = self._end(least, node.get("maxProperties"))
        found: Schema = {"type": "object", "additionalProperties": False, "minProperties": least}
        found |= _ended("maxProperties", end, ours)
        size, held = Size(2), {}
        for pattern, inner in patterns.items():
            made = self.value(inner, level)
            if made is not None:
                held[pattern] = made[0]
                size = size.plus(made[1].plus(Size(KEY + 6)), most)
        if not held or not most:
            return None if least else ({"type": "object", "properties": {}, "additionalProperties": False}, Size(2))
        return found | {"patternProperties": held}, size

    def _key(self, node: Mapping[str, Any]) -> str:
        names = node.get("propertyNames", {})
        if "$ref" in names:
            names = self.whole["$defs"][str(names["$ref"]).removeprefix("#/$defs/")]
        if "enum" in names or "const" in names:
            return whole("|".join(_escaped(str(one)) for one in names.get("enum", [names.get("const")])))
        if "pattern" in names:
            return with_letters(names["pattern"])
        if (kind := names.get("format")) in FORMATS:
            return whole(FORMATS[kind])
        if kind is not None and kind not in PLAIN_FORMATS:
            raise Unsupported(f"keys of the format {kind} cannot be held")
        least, most = int(names.get("minLength", 1)), int(names.get("maxLength", KEY))
        return rf"^[\p{{L}}\p{{N}}_ -]{{{least},{max(least, min(most, KEY))}}}$"

    def _array(self, node: Mapping[str, Any], level: int) -> Made:
        first = [self.value(one, level) for one in node.get("prefixItems", ())]
        least = int(node.get("minItems", 0))
        if None in first[:least]:
            return None
        held = [one for one in first if one is not None]
        size = Size(2)
        for _, one in held:
            size = size.plus(one.plus(Size(2)))
        rest = None if first and "items" not in node else self.value(node.get("items", True), level)
        most, end, ours = self._end(max(least, len(held)), node.get("maxItems"))
        if rest is None:
            if least > len(held):
                return None
            open_ended = node.get("items", not first) is not False
            end, ours = len(held), open_ended and end > len(held)
        else:
            size = size.plus(rest[1].plus(Size(2)), max(0, most - len(held)))
        found: Schema = {"type": "array", "minItems": least, **_ended("maxItems", end, ours)}
        found["items"] = False if rest is None or end == len(held) else rest[0]
        return found | ({"prefixItems": [one for one, _ in held]} if held else {}), size

    def _end(self, least: int, own: Any) -> tuple[int, int, bool]:
        """For how many there is room, where it ends, and whether that is ours: one later, unless its type ends it."""
        most = max(least, self.items)
        if own is None or own > most + 1:
            return most, most + 1, True
        return min(most, max(least, int(own))), max(least, int(own)), False

    def _string(self, node: Mapping[str, Any]) -> Made:
        found: Schema = {"type": "string"} | {name: node[name] for name in _KEPT if name in node}
        if "pattern" in found:
            if _ESCAPED.search(found["pattern"]):
                raise Unsupported("llama.cpp does not hold patterns of characters that JSON escapes")
            found["pattern"] = with_letters(found["pattern"])
        kind = node.get("format", node.get("contentMediaType"))
        if kind in FORMATS:
            return {"type": "string", "pattern": whole(FORMATS[kind])}, Size(_FORMAT_SIZES[kind])
        if kind is not None and kind not in PLAIN_FORMATS:
            if kind not in _SHORT_FORMATS:
                raise Unsupported(f"texts of the format {kind} cannot be held")
            return {"type": "string", "format": _SHORT_FORMATS[kind]}, Size(47)
        least = int(node.get("minLength", 0))
        own = node.get("maxLength")
        if own is not None and own <= max(OWN_LIMIT, least):
            return found | {"maxLength": own}, Size(own + 2)
        end = least + (self.text // 2 if "pattern" in found else self.text)  # digits and codes: a token a character
        ours = own is None or end < own
        return found | ({"maxLength": end, ROOM: True} if ours else {"maxLength": own}), Size(least + 2, 1)

    def _number(self, node: Mapping[str, Any]) -> Made:
        found: Schema = {name: node[name] for name in _KEPT if name in node}
        whole_number = node["type"] == "integer"
        most: float = WHOLE_NUMBER if whole_number else NUMBER
        low = node.get("minimum", node.get("exclusiveMinimum"))
        high = node.get("maximum", node.get("exclusiveMaximum"))
        if low is None:
            found["minimum"] = -most if high is None or high > -most else high * 10
        if high is None:
            found["maximum"] = most if low is None or low < most else low * 10
        if not whole_number:
            near = low is not None and high is not None and high - low < 1e3 * PLACES
            found.setdefault("multipleOf", FINE if near else PLACES)
        return found, Size(18)


def _ended(limit: str, end: int, ours: bool) -> Schema:
    return {limit: end, ROOM: True} if ours else {limit: end}


_NULL: tuple[Schema, Size] = ({"type": "null"}, Size(4))
_FORMAT_SIZES = {"date": 12, "time": 10, "date-time": 27, "duration": 20, "email": 66, "uri": 150,
                 "base64url": 66, "ipvanyaddress": 17}  # fmt: skip
_SHORT_FORMATS = {"uuid": "uuid", "uuid1": "uuid", "uuid4": "uuid", "uuid5": "uuid", "ipv4": "ipv4", "ipv6": "ipv6"}


def _one_of(values: Sequence[Any]) -> Made:
    return {"enum": list(values)}, Size(max(len(str(one)) for one in values) + 2)


def _beside(one: Any, node: Mapping[str, Any], choice: str) -> Any:
    """A branch with what stands beside the choice, as far as it limits the value."""
    more = {name: value for name, value in node.items() if name not in _SAID_ONLY | {choice, "$defs"}}
    return {**more, **one} if more and isinstance(one, dict) else one


def _escaped(text: str) -> str:
    return "".join(f"\\{one}" if one in r"\.+*?()|[]{}^$/-" else one for one in text)

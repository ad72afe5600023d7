"""Lowering: the JSON schema of a type as much of it as a dialect can hold, and its answers as the type wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Schema = Mapping[str, Any]

WRAP = "answer"  # the key of what may only be said inside an object
_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
_SAID = frozenset(
    {"title", "description", "default", "examples", "deprecated", "discriminator", "$defs", "$schema", "$id"}
)
_WALKED = frozenset(
    {
        "type",
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
    }
    | {"prefixItems", "format"}
)
_BARRED = ("if", "not", "patternProperties", "dependentSchemas", "propertyNames", "contains", "unevaluatedProperties")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """What a dialect holds an answer to, of a JSON schema.

    `keywords` are limits of values that it takes, and `formats` those of texts; `pattern` says which patterns. What
    it does not take is left to validation. `closed`: objects must refuse keys that they do not name; `every`: they must
    require all that they name, so that what may be missing is null instead. `rooted`: the answer is an object. `refs`:
    what is named may be referred to; `recursive`: also by itself. `maps`, `tuples`, `anything`: it has them. `choices`
    are the types that may be enumerated. `deepest` and `most` bound levels of objects and properties (0: no bound).
    `nullable` is spelled so instead of as a choice with null, and `upper` says that types are in capitals (OpenAPI).
    """

    keywords: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    pattern: Callable[[str], bool] = lambda _: True
    closed: bool = False
    every: bool = False
    rooted: bool = False
    refs: bool = True
    recursive: bool = True
    maps: bool = True
    tuples: bool = True
    anything: bool = True
    choices: tuple[type, ...] = (str, int, float, bool, type(None))
    empty: bool = True  # objects without properties
    deepest: int = 0
    most: int = 0
    nullable: str = ""
    upper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A schema for a dialect: `schema`, or None and `why`. `loose` are keywords that it is not held to."""

    schema: dict[str, Any] | None = None
    why: str = ""
    loose: tuple[str, ...] = ()
    wrapped: bool = False
    of: Schema = field(default_factory=dict)
    nulls: bool = False

    def read(self, text: str) -> str:
        """An answer that was held to this, as JSON of the type itself; a text that is no such JSON as it is."""
        if self.schema is None or not (self.wrapped or self.nulls):
            return text
        try:
            value = orjson.loads(text)
        except ValueError:
            return text
        if self.wrapped:
            if not isinstance(value, dict) or set(value) != {WRAP}:
                return text
            value = value[WRAP]
        return orjson.dumps(_without_nulls(self.of, value, self.of) if self.nulls else value).decode()

    @property
    def told(self) -> str:
        """What an attempt says of it."""
        if self.schema is None:
            return f"not held to its type: {self.why}"
        return "held to its type by the endpoint" + (f", but for {', '.join(self.loose)}" if self.loose else "")


class _CannotHoldError(Exception):
    """The dialect has no such type."""


def lower(schema: Schema, holds: Holds) -> Lowered:
    """The schema as far as the dialect can hold it; where it has no such type, why.

    >>> strict = Holds(closed=True, every=True, rooted=True, maps=False)
    >>> lowered = lower({"type": "array", "items": {"type": "integer", "minimum": 0}}, strict)
    >>> lowered.schema["properties"], lowered.loose, lowered.read('{"answer": [1]}')
    ({'answer': {'type': 'array', 'items': {'type': 'integer'}}}, ('minimum',), '[1]')
    >>> lower({"type": "object", "additionalProperties": {"type": "string"}}, strict).why
    'it has no objects with any keys'
    """
    work = _Lowering(schema, holds)
    try:
        root, wrapped = work.root()
    except (_CannotHoldError, RecursionError) as error:
        return Lowered(why=str(error) or "it is nested too deeply", of=schema)
    return Lowered(schema=root, loose=tuple(sorted(work.loose)), wrapped=wrapped, of=schema, nulls=work.nulls)


class _Lowering:
    def __init__(self, schema: Schema, holds: Holds) -> None:
        self._of = schema
        self._holds = holds
        self._named: dict[str, Any] = {}  # lowered, by their references
        self._open: list[str] = []
        self._properties = 0
        self.loose: set[str] = set()
        self.nulls = False

    def root(self) -> tuple[dict[str, Any], bool]:
        lowered = self.node(self._of, 0)
        if "$ref" in lowered and self._holds.rooted:
            lowered = dict(self._named[lowered["$ref"]])
        wrapped = self._holds.rooted and lowered.get("type") != "object"
        if wrapped:
            lowered = {
                "type": "object",
                "properties": {WRAP: lowered},
                "required": [WRAP],
                "additionalProperties": False,
            }
        if self._named:
            lowered["$defs"] = {name.rpartition("/")[2]: one for name, one in self._named.items()}
        if self._holds.most and self._properties > self._holds.most:
            raise _CannotHoldError(f"it has at most {self._holds.most} properties in all")
        return lowered, wrapped

    def node(self, schema: Any, depth: int) -> dict[str, Any]:
        if schema is True or schema == {} or not isinstance(schema, Mapping):
            return self._anything()
        if barred := next((one for one in _BARRED if one in schema), None):
            raise _CannotHoldError(f"it has no {barred}")
        if "$ref" in schema:
            return self._reference(schema["$ref"], depth)
        if "allOf" in schema:
            if len(schema["allOf"]) != 1:
                raise _CannotHoldError("it has no allOf")
            return self.node(
                {**schema["allOf"][0], **{key: one for key, one in schema.items() if key != "allOf"}}, depth
            )
        if "const" in schema or "enum" in schema:
            return self._described(schema, self._choice(schema.get("enum", [schema.get("const")])))
        options = schema.get("anyOf") or schema.get("oneOf")
        kind = schema.get("type")
        if options is None and isinstance(kind, list):
            options = [{**schema, "type": one} for one in kind]
        if options is not None:
            return self._described(schema, self._union([self.node(one, depth) for one in options]))
        return self._typed(schema, kind or ("object" if "properties" in schema else None), depth)

    def _typed(self, schema: Schema, kind: Any, depth: int) -> dict[str, Any]:
        holds = self._holds
        if kind not in _TYPES:
            return self._anything()
        if kind == "null" and holds.nullable:
            return {holds.nullable: True}
        lowered: dict[str, Any] = {"type": str(kind).upper() if holds.upper else kind}
        if kind == "object":
            lowered |= self._object(schema, depth + 1)
        elif kind == "array":
            lowered |= self._array(schema, depth)
        return self._described(schema, lowered | self._limits(schema))

    def _anything(self) -> dict[str, Any]:
        if not self._holds.anything:
            raise _CannotHoldError("it has no values of any type")
        return {}

    def _described(self, schema: Schema, lowered: dict[str, Any]) -> dict[str, Any]:
        said = schema.get("description")
        return {**lowered, "description": said} if isinstance(said, str) and said else lowered

    def _reference(self, name: str, depth: int) -> dict[str, Any]:
        holds = self._holds
        target: Any = self._of
        for step in name.removeprefix("#/").split("/") if name != "#" else ():
            target = target.get(step.replace("~1", "/").replace("~0", "~"), {})
        if name in self._open and not (holds.refs and holds.recursive):
            raise _CannotHoldError("it has no types within themselves")
        if not holds.refs:
            self._open.append(name)
            lowered = self.node(target, depth)
            self._open.pop()
            return lowered
        if name == "#":
            raise _CannotHoldError("it has no references to the whole")
        local = f"#/$defs/{name.rpartition('/')[2]}"
        if local not in self._named:
            self._named[local] = {}
            self._open.append(name)
            self._named[local] = self.node(target, depth)
            self._open.pop()
        return {"$ref": local}

    def _choice(self, values: Sequence[Any]) -> dict[str, Any]:
        kinds = {type(one) for one in values}
        if not kinds <= set(self._holds.choices):
            names = {str: "string", int: "integer", float: "number", bool: "boolean"}
            if len(kinds) != 1 or (kind := names.get(kinds.pop())) is None:
                raise _CannotHoldError("it has no choices but of texts")
            self.loose.add("enum")
            return {"type": kind.upper() if self._holds.upper else kind}
        lowered: dict[str, Any] = {"enum": list(values)}
        if kinds == {str}:
            lowered = {"type": "STRING" if self._holds.upper else "string", **lowered}
        return lowered

    def _union(self, options: list[dict[str, Any]]) -> dict[str, Any]:
        nullable = self._holds.nullable
        nulls = [one for one in options if nullable and one == {nullable: True}]
        others = [one for one in options if one not in nulls]
        lowered = others[0] if len(others) == 1 else {"anyOf": others}
        if not others:
            return {nullable: True}
        return {**lowered, nullable: True} if nulls else lowered

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        holds, properties = self._holds, schema.get("properties") or {}
        others = schema.get("additionalProperties")
        if holds.deepest and depth > holds.deepest:
            raise _CannotHoldError(f"it has at most {holds.deepest} objects within each other")
        if (isinstance(others, Mapping) or others is True) and not holds.maps:
            raise _CannotHoldError("it has no objects with any keys")
        if not properties and not isinstance(others, Mapping) and not holds.empty:
            raise _CannotHoldError("it has no empty objects")
        self._properties += len(properties)
        lowered: dict[str, Any] = {}
        if properties or holds.closed:
            required = [one for one in properties if one in (schema.get("required") or ())]
            fields = {name: self.node(one, depth) for name, one in properties.items()}
            if holds.every:
                self.nulls = self.nulls or len(required) < len(fields)
                fields = {name: one if name in required else _or_null(one) for name, one in fields.items()}
                required = list(fields)
            lowered = {"properties": fields, "required": required}
            if holds.upper:
                lowered["propertyOrdering"] = list(fields)
        if isinstance(others, Mapping):
            lowered["additionalProperties"] = self.node(others, depth)
        elif holds.closed or (others is False and not holds.upper):
            lowered["additionalProperties"] = False
        return lowered

    def _array(self, schema: Schema, depth: int) -> dict[str, Any]:
        if "prefixItems" in schema:
            if not self._holds.tuples:
                raise _CannotHoldError("it has no tuples")
            return {"prefixItems": [self.node(one, depth) for one in schema["prefixItems"]], "items": False}
        return {"items": self.node(schema.get("items", True), depth)}

    def _limits(self, schema: Schema) -> dict[str, Any]:
        kept = dict(self._kept(schema))
        told = {key for key in schema if key not in _WALKED | _SAID} | ({"format"} if "format" in schema else set())
        self.loose |= told - set(kept)
        return kept

    def _kept(self, schema: Schema) -> Iterator[tuple[str, Any]]:
        holds = self._holds
        for key in sorted(holds.keywords & set(schema)):
            if key != "pattern" or holds.pattern(str(schema[key])):
                yield key, schema[key]
        if schema.get("format") in holds.formats:
            yield "format", schema["format"]


def _or_null(lowered: dict[str, Any]) -> dict[str, Any]:
    if lowered.get("type") == "null" or {"type": "null"} in lowered.get("anyOf", ()):
        return lowered
    return (
        {"anyOf": [*lowered["anyOf"], {"type": "null"}]}
        if set(lowered) == {"anyOf"}
        else {"anyOf": [lowered, {"type": "null"}]}
    )


def _without_nulls(schema: Any, value: Any, root: Schema) -> Any:
    """The value without the keys that are null only because the dialect asks for all of them."""
    options = _options(schema, root)
    if isinstance(value, list):
        items: Any = next((one["items"] for one in options if "items" in one), {})
        return [_without_nulls(items, one, root) for one in value]
    if not isinstance(value, dict):
        return value
    schema = options[0] if len(options) == 1 else next((one for one in options if _names(one, value)), {})
    properties, required = schema.get("properties") or {}, schema.get("required") or ()
    return {
        key: _without_nulls(properties.get(key, {}), one, root)
        for key, one in value.items()
        if one is not None or key in required or key not in properties or _takes_null(properties[key], root)
    }


def _options(schema: Any, root: Schema) -> list[Schema]:
    """The members of a union, those of unions in it included; a schema that is none is one by itself."""
    schema = _resolved(schema, root)
    inner = schema.get("anyOf") or schema.get("oneOf")
    return [schema] if inner is None else [one for each in inner for one in _options(each, root)]


def _names(schema: Schema, value: Mapping[str, Any]) -> bool:
    """Whether an object is of a class: its keys, and where some are constant, their values."""
    properties = schema.get("properties") or {}
    constants = {key: one["const"] for key, one in properties.items() if isinstance(one, Mapping) and "const" in one}
    return set(properties) == set(value) and all(value[key] == one for key, one in constants.items())


def _takes_null(schema: Any, root: Schema) -> bool:
    schema = _resolved(schema, root)
    kind, options = schema.get("type"), schema.get("anyOf") or schema.get("oneOf") or ()
    if not schema or kind == "null" or (isinstance(kind, list) and "null" in kind):
        return True
    return None in schema.get("enum", ()) or any(_takes_null(one, root) for one in options)


def _resolved(schema: Any, root: Schema) -> Schema:
    for _ in range(16):
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" not in schema:
            return schema
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, Mapping) else {}
        schema = target
    return {}

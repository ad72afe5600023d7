"""Shapes: what a JSON schema says about a value, resolved and small enough to be walked with a text beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from atomic.errors import TaskError

Kind: TypeAlias = Literal[
    "object", "map", "list", "tuple", "text", "whole", "number", "truth", "null", "choice", "union", "any", "ref"
]
_KINDS: Mapping[str, Kind] = {
    "string": "text",
    "integer": "whole",
    "number": "number",
    "boolean": "truth",
    "null": "null",
}
_UNSUPPORTED = (
    "if", "not", "patternProperties", "dependentSchemas", "dependentRequired", "unevaluatedProperties", "contains",
    "$dynamicRef", "propertyNames",
)  # fmt: skip
_SAID = ("description", "title", "default", "examples", "deprecated", "$defs", "definitions", "$schema", "$id")
_DEEPEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One type. Which fields hold depends on `kind`; `limits` are the schema's own words on this value."""

    kind: Kind
    description: str = ""
    fields: Mapping[str, Shape] = field(default_factory=dict)  # object
    required: frozenset[str] = frozenset()
    extras: Literal["unsaid", "kept", "refused"] = "unsaid"  # object: keys that are not declared
    inner: Shape | None = None  # list: its items; map: its values
    options: tuple[Shape, ...] = ()  # union: its members; tuple: its items
    choices: tuple[Any, ...] = ()  # choice: the values
    name: str = ""  # ref: what it refers to
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shapes:
    """A schema's root shape and those that it names."""

    root: Shape
    named: Mapping[str, Shape]

    def of(self, shape: Shape) -> Shape:
        """The shape itself, or what it refers to."""
        while shape.kind == "ref":
            shape = self.named[shape.name]
        return shape


def shapes(schema: Any) -> Shapes:
    """The shapes of a JSON schema (draft 2020-12, as pydantic writes it).

    Raises TaskError, with the place, for what says more than a type and its limits: conditions, negation, patterns of
    names, references to other documents.

    >>> shapes({"type": "array", "items": {"enum": ["a", "b"]}}).root.inner.choices
    ('a', 'b')
    """
    reader = _Reader(schema)
    root = reader.shape(schema, "#", 0)
    found = Shapes(root, reader.named)
    for name in reader.named:
        _ends(found, name)
    return found


def _ends(found: Shapes, name: str) -> None:
    seen = {name}
    shape = found.named[name]
    while shape.kind == "ref":
        if shape.name in seen:
            raise TaskError(f"the schema's {name} refers to itself only", hint="say what it is")
        seen.add(shape.name)
        shape = found.named[shape.name]


class _Reader:
    def __init__(self, root: Any) -> None:
        self._root = root
        self.named: dict[str, Shape] = {}
        self._open: set[str] = set()

    def shape(self, schema: Any, place: str, depth: int) -> Shape:
        if schema is True or schema == {}:
            return Shape(kind="any")
        if not isinstance(schema, dict) or depth > _DEEPEST:
            raise _unsupported(place, "neither an object nor true" if depth <= _DEEPEST else "nested too deeply")
        if unknown := [one for one in _UNSUPPORTED if one in schema]:
            raise _unsupported(place, unknown[0])
        if "$ref" in schema:
            return self._reference(schema["$ref"], place)
        if "allOf" in schema:
            return self.shape(self._merged(schema, place), place, depth + 1)
        if "const" in schema or "enum" in schema:
            return self._choice(schema, _said(schema), place)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options is not None:
            return self._union(schema, options, place, depth)
        return self._typed(schema, place, depth)

    def _typed(self, schema: Any, place: str, depth: int) -> Shape:
        kind = schema.get("type") or _implied(schema)
        if isinstance(kind, list):
            each = [{**schema, "type": one} for one in kind]
            options = tuple(self.shape(one, place, depth + 1) for one in each)
            return Shape(kind="union", description=_said(schema), options=options)
        if kind == "object":
            return self._object(schema, _said(schema), place, depth)
        if kind == "array":
            return self._list(schema, _said(schema), place, depth)
        if kind is not None and kind not in _KINDS:
            raise _unsupported(place, f"type {kind!r}")
        return Shape(kind=_KINDS[kind] if kind else "any", description=_said(schema), limits=_limits(schema))

    def _reference(self, reference: Any, place: str) -> Shape:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise _unsupported(place, "a $ref to another document")
        if reference not in self.named and reference not in self._open:
            self._open.add(reference)
            self.named[reference] = self.shape(self._target(reference, place), reference, 0)
        return Shape(kind="ref", name=reference)

    def _target(self, reference: str, place: str) -> Any:
        target = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or part not in target:
                raise TaskError(f"the schema's {place} refers to {reference}, which is not there")
            target = target[part]
        return target

    def _merged(self, schema: Any, place: str) -> Any:
        """`allOf` of objects, or of one part with words beside it, as one schema."""
        merged = {key: one for key, one in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            if isinstance(part, dict) and "$ref" in part and len(part) == 1:
                if not set(merged) - set(_SAID) and len(schema["allOf"]) == 1:
                    return part
                part = self._target(part["$ref"], place)
            if not isinstance(part, dict):
                raise _unsupported(place, "allOf of what is no object")
            for key, one in part.items():
                if key == "properties":
                    merged[key] = {**merged.get(key, {}), **one}
                elif key == "required":
                    merged[key] = [*merged.get(key, []), *one]
                elif key in merged and merged[key] != one and key not in _SAID:
                    raise _unsupported(place, f"allOf with two of {key!r}")
                else:
                    merged.setdefault(key, one)
        return merged

    def _choice(self, schema: Any, said: str, place: str) -> Shape:
        choices = (schema["const"],) if "const" in schema else tuple(schema["enum"])
        if any(isinstance(one, dict | list) for one in choices) or not choices:
            raise _unsupported(place, "a choice of what is no text, number, truth or null")
        return Shape(kind="choice", description=said, choices=choices)

    def _union(self, schema: Any, options: Any, place: str, depth: int) -> Shape:
        beside = set(schema) - set(_SAID) - {"anyOf", "oneOf", "discriminator", "type"}
        if beside or not isinstance(options, list) or not options:
            raise _unsupported(place, f"a union with {', '.join(sorted(beside)) or 'no members'}")
        made = tuple(self.shape(one, f"{place}/{number}", depth + 1) for number, one in enumerate(options))
        if all(one.kind == "choice" and not one.description for one in made):
            return Shape(kind="choice", description=_said(schema), choices=sum((one.choices for one in made), ()))
        return Shape(kind="union", description=_said(schema), options=made)

    def _object(self, schema: Any, said: str, place: str, depth: int) -> Shape:
        fields, more = schema.get("properties", {}), schema.get("additionalProperties")
        if not fields:
            if more is False:
                return Shape(kind="object", description=said, extras="refused", limits=_limits(schema))
            inner = self.shape(True if more is None else more, f"{place}/*", depth + 1)
            required = frozenset(schema.get("required", ()))
            return Shape(kind="map", description=said, inner=inner, required=required, limits=_limits(schema))
        if isinstance(more, dict) and more:
            raise _unsupported(place, "properties beside typed additionalProperties")
        return Shape(
            kind="object",
            description=said,
            fields={name: self.shape(one, f"{place}/{name}", depth + 1) for name, one in fields.items()},
            required=frozenset(schema.get("required", ())),
            extras="unsaid" if more is None else "kept" if more else "refused",
            limits=_limits(schema),
        )

    def _list(self, schema: Any, said: str, place: str, depth: int) -> Shape:
        if "prefixItems" in schema:
            items = schema["prefixItems"]
            if schema.get("items") not in (None, False) or len(items) not in (
                schema.get("minItems", len(items)),
                schema.get("maxItems", len(items)),
            ):
                raise _unsupported(place, "prefixItems with more items after them")
            options = tuple(self.shape(one, f"{place}/{number}", depth + 1) for number, one in enumerate(items))
            return Shape(kind="tuple", description=said, options=options, limits=_limits(schema))
        inner = self.shape(schema.get("items", True), f"{place}/*", depth + 1)
        return Shape(kind="list", description=said, inner=inner, limits=_limits(schema))


def _said(schema: Any) -> str:
    return str(schema.get("description", ""))


def _implied(schema: Any) -> str | None:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else None


def _limits(schema: Any) -> Mapping[str, Any]:
    inner = ("properties", "items", "prefixItems", "additionalProperties", "required", "type")
    return {key: one for key, one in schema.items() if key not in _SAID and key not in inner}


def _unsupported(place: str, what: str) -> TaskError:
    return TaskError(
        f"the schema's {place or '#'}: {what} is not supported",
        hint="use objects, lists, maps, unions, choices, texts, numbers, truths, null and references within the schema",
    )

"""Twins: what a type's value looks like while it is still being written. Models with every field optional."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, create_model


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Any = _Missing()  # nothing of it has been written yet, or nothing that says what it will be
_LISTS = (list, set, frozenset, tuple)
Fit = Callable[[Any, Any], Any]


class Twin:
    """Fits JSON that still grows to a type: what is settled is of the type, texts grow, the rest is not there yet.

    A choice is settled as soon as only one is left, a number once something follows it, a member of a union once it
    can be no other. Safe for threads once it was made.
    """

    def __init__(self, kind: Any) -> None:
        """Makes a model with optional fields of each model in the type."""
        self._models: dict[type[BaseModel], type[BaseModel]] = {}
        self._leaves: dict[Any, TypeAdapter[Any]] = {}
        self._kind = kind

    def fit(self, grown: Any, settled: Any) -> Any:
        """The partial value. `grown` is with the text at its end that still grows, `settled` without it, or MISSING."""
        return self._fit(self._kind, grown, settled)

    def _fit(self, kind: Any, grown: Any, settled: Any) -> Any:
        while hasattr(kind, "__metadata__") and get_origin(kind) is not None:
            kind = get_args(kind)[0]
        origin = get_origin(kind)
        if grown is MISSING:
            return MISSING
        if kind is Any or kind is object:
            return grown
        if kind is str:
            return grown if isinstance(grown, str) else MISSING
        if origin in (Union, types.UnionType):
            return self._union(get_args(kind), grown, settled)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self._model(kind, grown, settled)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(get_args(kind), grown, settled)
        if origin in _LISTS or (isinstance(origin, type) and issubclass(origin, AbstractSet)):
            return self._list(origin, get_args(kind), grown, settled)
        return self._leaf(kind, grown, settled)

    def _model(self, kind: type[BaseModel], grown: Any, settled: Any) -> Any:
        if not isinstance(grown, dict) or not kind.model_fields:
            return self._leaf(kind, grown, settled)
        whole = settled if isinstance(settled, dict) else {}
        found = {}
        for name, field in kind.model_fields.items():
            key = field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name
            value = self._fit(field.annotation, grown.get(key, MISSING), whole.get(key, MISSING))
            if value is not MISSING:
                found[name] = value
        twin = self._models.get(kind)
        if twin is None:
            fields: dict[str, Any] = dict.fromkeys(kind.model_fields, (Any, None))
            twin = self._models[kind] = create_model(f"Partial{kind.__name__}", **fields)
        return twin.model_construct(set(found), **found)

    def _mapping(self, inner: tuple[Any, ...], grown: Any, settled: Any) -> Any:
        if not isinstance(grown, dict) or len(inner) != 2:
            return MISSING
        whole = settled if isinstance(settled, dict) else {}
        pairs = {key: self._fit(inner[1], one, whole.get(key, MISSING)) for key, one in grown.items()}
        return {key: one for key, one in pairs.items() if one is not MISSING}

    def _list(self, origin: Any, inner: tuple[Any, ...], grown: Any, settled: Any) -> Any:
        if not isinstance(grown, list):
            return MISSING
        whole = settled if isinstance(settled, list) else []
        of = inner if origin is tuple and Ellipsis not in inner else (inner[0] if inner else Any,) * len(grown)
        found = [
            self._fit(kind, one, whole[at] if at < len(whole) else MISSING)
            for at, (kind, one) in enumerate(zip(of, grown, strict=False))
        ]
        return [one for one in found if one is not MISSING]

    def _union(self, members: tuple[Any, ...], grown: Any, settled: Any) -> Any:
        if grown is None:
            return None if type(None) in members else MISSING
        ways = []
        for one in members:
            value = MISSING if one is type(None) else self._fit(one, grown, settled)
            if value is not MISSING and not (isinstance(grown, dict) and self._contradicts(one, grown)):
                ways.append(value)
        distinct = [one for at, one in enumerate(ways) if one not in ways[:at]]
        if len(distinct) == 1:
            return distinct[0]
        # More than one can still be meant, and may be: then it is the whole that tells.
        return self._leaf(Union[members], grown, settled) if ways else MISSING  # noqa: UP007 - members are many

    def _contradicts(self, kind: Any, grown: Mapping[str, Any]) -> bool:
        while hasattr(kind, "__metadata__") and get_origin(kind) is not None:
            kind = get_args(kind)[0]
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return False
        fields = {(one.alias or name): one.annotation for name, one in kind.model_fields.items()}
        if any(key not in fields for key in grown):
            return True
        tags = {key: get_args(one) for key, one in fields.items() if get_origin(one) is Literal}
        return any(key not in grown or not _begins(grown[key], values) for key, values in tags.items())

    def _leaf(self, kind: Any, grown: Any, settled: Any) -> Any:
        choices = _choices(kind)
        if choices and isinstance(grown, str) and settled is MISSING:
            left = [one for one in choices if isinstance(one, str) and one.startswith(grown)]
            settled = left[0] if grown and len(left) == 1 else MISSING
        if settled is MISSING:
            return MISSING
        try:
            if kind not in self._leaves:
                self._leaves[kind] = TypeAdapter(kind)
            return self._leaves[kind].validate_json(json.dumps(settled), strict=True)
        except Exception:  # a validator of the task's author may raise anything; until it does not, there is no value
            return MISSING


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(one.value for one in kind)
    return ()


def _begins(value: Any, choices: tuple[Any, ...]) -> bool:
    return value in choices

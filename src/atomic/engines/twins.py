"""Twins: what a type's value looks like while it is still being written. Models with every field optional."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, create_model

from atomic.engines.growing import Grows


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Any = _Missing()  # nothing of it has been written yet, or nothing that says what it will be
_LISTS = (list, set, frozenset, tuple)
REMEMBERED = 1_024  # types


class Twin:
    """Fits one JSON that grows to a type: what is settled is of the type, texts grow, the rest is not there yet.

    A choice is settled as soon as only one is left, a number once something follows it, a member of a union once it
    can be no other. What was closed is fitted once.
    """

    def __init__(self, kind: Any) -> None:
        """Makes what it will need of each model and leaf in the type, so that no token waits for it."""
        self._kind = kind
        self._open: frozenset[int] = frozenset()
        self._done: dict[tuple[int, int], tuple[Any, Any]] | None = {}
        _prepare(kind, set())

    def fit(self, grown: Any, open_: Iterable[Any]) -> Any:
        """The partial value; objects and lists that are not `open_` stay as they are from now on."""
        self._open = frozenset(map(id, open_))
        return self._fit(self._kind, grown)

    def fit_anew(self, grown: Any) -> Any:
        """The partial value of a tree that was read from the beginning again, with nothing to say of it."""
        self._open, kept, self._done = frozenset(), self._done, None
        try:
            return self._fit(self._kind, grown)
        finally:
            self._done = kept

    def _fit(self, kind: Any, grown: Any) -> Any:
        """A value, or one that was fitted before; both are kept, so that their ids stay theirs."""
        if self._done is None or not isinstance(grown, dict | list) or id(grown) in self._open:
            return self._fresh(kind, grown)
        key = (id(grown), id(kind))
        if key not in self._done:
            self._done[key] = ((grown, kind), self._fresh(kind, grown))
        return self._done[key][1]

    def _fresh(self, kind: Any, grown: Any) -> Any:
        kind = _bare(kind)
        origin = get_origin(kind)
        if grown is MISSING:
            return MISSING
        if kind is Any or kind is object:
            return _copied(grown)
        if kind is str:
            return str(grown) if isinstance(grown, str) else MISSING
        if origin in (Union, types.UnionType):
            return self._union(get_args(kind), grown)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self._model(kind, grown)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(get_args(kind), grown)
        if origin in _LISTS or (isinstance(origin, type) and issubclass(origin, AbstractSet)):
            return self._list(origin, get_args(kind), grown)
        return self._leaf(kind, grown)

    def _model(self, kind: type[BaseModel], grown: Any) -> Any:
        if not isinstance(grown, dict) or not kind.model_fields:
            return self._leaf(kind, grown)
        found = {}
        for name, field in kind.model_fields.items():
            key = field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name
            value = self._fit(field.annotation, grown.get(key, MISSING))
            if value is not MISSING:
                found[name] = value
        return _twin(kind).model_construct(set(found), **found)

    def _mapping(self, inner: tuple[Any, ...], grown: Any) -> Any:
        if not isinstance(grown, dict) or len(inner) != 2:
            return MISSING
        pairs = {key: self._fit(inner[1], one) for key, one in grown.items()}
        return {key: one for key, one in pairs.items() if one is not MISSING}

    def _list(self, origin: Any, inner: tuple[Any, ...], grown: Any) -> Any:
        if not isinstance(grown, list):
            return MISSING
        of = inner if origin is tuple and Ellipsis not in inner else (inner[0] if inner else Any,) * len(grown)
        found = [self._fit(kind, one) for kind, one in zip(of, grown, strict=False)]
        return [one for one in found if one is not MISSING]

    def _union(self, members: tuple[Any, ...], grown: Any) -> Any:
        if grown is None:
            return None if type(None) in members else MISSING
        ways = []
        for one in members:
            value = MISSING if one is type(None) else self._fit(one, grown)
            if value is not MISSING and not (isinstance(grown, dict) and self._contradicts(one, grown)):
                ways.append(value)
        distinct = [one for at, one in enumerate(ways) if one not in ways[:at]]
        if len(distinct) == 1:
            return distinct[0]
        # More than one can still be meant, and may be: then it is the whole that tells.
        return self._leaf(Union[members], grown) if ways else MISSING  # noqa: UP007 - members are many

    def _contradicts(self, kind: Any, grown: Mapping[str, Any]) -> bool:
        kind = _bare(kind)
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return False
        fields = {(one.alias or name): one.annotation for name, one in kind.model_fields.items()}
        if any(key not in fields for key in grown):
            return True
        tags = {key: get_args(one) for key, one in fields.items() if get_origin(one) is Literal}
        return any(key not in grown or not _begins(grown[key], values) for key, values in tags.items())

    def _leaf(self, kind: Any, grown: Any) -> Any:
        if isinstance(grown, Grows):
            left = [one for one in _choices(kind) if isinstance(one, str) and one.startswith(grown)]
            if not grown or len(left) != 1:
                return MISSING
            grown = left[0]
        elif id(grown) in self._open:
            return MISSING
        try:
            return _adapter(kind).validate_json(json.dumps(grown), strict=True)
        except Exception:  # a validator of the task's author may raise anything; until it does not, there is no value
            return MISSING


@lru_cache(maxsize=REMEMBERED)
def _twin(kind: type[BaseModel]) -> type[BaseModel]:
    fields: dict[str, Any] = dict.fromkeys(kind.model_fields, (Any, None))
    return create_model(f"Partial{kind.__name__}", **fields)


@lru_cache(maxsize=REMEMBERED)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _prepare(kind: Any, seen: set[int]) -> None:
    kind = _bare(kind)
    if id(kind) in seen:
        return
    seen.add(id(kind))
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.model_fields:
        _twin(kind)
        for field in kind.model_fields.values():
            _prepare(field.annotation, seen)
    elif get_origin(kind) is not None and not _choices(kind):
        for one in get_args(kind):
            _prepare(one, seen)
    elif kind not in (Any, object, str, Ellipsis):
        with suppress(Exception):  # what has no adapter has no partial value either
            _adapter(kind)


def _bare(kind: Any) -> Any:
    """A type without its annotations."""
    while hasattr(kind, "__metadata__") and get_origin(kind) is not None:
        kind = get_args(kind)[0]
    return kind


def _copied(grown: Any) -> Any:
    """Of a type that says nothing: as it is now, whatever is added later."""
    if isinstance(grown, dict):
        return {key: _copied(one) for key, one in grown.items()}
    if isinstance(grown, list):
        return [_copied(one) for one in grown]
    return str(grown) if isinstance(grown, Grows) else grown


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(one.value for one in kind)
    return ()


def _begins(value: Any, choices: tuple[Any, ...]) -> bool:
    return value in choices

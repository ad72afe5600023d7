"""When two answers are one: a canonical key per answer, so that equality is transitive."""

from __future__ import annotations

import dataclasses
import enum
import unicodedata
from collections.abc import Mapping, Set
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter

from atomic.records.canonical import canonical_json
from atomic.records.conversation import Spoken, ToolCall
from atomic.records.microtask import Microtask


def as_json(task: Microtask[..., Any], answer: object) -> Any:
    """The answer as JSON holds it; sets are ordered by their elements' canonical JSON, so that equal sets are equal.

    `typed(task, as_json(task, answer))` is the answer again.
    """
    plain = task.output.dump_python(answer, mode="json", by_alias=True)
    return _sets_sorted(answer, plain)


def _sets_sorted(answer: object, plain: Any) -> Any:
    if isinstance(plain, str) or isinstance(answer, Spoken):  # no sets in there
        return plain
    if isinstance(answer, Set) and isinstance(plain, list):
        return sorted(plain, key=canonical_json)
    if isinstance(answer, list | tuple) and isinstance(plain, list) and len(answer) == len(plain):
        return [_sets_sorted(one, shown) for one, shown in zip(answer, plain, strict=True)]
    if isinstance(plain, dict):
        fields = {_alias(answer, name): one for name, one in _fields(answer).items()}
        return {name: _sets_sorted(fields.get(name), shown) for name, shown in plain.items()}
    return plain


def _alias(value: object, name: Any) -> Any:
    """The name of a field on paper."""
    field = type(value).model_fields.get(name) if isinstance(value, BaseModel) else None
    return name if field is None else field.serialization_alias or name


def canonical_key(task: Microtask[..., Any], answer: object) -> bytes:
    """Bytes that are equal exactly where two answers of a task are one answer.

    Numbers are quantised to the task's `step`: each falls into the nearest multiple (so two that are closer than a
    step may still fall apart, at a boundary; being transitive asks for that). Texts are compared in Unicode form NFC,
    case and inner white space included; sets without order, lists in order; models by class and field by field. Free
    text is never *alike*: a plain `str` answer equals only the identical text (white space around it stripped),
    because an identical text is the same answer whoever wrote it.

    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1", step=0.5)
    ... async def length(text: str) -> float:
    ...     \"\"\"How long?\"\"\"
    >>> canonical_key(length, 1.1) == canonical_key(length, 0.9), canonical_key(length, 1) == canonical_key(length, 1.4)
    (True, False)
    """
    if isinstance(answer, str) and not isinstance(answer, enum.Enum):
        answer = answer.strip()
    return canonical_json(_key(answer, _exact(task.step)))


def _key(value: object, step: Fraction) -> list[Any]:
    if isinstance(value, enum.Enum):
        return ["enum", _key(value.value, step)]
    if value is None or isinstance(value, bool):
        return ["is", value]
    if isinstance(value, int | float | Decimal):
        return ["number", _quantised(value, step)]
    if isinstance(value, str):
        return ["text", unicodedata.normalize("NFC", value)]
    if isinstance(value, ToolCall):  # by its name and what its arguments say, whatever its id
        value = {value.name: _said(value.arguments)}
    if isinstance(value, Set):
        return ["set", sorted((_key(one, step) for one in value), key=canonical_json)]
    if isinstance(value, list | tuple):
        return ["list", [_key(one, step) for one in value]]
    fields = _fields(value)
    if fields or isinstance(value, Mapping | BaseModel) or dataclasses.is_dataclass(value):
        name = "" if isinstance(value, Mapping) else type(value).__name__
        return [
            "fields",
            name,
            sorted(([_name(one), _key(inner, step)] for one, inner in fields.items()), key=canonical_json),
        ]
    # Dates, ids, paths, bytes: as pydantic writes them.
    return [type(value).__name__, _ANY.dump_python(value, mode="json")]


@cache
def _exact(step: float) -> Fraction:
    return Fraction(str(step))


def _said(arguments: str) -> Any:
    try:
        return orjson.loads(arguments)
    except ValueError:
        return arguments


_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def _name(key: object) -> str:
    return unicodedata.normalize("NFC", str(key.value if isinstance(key, enum.Enum) else key))


def _fields(value: object) -> dict[Any, object]:
    """Fields of a model, dataclass or mapping by name; empty for anything else."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, BaseModel):
        return {**{name: getattr(value, name) for name in type(value).model_fields}, **(value.model_extra or {})}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return {}


def _quantised(value: float | Decimal, step: Fraction) -> str:
    exact = Fraction(str(value))
    return str(round(exact / step)) if step > 0 else str(exact)

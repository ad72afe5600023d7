"""Where two answers of a task differ, field by field."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from atomic.output import canonical_key
from atomic.records.microtask import Microtask

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where they differ: `path` is empty for the whole, `kind` says which of both has it."""

    path: str
    kind: Literal["changed", "missing", "unexpected", "type"]
    expected: Any = None
    given: Any = None

    def __str__(self) -> str:
        """One line.

        >>> str(Difference("lines[1].pieces", "changed", 2, 3)), str(Difference("note", "missing", "now"))
        ('lines[1].pieces: expected 2, given 3', "note: expected 'now', and it is missing")
        """
        at = f"{self.path}: " if self.path else ""
        if self.kind == "missing":
            return f"{at}expected {self.expected!r}, and it is missing"
        if self.kind == "unexpected":
            return f"{at}given {self.given!r}, which is not expected"
        if self.kind == "type":
            return f"{at}expected {_named(self.expected)}, given {_named(self.given)}"
        return f"{at}expected {self.expected!r}, given {self.given!r}"


def differences(task: Microtask[..., Any], expected: Any, given: Any) -> list[Difference]:
    """Every place where the answer given differs; none exactly where the task's type says that they are equal.

    Numbers within the task's step are alike, sets have no order, lists have one.

    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1")
    ... async def parts(text: str) -> dict[str, list[int]]:
    ...     \"\"\"Which parts, and how many?\"\"\"
    >>> [str(one) for one in differences(parts, {"bolt": [1, 2], "nut": [3]}, {"bolt": [1, 4, 5]})]
    ['bolt[1]: expected 2, given 4', 'bolt[2]: given 5, which is not expected', 'nut: expected [3], and it is missing']
    """
    if canonical_key(task, expected) == canonical_key(task, given):
        return []
    return list(_walk(task, "", expected, given))


def _walk(task: Microtask[..., Any], path: str, expected: Any, given: Any) -> Iterator[Difference]:
    if canonical_key(task, expected) == canonical_key(task, given):
        return
    here, there = _fields(expected), _fields(given)
    if here is not None and there is not None:
        if type(expected) is not type(given):
            yield Difference(path, "type", expected, given)
        yield from _by_name(task, (f"{path}." if path else "", ""), here, there)
    elif isinstance(expected, Set) and isinstance(given, Set):
        yield from _unordered(task, path, expected, given)
    elif isinstance(expected, list | tuple) and isinstance(given, list | tuple):
        yield from _by_name(task, (f"{path}[", "]"), dict(enumerate(expected)), dict(enumerate(given)))
    elif _shown(expected) == _shown(given) or _kind(expected) != _kind(given):
        yield Difference(path, "type", expected, given)
    else:
        yield Difference(path, "changed", _shown(expected), _shown(given))


def _by_name(
    task: Microtask[..., Any], around: tuple[str, str], expected: Mapping[Any, Any], given: Mapping[Any, Any]
) -> Iterator[Difference]:
    for name in [*expected, *(one for one in given if one not in expected)]:
        path = f"{around[0]}{name}{around[1]}"
        if name not in given:
            yield Difference(path, "missing", _shown(expected[name]))
        elif name not in expected:
            yield Difference(path, "unexpected", given=_shown(given[name]))
        else:
            yield from _walk(task, path, expected[name], given[name])


def _unordered(task: Microtask[..., Any], path: str, expected: Set[Any], given: Set[Any]) -> Iterator[Difference]:
    wanted, found = ({canonical_key(task, one): one for one in some} for some in (expected, given))
    for key in sorted(wanted.keys() - found.keys()):
        yield Difference(path, "missing", _shown(wanted[key]))
    for key in sorted(found.keys() - wanted.keys()):
        yield Difference(path, "unexpected", given=_shown(found[key]))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _named(value: Any) -> str:
    return "nothing" if value is None else f"{_shown(value)!r} ({type(value).__name__})"


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, BaseModel):
        return {**{name: getattr(value, name) for name in type(value).model_fields}, **(value.model_extra or {})}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return None


def _shown(value: Any) -> Any:
    """As JSON has it, so that a difference reads as the file of cases does."""
    return value.value if isinstance(value, enum.Enum) else _ANY.dump_python(value, mode="json")

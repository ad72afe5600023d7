"""The corpus of types: what any engine must answer with a value of the type, or refuse. Over 120, with answers.

For each: a microtask that asks for it, raw answers that are of the type, and raw answers that are not.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from atomic.output import Refusal, typed
from atomic.records.microtask import Microtask, microtask
from atomic.testing.type_rows import GROUPS, Row

TOPICS = ("a harbour at night", "the birthday of a friend", "a letter about money")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCase:
    """A type with raw answers that are of it and some that are not."""

    name: str
    group: str
    task: Microtask[..., Any]
    valid: tuple[str, ...]
    invalid: tuple[str, ...]


def check_type_case(case: TypeCase, read: Callable[[Microtask[..., Any], str], object] = typed) -> None:
    """Hold a reader of raw answers to a case: what is of the type is read, anything else is a `Refusal`."""
    for text in case.valid:
        answer = read(case.task, text)
        assert not isinstance(answer, Refusal), f"{case.name}: {text} is of the type, but: {answer}"
    for text in case.invalid:
        assert isinstance(read(case.task, text), Refusal), f"{case.name}: {text} is not of the type"


def _task(name: str, output: Any) -> Microtask[..., Any]:
    async def invent(topic: str) -> None:
        """Make up an example that goes with the topic."""

    invent.__name__ = name
    invent.__annotations__ = {"topic": str, "return": output}
    made: Microtask[..., Any] = microtask(worth="$0.01")(invent)
    return made


def _cases(group: str, rows: Sequence[Row]) -> list[TypeCase]:
    return [
        TypeCase(
            name=name,
            group=group,
            task=_task(name, output),
            valid=tuple(_raw(output, one) for one in valid),
            invalid=tuple(_raw(output, one) for one in invalid),
        )
        for name, output, valid, invalid in rows
    ]


def _raw(output: Any, value: Any) -> str:
    """As a model would write it: a text bare where the type is one of texts, else JSON."""
    bare = (
        output is str or getattr(output, "__origin__", None) in (str, Literal) or isinstance(output, type(Literal[1]))
    )
    return value if isinstance(value, str) and (bare or _is_enum(output)) else json.dumps(value, ensure_ascii=False)


def _is_enum(output: Any) -> bool:
    return isinstance(output, type) and issubclass(output, enum.Enum)


@cache
def type_cases() -> tuple[TypeCase, ...]:
    """All types of the corpus, in a fixed order."""
    return tuple(case for group, rows in GROUPS.items() for case in _cases(group, rows()))

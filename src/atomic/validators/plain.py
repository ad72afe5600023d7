"""Validators that need no library of a language: a callable, a pydantic type, an expression, a judge."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from atomic.errors import TaskError
from atomic.records.microtask import Microtask
from atomic.records.validator import Validator
from atomic.validators.expressions import Expression

_NAME = re.compile(r"[\w.-]{1,60}\Z")
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def made(name: str, version: str, test: Callable[[Mapping[str, Any], Any], bool | None]) -> Validator:
    """A validator that tests in this process. Raises TaskError for a name that could not be listed."""
    return Validator(name=_named(name), version=f"{name} {version}", test=test)


def _named(name: str) -> str:
    if not _NAME.match(name):
        raise TaskError(f"{name!r} names no validator", hint="up to 60 letters, digits, and any of _ . -")
    return name


def part_of(answer: Any, at: str) -> Any:
    """The part of an answer that a path names, such as "query" or "steps.0.code"; None where it is not there.

    >>> part_of({"steps": [{"code": "x"}]}, "steps.0.code"), part_of({"a": 1}, "b.c"), part_of(7, "")
    ('x', None, 7)
    """
    for name in at.split(".") if at else ():
        if isinstance(answer, list | tuple):
            answer = answer[int(name)] if name.isdigit() and int(name) < len(answer) else None
        else:
            answer = answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)
    return answer


def holds(function: Callable[..., bool | None], name: str = "") -> Validator:
    """A function of the answer, or of the answer and the task's arguments that it names; None where it cannot tell.

    It may raise: then it says nothing. Its version is its source text's.

    >>> short = holds(lambda answer, text: len(answer) < len(text), "short")
    >>> short.test({"text": "a long text"}, "a word"), short.source
    (True, 'validator')
    """
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = getattr(function, "__qualname__", type(function).__name__)
    first, *others = inspect.signature(function).parameters

    def test(arguments: Mapping[str, Any], answer: Any) -> bool | None:
        return function(**{first: answer}, **{other: arguments[other] for other in others})

    version = hashlib.sha256(source.encode()).hexdigest()[:16]
    return made(name or getattr(function, "__name__", "function").strip("<>"), version, test)


def fits(kind: Any, name: str = "", *, at: str = "") -> Validator:
    """The answer, or its part, is of a stricter pydantic type than the task declares.

    >>> from typing import Annotated
    >>> from pydantic import Field
    >>> fits(Annotated[int, Field(ge=0)], "positive").test({}, -1)
    False
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    schema = adapter.json_schema()
    version = hashlib.sha256(repr((schema, at)).encode()).hexdigest()[:16]

    def test(arguments: Mapping[str, Any], answer: Any) -> bool:
        try:
            adapter.validate_python(_ANY.dump_python(part_of(answer, at), mode="json"))
        except ValidationError:
            return False
        return True

    return made(name or getattr(kind, "__name__", "fits"), version, test)


def expression(name: str, text: str, *, at: str = "") -> Validator:
    """A Jinja expression over `this`, the answer or its part as JSON has it, as BAML's @check has it.

    What cannot be told of the answer is no verdict on it. Raises TaskError for what is no expression.

    >>> expression("few", "{{ this.pieces < 3 }}").test({}, {"pieces": 7})
    False
    """
    compiled = Expression(text)

    def test(arguments: Mapping[str, Any], answer: Any) -> bool | None:
        this = _ANY.dump_python(part_of(answer, at), mode="json")
        found, unknown = compiled.holds(this=this, input=dict(arguments))
        return None if unknown else found

    return made(name, f"{compiled.text} {at}", test)


def judged_by(task: Microtask[..., bool], name: str = "") -> Validator:
    """A microtask as judge: bought with its own worth, price and ceiling, once per answer; believed as its words held.

    It takes `answer`, and those of the judged task's arguments that it names. Raises TaskError where it does not
    answer yes or no, or takes no answer.
    """
    if "answer" not in task.signature.parameters or task.output_type is not bool:
        raise TaskError(f"{task.name} is no judge", hint="it takes `answer`, and answers with a bool")
    return Validator(name=_named(name or task.name), version=f"{name} {task.version}", judge=task)

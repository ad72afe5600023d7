"""What a user declares: suites of cases, with what is expected of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atomic.errors import CallerError, TaskError
from atomic.output import Refusal, answers_by_label, typed
from atomic.records.microtask import Call, Microtask
from atomic.validators.expressions import Expression


class _Unsaid:
    def __repr__(self) -> str:
        return "UNSAID"


UNSAID = _Unsaid()  # None can be an answer


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold of an answer: a Jinja expression over `this`, or a function of the answer.

    `fails` False: that it does not hold is reported, and the case passes all the same.
    """

    test: str | Callable[[Any], object]
    name: str = ""
    fails: bool = True

    @property
    def title(self) -> str:
        """Its name, or what it says.

        >>> Check("this > 3").title, Check("this > 3", "large").title
        ('this > 3', 'large')
        """
        if self.name:
            return self.name
        return self.test if isinstance(self.test, str) else getattr(self.test, "__name__", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One input of a task and what is expected of the answer: all of it, that it is refused, or that checks hold.

    `input` holds the arguments by name; what is no mapping is the only argument.
    """

    name: str
    input: Any
    expect: Any = UNSAID
    refuse: bool = False
    checks: Sequence[Check | str | Callable[[Any], object]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A task's cases; `checks` hold for every one of them."""

    task: Microtask[..., Any]
    cases: Sequence[Case]
    checks: Sequence[Check | str | Callable[[Any], object]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A case that was found right: its call is made, its expectation typed, its expressions compiled."""

    id: str  # file::name
    case: Case
    call: Call[Any]
    expected: Any = UNSAID
    checks: tuple[tuple[Check, Expression | None], ...] = field(default=(), repr=False)


def ready(file: str, suite: Suite) -> list[Ready]:
    """Every case of a suite, checked. Raises CallerError that names file, case and what is wrong with it."""
    found: list[Ready] = []
    names: set[str] = set()
    if not suite.cases:
        raise CallerError(f"{file}: no case in it")
    for case in suite.cases:
        where = f"{file}: case {case.name!r}"
        if not case.name or case.name in names:
            raise CallerError(f"{where}: a case's name is there, and there once")
        names.add(case.name)
        try:
            found.append(_ready(file, suite, case))
        except (CallerError, TaskError) as error:
            raise CallerError(f"{where}: {error.message}", hint=error.hint) from None
    return found


def _ready(file: str, suite: Suite, case: Case) -> Ready:
    checks = [one if isinstance(one, Check) else Check(one) for one in (*suite.checks, *case.checks)]
    if case.expect is UNSAID and not case.refuse and not checks:
        raise CallerError("nothing is expected", hint="say `expect`, `refuse: true` or `checks`")
    if case.refuse and (case.expect is not UNSAID or case.checks):
        raise CallerError("a refusal has no answer to look at", hint="`refuse` stands alone")
    given: Mapping[str, Any] = case.input if isinstance(case.input, Mapping) else _only(suite.task, case.input)
    return Ready(
        id=f"{file}::{case.name}",
        case=case,
        call=suite.task(**given),
        expected=UNSAID if case.expect is UNSAID else _typed(suite.task, case.expect),
        checks=tuple((one, Expression(one.test) if isinstance(one.test, str) else None) for one in checks),
    )


def _only(task: Microtask[..., Any], value: Any) -> Mapping[str, Any]:
    names = list(task.signature.parameters)
    if len(names) != 1:
        raise CallerError(f"{task.name} takes {len(names)} arguments", hint=f"give them by name: {', '.join(names)}")
    return {names[0]: value}


def _typed(task: Microtask[..., Any], value: Any) -> Any:
    by_label = answers_by_label(task)
    if isinstance(value, str) and value in by_label:
        return by_label[value]
    answer = typed(task, value) if not isinstance(value, str) else _from_text(task, value)
    if isinstance(answer, Refusal):
        said = f": {answer.detail}" if answer.detail else ""
        raise CallerError(f"what is expected is no answer of {task.name}{said}")
    return answer


def _from_text(task: Microtask[..., Any], value: str) -> Any:
    """A text is no model's answer to be repaired: it must be of the type as it stands."""
    from atomic.output import from_json

    return from_json(task, value)

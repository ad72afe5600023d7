"""A file of inputs, labelled or not, as calls of a microtask: JSON lines or CSV, checked line by line."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from atomic.calibrate.lines import lines_of
from atomic.errors import CallerError, TaskError
from atomic.output import Refusal, answers_by_label, as_json, typed
from atomic.records.microtask import Call, Microtask

_MOST_NAMED = 5
_NO_INPUT = ("truth", "domain")  # what a line may say beside the input


@dataclass(frozen=True, slots=True)
class Case:
    """One input. `truth` is the right answer as JSON holds it, where `labelled`."""

    line: int
    call: Call[Any]
    domain: str
    labelled: bool
    truth: Any

    @property
    def request_id(self) -> str:
        """The same for the same input, so that what was bought before is not bought again."""
        content = b"\0".join([self.call.task.version.encode(), self.domain.encode(), self.call.input_json])
        return f"calibrate/{hashlib.sha256(content).hexdigest()[:24]}"


def find_task(name: str) -> Microtask[..., Any]:
    """A microtask of the inbox by its name, or any as "module:name", looked for from the current folder as well.

    Raises CallerError.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        from atomic.inbox.tasks import TASKS

        if name in TASKS:
            return TASKS[name]
        raise CallerError(
            f"there is no microtask {name!r}", hint=f"one of {', '.join(TASKS)}, or your own as module:name"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise CallerError(f"{name} cannot be imported: {error}") from None
    if not isinstance(found, Microtask):
        raise CallerError(f"{name} is no microtask", hint="a function declared with @atomic.microtask")
    return found


def read_cases(file: Path, task: Microtask[..., Any]) -> list[Case]:
    """Every input of a file once, in its order: JSON lines or, by its name, CSV. A field is an argument of the task.

    `truth` (the right answer) and `domain` are no arguments; in CSV `letter.subject` is a field of `letter`.

    Raises CallerError with the numbers of the lines that are wrong, and with what is wrong there.
    """
    found: dict[str, Case] = {}
    wrong: list[str] = []
    for number, fields in lines_of(file):
        try:
            case = _case(number, fields, task)
        except (CallerError, TaskError) as error:
            wrong.append(f"line {number}: {error.message}")
            continue
        same = found.setdefault(case.request_id, case)
        if same.labelled and case.labelled and same.truth != case.truth:
            wrong.append(f"line {number}: the input of line {same.line} with another truth")
        elif case.labelled and not same.labelled:
            found[case.request_id] = case
    if wrong:
        more = f"; and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        raise CallerError(f"{file}: {'; '.join(wrong[:_MOST_NAMED])}{more}", hint="nothing was bought")
    if not found:
        raise CallerError(f"{file}: no input in it")
    return list(found.values())


def _case(number: int, fields: Mapping[str, Any], task: Microtask[..., Any]) -> Case:
    arguments = {name: value for name, value in fields.items() if name not in _NO_INPUT}
    truth = fields.get("truth")
    labelled = truth is not None and truth != ""
    domain = fields.get("domain") or ""
    if not isinstance(domain, str):
        raise CallerError("domain is no text")
    return Case(number, task(**arguments), domain, labelled, _truth(task, truth) if labelled else None)


def _truth(task: Microtask[..., Any], truth: object) -> Any:
    by_label = answers_by_label(task)
    answer = by_label[truth] if isinstance(truth, str) and truth in by_label else typed(task, truth)
    if isinstance(answer, Refusal):
        raise CallerError(f"the truth is no answer of {task.name}")
    return as_json(task, answer)

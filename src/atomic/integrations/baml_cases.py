"""`test` blocks of `.baml` files as files of cases for `atomic test`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atomic.errors import MissingExtra, TaskError
from atomic.integrations.baml_blocks import Block, TestAttribute
from atomic.records.microtask import Microtask


@dataclass(slots=True)
class Cases:
    """A file of cases in YAML by the function that it tests, how many cases there are, and what is not one, and why."""

    files: dict[str, str] = field(default_factory=dict)
    count: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)


def cases_of(blocks: Sequence[Block], tasks: Mapping[str, Microtask[..., Any]], module: str) -> Cases:
    """The tests of some tasks, which stand in a module. A test of several functions gives each its own arguments.

    Raises MissingExtra without the extra `check`.
    """
    made = Cases()
    found: dict[str, list[dict[str, Any]]] = {}
    for one in blocks:
        for function in one.values.get("functions", ()) if one.kind == "test" else ():
            task = tasks.get(function)
            if task is None:
                made.notes.append((f"test {one.name}", f"its function {function} is not carried over"))
                continue
            case = _case(one, task)
            try:
                task(**case["input"])
            except TaskError as error:
                made.notes.append((f"test {one.name}", error.message))
                continue
            found.setdefault(function, []).append(case)
            made.count += 1
    made.files = {name: _yaml({"task": f"{module}:{name}", "cases": found[name]}) for name in tasks if name in found}
    return made


def _case(block: Block, task: Microtask[..., Any]) -> dict[str, Any]:
    """A test without asserts passes where there is an answer: that is what `true` says of it."""
    checks = [_check(one) for one in block.attributes if one.kind in ("assert", "check")]
    given = {name: value for name, value in block.values.get("args", {}).items() if name in task.signature.parameters}
    return {"name": block.name, "input": given, "checks": checks or ["true"]}


def _check(attribute: TestAttribute) -> dict[str, str]:
    name = {"name": attribute.name} if attribute.name else {}
    return {**name, attribute.kind: attribute.expression}


def _yaml(document: dict[str, Any]) -> str:
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtra("pyyaml is not installed", hint='pip install "atomic-market[check]"') from None

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))

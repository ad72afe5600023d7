"""Files of cases: YAML, or Python with a `Suite` at its top. What is wrong is told before anything is bought."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from atomic.calibrate import find_task
from atomic.cases.declared import UNSAID, Case, Check, Ready, Suite, ready
from atomic.errors import CallerError, MissingExtra

PATTERNS = ("*.cases.yaml", "*.cases.yml", "*_cases.py")
_OF_FILE = frozenset({"task", "cases", "checks"})
_OF_CASE = frozenset({"name", "input", "expect", "refuse", "checks"})
_TRUTHS = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_CUT_TAGS = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")


def find_suites(path: Path) -> list[Ready]:
    """Every case of a file, or of every file of cases below a folder, in the order of their names.

    Raises CallerError, TaskError or MissingExtra.
    """
    if not path.exists():
        raise CallerError(f"there is no {path}")
    files = [path]
    if path.is_dir():
        files = sorted({one for pattern in PATTERNS for one in path.rglob(pattern)})
        if not files:
            raise CallerError(f"{path}: no file of cases", hint=f"one is named {' or '.join(PATTERNS)}")
    return [one for file in files for suite in _suites(file) for one in ready(_named(file, path), suite)]


def _named(file: Path, path: Path) -> str:
    return file.relative_to(path).as_posix() if path.is_dir() else file.name


def _suites(file: Path) -> Iterator[Suite]:
    if file.suffix == ".py":
        found = [one for one in vars(_module(file)).values() if isinstance(one, Suite)]
        if not found:
            raise CallerError(f"{file}: no atomic.cases.Suite at its top")
        yield from found
    elif file.suffix in {".yaml", ".yml"}:
        try:
            yield _suite(_yaml(file))
        except CallerError as error:
            raise CallerError(f"{file}: {error.message}", hint=error.hint) from None
    else:
        raise CallerError(f"{file}: cases are .yaml, .yml or .py")


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"_cases_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise CallerError(f"{file} cannot be imported")
    if "" not in sys.path:
        sys.path.insert(0, "")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file is its author's: what it raises is about the file
        raise CallerError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _yaml(file: Path) -> Any:
    loader = _loader()
    import yaml

    try:
        return yaml.load(file.read_bytes().decode(), Loader=loader)
    except UnicodeDecodeError as error:
        raise CallerError(f"not UTF-8 from byte {error.start} on") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise CallerError(f"{line}{getattr(error, 'problem', None) or 'this is no YAML'}") from None


@cache
def _loader() -> Any:
    """Plain values as YAML 1.2 has them: `no` is a text, not False, and a date is a text; a key twice is an error."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtra("pyyaml is not installed", hint='pip install "atomic-market[check]"') from None

    class Loader(yaml.SafeLoader):  # type: ignore[misc] # yaml ships no types
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        raise yaml.constructor.ConstructorError(
                            problem=f"{key.value!r} twice", problem_mark=key.start_mark
                        )
                    seen.add(key.value)
            found: dict[Any, Any] = super().construct_mapping(node, deep)
            return found

    kept = {
        first: [one for one in rules if one[0] not in _CUT_TAGS]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.yaml_implicit_resolvers = kept
    Loader.add_implicit_resolver(_CUT_TAGS[0], _TRUTHS, list("tTfF"))
    return Loader


def _suite(raw: Any) -> Suite:
    fields = _mapping(raw, "a file of cases", _OF_FILE)
    task, cases = fields.get("task"), fields.get("cases")
    if not isinstance(task, str):
        raise CallerError("task: which microtask the cases are of", hint='"module:name", or one of the inbox by name')
    if not isinstance(cases, list):
        raise CallerError("cases: a list of cases")
    return Suite(
        task=find_task(task),
        cases=[_case(number, one) for number, one in enumerate(cases, 1)],
        checks=_checks(fields.get("checks", [])),
    )


def _case(number: int, raw: Any) -> Case:
    what = f"case {number}"
    fields = _mapping(raw, what, _OF_CASE)
    name, refuse = fields.get("name", what), fields.get("refuse", False)
    if not isinstance(name, str) or "input" not in fields or not isinstance(refuse, bool):
        raise CallerError(f"{what}: name is a text, input is there, refuse is true or false")
    try:
        checks = _checks(fields.get("checks", []))
    except CallerError as error:
        raise CallerError(f"{what}: {error.message}", hint=error.hint) from None
    return Case(name=name, input=fields["input"], expect=fields.get("expect", UNSAID), refuse=refuse, checks=checks)


def _checks(raw: Any) -> list[Check]:
    if not isinstance(raw, list):
        raise CallerError("checks: a list of expressions")
    return [_check(one) for one in raw]


def _check(raw: Any) -> Check:
    if isinstance(raw, str):
        return Check(raw)
    fields = _mapping(raw, "a check", frozenset({"name", "assert", "check"}))
    test = fields.get("assert", fields.get("check"))
    name = fields.get("name", "")
    if ("assert" in fields) == ("check" in fields) or not isinstance(test, str) or not isinstance(name, str):
        raise CallerError("a check is an expression, or {assert: …} or {check: …} with perhaps a name")
    return Check(test, name, fails="assert" in fields)


def _mapping(raw: Any, what: str, keys: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise CallerError(f"{what} is a mapping with {', '.join(sorted(keys))}")
    if unknown := sorted(str(one) for one in raw if one not in keys):
        raise CallerError(f"{what}: unknown key {unknown[0]!r}", hint=f"one of {', '.join(sorted(keys))}")
    return raw

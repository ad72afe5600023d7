"""`test` blocks of `.baml` files as files of cases for `atomic test`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atomic.errors import MissingExtra
from atomic.integrations.baml_blocks import Block, TestAttribute


def cases_of(blocks: Sequence[Block], functions: Mapping[str, Sequence[str]], module: str) -> dict[str, str]:
    """A file of cases in YAML by the function that it tests; functions without tests have none.

    `functions` say what each takes: a test of several gives each of them its own arguments.
    Raises MissingExtra without the extra `check`.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for one in blocks:
        if one.kind == "test":
            for function in one.values.get("functions", ()):
                if function in functions:
                    found.setdefault(function, []).append(_case(one, functions[function]))
    return {name: _yaml({"task": f"{module}:{name}", "cases": found[name]}) for name in functions if name in found}


def _case(block: Block, takes: Sequence[str]) -> dict[str, Any]:
    """A test without asserts passes where there is an answer: that is what `true` says of it."""
    checks = [_check(one) for one in block.attributes if one.kind in ("assert", "check")]
    given = {name: value for name, value in block.values.get("args", {}).items() if name in takes}
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

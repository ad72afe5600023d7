"""Damaged texts read as values: how many come out right, refused where that was due, wrong, or missed.

`atomic bench repair CASES.jsonl` reads lines {`schema`, `text`, `finish`, and `value` or `refuse`: true}. A case is
right when its value comes back (numbers by value: 1 is 1.0), missed when it was refused, and wrong when another value
came back, or any where a refusal was due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from atomic.engines.reading import Reader
from atomic.engines.schema import reader_of
from atomic.engines.values import same
from atomic.engines.witness import Reading
from atomic.errors import CallerError, TaskError

KINDS = ("cases", "right", "refused_right", "wrong", "missed", "unsupported")


def run(path: Path, *, show: bool = False) -> dict[str, int]:
    """The counts of a file of cases; `show` prints what was wrong or missed by its line. Raises CallerError."""
    counts: Counter[str] = Counter()
    readers: dict[bytes, Reader | None] = {}
    for number, case in cases(path):
        counts["cases"] += 1
        verdict, told = judged(case, readers)
        counts[verdict] += 1
        counts["unsupported"] += told.startswith("unsupported")
        if show and verdict in ("wrong", "missed"):
            print(f"{path}:{number}: {verdict}: {told}")  # noqa: T201
    return {kind: counts[kind] for kind in KINDS}


def cases(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The cases of a file with their lines. Raises CallerError with file and line for one that is none."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            case = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise CallerError(f"{path}:{number}: no JSON: {error}") from None
        if not isinstance(case, dict) or "schema" not in case or not isinstance(case.get("text"), str):
            raise CallerError(f"{path}:{number}: no case", hint="an object with `schema` and `text`")
        if ("value" in case) == bool(case.get("refuse")):
            raise CallerError(f"{path}:{number}: what is right?", hint="either `value` or `refuse`: true")
        yield number, case


def judged(case: Mapping[str, Any], readers: dict[bytes, Reader | None]) -> tuple[str, str]:
    """What a case came to, and in words; a reader is made once for a schema."""
    key = orjson.dumps(case["schema"])
    told = ""
    if key not in readers:
        try:
            readers[key] = reader_of(case["schema"])
        except TaskError as error:
            readers[key] = None
            told = f"unsupported: {error.message}"
    reader = readers[key]
    found = None if reader is None else reader.read(case["text"], case.get("finish", "stop"))
    if not isinstance(found, Reading):
        told = told or (found.detail if found else "unsupported")
        return ("refused_right" if case.get("refuse") else "missed"), told
    if "value" in case and same(found.value, case["value"]):
        return "right", ", ".join(found.repairs)
    return "wrong", f"{orjson.dumps(found.value).decode()} ({', '.join(found.repairs)})"


def table(result: Mapping[str, int]) -> str:
    """The counts for people, with the share that is right of those that have a value."""
    due = result["right"] + result["missed"]
    share = f"{result['right'] / due:.1%} of {due} with a value are right" if due else "no case has a value"
    return "\n".join([*(f"{kind:>14} {result[kind]}" for kind in KINDS), share])

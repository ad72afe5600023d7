"""Python types in BAML's words: what a prompt says of an answer's form, where its author prefers that to JSON schema.

Descriptions and aliases of pydantic's fields are in them; its limits are BAML's asserts, held when an answer is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, ParamSpec, TypeVar

from pydantic_core import from_json as grown

from atomic.engines.baml import BamlType
from atomic.engines.baml_parser import answer_of
from atomic.engines.shapes import shapes
from atomic.output import as_json
from atomic.records.microtask import Microtask
from atomic.records.wording import Wording

P = ParamSpec("P")
T = TypeVar("T")


def in_bamls_words(task: Microtask[P, T], *, key: str = "") -> Microtask[P, T]:
    """The same task, asked with BAML's words on the form of its answer.

    With a `key` the answer, such as a text, is written as the only field of that name: what a model says around it is
    then no part of it. BAML is loaded when somebody is first asked; TaskError is raised then for a type
    that it has not.

    >>> from atomic.records.microtask import microtask
    >>> @in_bamls_words
    ... @microtask(worth="$1")
    ... async def counts(text: str) -> dict[str, int]:
    ...     \"\"\"How many of each?\"\"\"
    >>> print(counts.wording.form())
    Answer in JSON using this schema:
    map<string, int>
    """
    inner = task.output.json_schema()
    schema = _keyed(inner, key) if key else inner

    @cache
    def form() -> str:
        return BamlType(shapes(schema)).prompt("").strip()

    def answer(value: Any) -> Any:
        return answer_of(task, value[key] if key else value)

    def written(value: Any) -> Any:
        return {key: as_json(task, value)} if key else as_json(task, value)

    def partial(text: str) -> Any:
        return _said(text, key)

    # Labels are written as they are: they are scored, and found among words.
    labels = () if key else task.labels
    wording = Wording(schema=schema, answer=answer, written=written, form=form, partial=partial if key else None)
    return replace(task, wording=wording, labels=labels)


def _keyed(inner: Mapping[str, Any], key: str) -> dict[str, Any]:
    defs = {"$defs": inner["$defs"]} if "$defs" in inner else {}
    field = {name: one for name, one in inner.items() if name != "$defs"}
    return {"type": "object", "properties": {key: field}, "required": [key], **defs}


def _said(text: str, key: str) -> Any:
    """What stands at a key of JSON that still grows; all of it where it is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found = grown(text[start:], allow_partial="trailing-strings")
    except ValueError:
        return None
    return found.get(key) if isinstance(found, dict) else None

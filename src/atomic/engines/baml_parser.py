"""The parser of free text for every bidder: BAML's, with a witness; what no repair is needed for costs no BAML."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from atomic.engines.baml import BamlType
from atomic.engines.baml_project import failed_checks
from atomic.engines.reading import Reader
from atomic.engines.witness import AROUND
from atomic.errors import TaskError
from atomic.output import Refusal, as_json, from_json, plain_type, typed
from atomic.protocols import Parsed
from atomic.records.bid import Reason
from atomic.records.microtask import Microtask
from atomic.records.wording import Wording

REMEMBERED = 256  # types
SCALARS = (str, int, float)
ENGINE = "BAML"


def installed() -> bool:
    """Whether the extra `baml` is here."""
    return importlib.util.find_spec("baml_py") is not None


class BamlParser:
    """Reads texts as answers of microtasks. Safe for threads; types are compiled once.

    Labels, numbers and plain texts are read by the core first, and here only where that finds none. A type that BAML
    has not (`Any`, a tuple) is read by the core alone.
    """

    def __init__(self) -> None:
        """Makes nothing yet."""
        self._readers: OrderedDict[int, tuple[Microtask[..., Any], Reader | None]] = OrderedDict()
        self._lock = threading.Lock()

    def parse(self, task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        """The answer with every repair to it, or why there is none; `text` is whole. Never raises.

        Fences, thoughts and sentences around an answer are no repairs of it.
        """
        if task.wording is not None:
            return self._in_its_wording(task, text, task.wording)
        return self._parse(task, text)

    def _in_its_wording(self, task: Microtask[..., Any], text: str, wording: Wording) -> Parsed | Refusal:
        """As its author has it written; what is no such answer and nothing but one in its own names is taken, too."""
        is_text = plain_type(task) is str
        if is_text and (wording.bare or not _looks_like_json(text, wording)):
            found = typed(task, text)
            answer = found if isinstance(found, Refusal) else wording.answer(wording.written(found))
            return answer if isinstance(answer, Refusal) else Parsed(answer, _failed(answer))
        reading = self._read(task, text) if is_text else self._parse(task, text)
        if isinstance(reading, Parsed):
            return replace(reading, repairs=(*reading.repairs, *_failed(reading.answer)))
        found = reading if is_text else from_json(task, _plainly(text))
        found = found if isinstance(found, Refusal) else wording.answer(wording.written(found))
        if isinstance(found, Refusal):
            return reading
        return Parsed(found, ("written in the names of the answer", *_failed(found)))

    def _parse(self, task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        simple = bool(task.labels) or plain_type(task) in SCALARS
        found = typed(task, text) if simple else None
        if found is not None and (not isinstance(found, Refusal) or found.reason is Reason.EMPTY):
            return found if isinstance(found, Refusal) else Parsed(found)
        if self._reader(task) is None:
            found = typed(task, text) if found is None else found
            return found if isinstance(found, Refusal) else Parsed(found)
        return self._read(task, text)

    def _read(self, task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        reader = self._reader(task)
        if reader is None:
            return Refusal(Reason.NOT_THE_TYPE, "BAML has no type for it")
        reading = reader.read(text)
        if isinstance(reading, Refusal):
            return reading
        return Parsed(reading.answer, tuple(one for one in reading.repairs if one not in AROUND), ENGINE)

    def compiled(self, task: Microtask[..., Any]) -> BamlType:
        """A task's type in BAML. Raises TaskError where BAML has none."""
        reader = self._reader(task)
        if reader is None:
            raise TaskError(f"BAML has no type for what {task.name} answers")
        return reader.baml

    def _reader(self, task: Microtask[..., Any]) -> Reader | None:
        with self._lock:
            known = self._readers.get(id(task))
            if known is None:
                # The task is kept with its reader, so that its id stays its own.
                known = self._readers[id(task)] = (task, _made(task))
                if len(self._readers) > REMEMBERED:
                    self._readers.popitem(last=False)
            self._readers.move_to_end(id(task))
            return known[1]


def _looks_like_json(text: str, wording: Wording) -> bool:
    """Whether a text begins as JSON, or has an object with a key of the form in it; braces alone are no JSON."""
    keys = "|".join(map(re.escape, wording.schema.get("properties", ())))
    return bool(re.match(r"\s*(?:```\w*\s*)?\{", text) or re.search(rf"\{{\s*[\"'“`]?(?:{keys})\b", text))


def _plainly(text: str) -> Any:
    """JSON, or a text that is none: nothing is looked for in it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()


def _failed(answer: Any) -> tuple[str, ...]:
    return tuple(f"check {one} fails" for one in failed_checks(answer))


def _made(task: Microtask[..., Any]) -> Reader | None:
    try:
        if task.wording is not None:
            return Reader(task.wording.schema, task.wording.answer, drops=True)
        return Reader(task.output.json_schema(), lambda value: answer_of(task, value), drops=True)
    except TaskError:
        return None


def answer_of(task: Microtask[..., Any], value: Any) -> Any:
    """The answer that JSON of its own type is, or a Refusal."""
    answer = from_json(task, value)
    if isinstance(answer, Refusal):
        return answer
    try:
        as_json(task, answer)
    except Exception as error:  # a type of the task's author may be written by anything
        return Refusal(Reason.NOT_THE_TYPE, f"cannot be written as JSON: {type(error).__name__}")
    return answer

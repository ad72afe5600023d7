"""An answer while it is being written: text that grows in, typed partial values out. Pure; nothing here waits.

What stands in a partial is of the type as far as it goes. Whether the answer is one at all is said at its end, by the
parser and the task's validators: a partial passes for nothing.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json

from atomic.engines.baml import BamlType
from atomic.engines.growing import Growing
from atomic.engines.shapes import shapes
from atomic.engines.twins import MISSING, Twin
from atomic.errors import MissingExtra, TaskError
from atomic.output import answers_by_label, plain_type
from atomic.records.microtask import Microtask

LONGEST = 200_000  # characters; what is longer is read once it is whole
REMEMBERED = 64  # types in BAML
SHARE = 50  # of a damaged text that is being read: this part of it is waited for
_BEGINNING = {"{": re.compile(r"\{"), "[": re.compile(r"\[\s*(?=[\[\]{\"\d\-tfn]|$)"), "": re.compile(r"[{\[]")}
_THOUGHTS = re.compile(r"\A\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Partial:
    """A typed partial value: models have every field optional, texts may still grow."""

    value: Any


class PartialReader:
    """Reads one answer of a task as it comes. Texts and labels are read bare, everything else from its JSON.

    JSON that is damaged is read by BAML, where it is installed. `quoted`: a text comes as a JSON string, as from a
    model that is held to its type.

    >>> from atomic.records.microtask import microtask
    >>> @microtask(worth="$1")
    ... async def primes(text: str) -> list[int]:
    ...     \"\"\"Which primes?\"\"\"
    >>> reader = PartialReader(primes)
    >>> [reader.feed(piece) for piece in ("Sure: [2", ", 3, 1", "1]")]
    [Partial(value=[]), Partial(value=[2, 3]), Partial(value=[2, 3, 11])]
    """

    def __init__(self, task: Microtask[..., Any], *, quoted: bool = False) -> None:
        """Gets ready for the type; takes a millisecond."""
        self._task = task
        self._kind = plain_type(task)
        self._labels = answers_by_label(task)
        self._quoted = quoted
        self._twin = Twin(task.output_type)
        self._growing = Growing()
        self._begins = _BEGINNING[_opening(task)]
        self._began = False  # its JSON
        self._read_at = 0  # characters
        if not (self._labels or self._kind is str):
            # Beside, so that no token waits for it: it takes milliseconds, once for a type.
            threading.Thread(target=_baml, args=(task.output,), name="atomic partial", daemon=True).start()
        self._last: Any = MISSING
        self._loosely = False  # its JSON is damaged: from now on BAML reads it
        self.text = ""  # all that came

    def feed(self, piece: str) -> Partial | None:
        """Take in what came; the partial value where that changed it, else None. Never raises."""
        self.text += piece
        if len(self.text) > LONGEST:
            return None
        value = self._read(piece)
        if value is MISSING or value == self._last:
            return None
        self._last = value
        return Partial(value)

    def _read(self, piece: str) -> Any:
        wording = self._task.wording
        if wording is not None and wording.partial is not None:
            found = wording.partial(self.text)
            return MISSING if found is None else found
        if self._kind is str and not self._quoted:
            return self.text.strip() or MISSING
        if self._labels:
            return self._label(self.text)
        return self._json(self.text, piece)

    def _label(self, text: str) -> Any:
        """The only label that is left; none while a longer one may be meant."""
        said = text.strip(" \t\r\n\"'`*").casefold()
        left = [one for one in self._labels if one.casefold().startswith(said)]
        return self._labels[left[0]] if said and len(left) == 1 else MISSING

    def _json(self, text: str, piece: str) -> Any:
        if self._kind is str:
            return self._in_quotes(text.lstrip())
        if self._loosely:
            return self._loose(text)
        if self._began:
            return self._grown(piece)
        if (thought := _THOUGHTS.match(text)) is not None:
            _, ended, text = text.partition(f"</{thought[1]}>")
            if not ended:
                return MISSING
        start = self._begins.search(text)
        if start is None:
            return MISSING
        self._began = True
        return self._grown(text[start.start() :])

    def _in_quotes(self, text: str) -> Any:
        try:
            (said,) = from_json(f"[{text}", allow_partial="trailing-strings")
        except ValueError:
            return MISSING
        return said if isinstance(said, str) and said else MISSING

    def _grown(self, piece: str) -> Any:
        try:
            self._growing.feed(piece)
        except (ValueError, RecursionError):
            self._loosely = True
            return self._loose(self.text)
        return self._twin.fit(self._growing.root, self._growing.open) if self._growing.begun else MISSING

    def _loose(self, text: str) -> Any:
        """As BAML reads it from the beginning again: the longer it is, the more has to come before that is done."""
        if self._last is not MISSING and len(text) < self._read_at + self._read_at // SHARE:
            return self._last
        self._read_at = len(text)
        baml = _baml(self._task.output)
        try:
            found = None if baml is None else baml.parse(text, partial=True)
        except ValueError:
            return MISSING
        return MISSING if found is None else self._twin.fit_anew(found)


@lru_cache(maxsize=REMEMBERED)
def _baml(output: TypeAdapter[Any]) -> BamlType | None:
    """A type in BAML; None where the library or the type is missing."""
    try:
        return BamlType(shapes(output.json_schema()))
    except (TaskError, MissingExtra):
        return None


def _opening(task: Microtask[..., Any]) -> str:
    schema = task.output.json_schema()
    if "$ref" in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    return {"object": "{", "array": "["}.get(str(schema.get("type", "")), "")

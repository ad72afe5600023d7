"""Free text to a value of a schema, or a refusal: BAML's parser, and a witness of what it repaired without a word.

BAML's schema-aligned parser says what a text comes to. The witness reads the same text with every liberty named. What
both come to is the answer; where they differ, something was dropped, closed or coerced, and the witness's reading
stands only if BAML reads *that*, written as JSON, in the same way. Where the witness can read a text in no way or in
two, there is no answer, whatever BAML would make of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from atomic.engines.baml import BamlType
from atomic.engines.fitting import Fitter
from atomic.engines.passages import (
    passages,
)
from atomic.engines.shapes import shapes
from atomic.engines.tree import Raw, Text, Unreadable, Word
from atomic.engines.values import Misfit, same
from atomic.engines.witness import AROUND, Reading, Witness
from atomic.output import Refusal
from atomic.records.bid import Reason

WHOLE = frozenset(
    "stop end_turn stop_sequence eos eos_token end completed complete done finished".split()
    + "tool_calls tool_use function_call".split()
)


class Reader:
    """Reads texts as values of one JSON schema. Making one takes milliseconds: keep it. Safe for threads."""

    def __init__(self, schema: Any, validate: Callable[[Any], Any], *, drops: bool = False) -> None:
        """`validate` has the last word on a value: it makes the answer of it, or a Refusal.

        `drops`: keys that the schema says nothing of are left out, as pydantic does. JSON schema would keep them, so
        that a text which has some can be read in two ways otherwise. Raises TaskError for a schema that is not
        supported.
        """
        self._drops = drops
        self._shapes = shapes(schema)
        self.baml = BamlType(self._shapes)
        self._validate = validate
        self._witness = Witness(self._shapes, validate, drops=drops)

    def read(self, text: str, finish: str | None = "stop") -> Reading | Refusal:
        """The value, or why there is none. Never raises; a text that did not end by itself is no answer.

        `finish` is what the provider said of the text's end; None where it said nothing.
        """
        if (finish or "").casefold() not in WHOLE:
            return Refusal(Reason.CUT, "the text did not end by itself")
        if not text.strip():
            return Refusal(Reason.EMPTY, "an empty text")
        try:
            reading = self._exact(text)
            return self._agreed(text, self._witness.read(text)) if reading is None else reading
        except (Misfit, Unreadable) as error:
            return Refusal(Reason.NOT_THE_TYPE, str(error))
        except RecursionError:
            return Refusal(Reason.NOT_THE_TYPE, "nested too deeply")

    def _exact(self, text: str) -> Reading | None:
        """What needs no repair: a text that is JSON, and fits."""
        try:
            json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
            (only,) = passages(text, frozenset()) if text.lstrip()[:1] in ("{", "[") else (None,)
        except (ValueError, Unreadable):
            return None
        raw = only.raw if only else _scalar(text)
        fitter = Fitter(self._shapes, self._drops)
        try:
            value = fitter.fit(self._shapes.root, raw)
        except Misfit:
            return None
        if fitter.repairs or (only and only.repairs):
            return None
        answer = self._validate(value)
        return None if isinstance(answer, Refusal) else Reading(value, answer)

    def _agreed(self, text: str, reading: Reading) -> Reading:
        """The witness's reading, if BAML comes to the same: of the text itself, or of the reading as JSON.

        An answer that is proper JSON, with or without text around it, leaves BAML nothing to repair.
        """
        if AROUND.issuperset(reading.repairs):
            return reading
        if self._parses_to(text, reading.value):
            return reading
        # BAML takes a text that is the whole answer as it stands, quotes and all.
        written = reading.value if isinstance(reading.value, str) else json.dumps(reading.value, ensure_ascii=False)
        if not self._parses_to(written, reading.value):
            raise Misfit("BAML does not take it")
        return replace(reading, repairs=(*reading.repairs, "BAML read the text otherwise"))

    def _parses_to(self, text: str, value: Any) -> bool:
        try:
            return same(self.baml.parse(text), value, nulls=True)
        except ValueError:
            return False


def _scalar(text: str) -> Raw:
    bare = text.strip()
    return Text(json.loads(bare)) if bare.startswith('"') else Word(bare)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)

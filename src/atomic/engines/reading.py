"""Free text to a value of a schema, or a refusal: BAML's parser, and a witness of what it repaired without a word.

BAML's schema-aligned parser says what a text comes to. The witness reads the same text with every liberty named. What
both come to is the answer; where they differ, something was dropped, closed or coerced, and the witness's reading
stands only if BAML reads *that*, written as JSON, in the same way. Where the witness can read a text in no way or in
two, there is no answer, whatever BAML would make of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from atomic.engines.baml import BamlType
from atomic.engines.fitting import Fitter, Misfit, same
from atomic.engines.layouts import bullets, key_lines, table
from atomic.engines.loose_json import Many, Pairs, Raw, Text, Unreadable, Word
from atomic.engines.passages import (
    RETRACTED,
    Passage,
    fenced,
    is_better,
    is_example,
    is_many_lines,
    nothing_follows,
    passages,
    without_thoughts,
)
from atomic.engines.shapes import Shape, shapes
from atomic.engines.worded import refuses, said
from atomic.output import Refusal
from atomic.records.bid import Reason

WHOLE = frozenset(
    "stop end_turn stop_sequence eos eos_token end completed complete done finished".split()
    + "tool_calls tool_use function_call".split()
)
_SCALARS = ("text", "whole", "number", "truth", "null", "choice")
_ANSWERS = ("answer", "finalanswer", "result", "value", "output", "label", "response")


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of the schema, and every liberty that was taken to read it; none where the text was as it should be."""

    value: Any
    repairs: tuple[str, ...] = ()


class Reader:
    """Reads texts as values of one JSON schema. Making one takes milliseconds: keep it. Safe for threads."""

    def __init__(self, schema: Any, valid: Callable[[Any], bool]) -> None:
        """`valid` has the last word on a value. Raises TaskError for a schema that is not supported."""
        self._shapes = shapes(schema)
        self._baml = BamlType(self._shapes)
        self._valid = valid
        self._keys = frozenset(self._root_of_keys().fields)

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
            return self._agreed(text, self._witnessed(text)) if reading is None else reading
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
        fitter = Fitter(self._shapes)
        try:
            value = fitter.fit(self._shapes.root, raw)
        except Misfit:
            return None
        return None if fitter.repairs or (only and only.repairs) or not self._valid(value) else Reading(value)

    def _agreed(self, text: str, reading: Reading) -> Reading:
        """The witness's reading, if BAML comes to the same: of the text itself, or of the reading as JSON."""
        if self._parses_to(text, reading.value):
            return reading
        # BAML takes a text that is the whole answer as it stands, quotes and all.
        written = reading.value if isinstance(reading.value, str) else json.dumps(reading.value, ensure_ascii=False)
        if not self._parses_to(written, reading.value):
            raise Misfit("BAML does not take it")
        return Reading(reading.value, (*reading.repairs, "BAML read the text otherwise"))

    def _parses_to(self, text: str, value: Any) -> bool:
        try:
            return same(_without_nulls(self._baml.parse(text)), _without_nulls(value))
        except ValueError:
            return False

    def _witnessed(self, text: str) -> Reading:
        bare, taken = without_thoughts(text)
        if not bare:
            raise Unreadable("nothing but thoughts")
        inside = _text_inside(bare)
        if inside is not None and self._shapes.of(self._shapes.root).kind not in _SCALARS:
            bare = inside
            taken.append("JSON inside a text")
        found = self._in_json(bare)
        if found is None:
            found = self._in_words(bare)
        if found is None:
            raise Misfit("holds no answer, or more than one")
        return Reading(found.value, tuple(dict.fromkeys((*taken, *found.repairs))))

    def _in_json(self, text: str) -> Reading | None:
        """The one answer among the JSON of a text; None where there is none. Raises Misfit where there are several."""
        found = passages(text, self._keys)
        if len(found) > 1 and self._shapes.of(self._shapes.root).kind == "list" and is_many_lines(text, found):
            raw = Many(tuple(one.raw for one in found))
            repairs = dict.fromkeys(one for each in found for one in each.repairs)
            return self._fitted(raw, (*repairs, "lines for a list"))
        fitting: list[tuple[Passage, Reading]] = []
        broken: list[Passage] = []
        for one in found:
            try:
                fitting.append((one, self._passage(text, one)))
            except Misfit:
                broken.append(one)
        real = [one for one in fitting if not is_example(text, one[0])] or fitting[:0]
        if not real:
            if fitting or any(self._is_attempt(one) for one in broken):
                raise Misfit("holds JSON, and none that fits")
            return None
        chosen = real[-1]
        for before in real[:-1]:
            if not same(before[1].value, chosen[1].value) and not is_better(text, before[0], chosen[0]):
                raise Misfit("more than one answer")
        self._is_last(text, chosen[0], broken)
        around = text[: chosen[0].start] + text[chosen[0].end :]
        note = () if not around.strip() else ("text around the answer",)
        return Reading(chosen[1].value, (*note, *chosen[1].repairs))

    def _passage(self, text: str, one: Passage) -> Reading:
        if isinstance(one.raw, Many | Pairs) and one.raw.cut:
            if not nothing_follows(text, one) or isinstance(one.raw, Many):
                raise Misfit("cut")
            return self._fitted(one.raw, (*one.repairs, "brackets not closed"))
        return self._fitted(one.raw, one.repairs)

    def _is_last(self, text: str, chosen: Passage, broken: list[Passage]) -> None:
        """Raises Misfit where what follows takes the answer back, or is an answer that cannot be read."""
        after = text[chosen.end :]
        if RETRACTED.search(after):
            raise Misfit("taken back afterwards")
        if any(one.start > chosen.end and self._is_attempt(one) and not is_example(text, one) for one in broken):
            raise Misfit("another answer after it does not fit")

    def _is_attempt(self, one: Passage) -> bool:
        if isinstance(one.raw, Pairs):
            return any(key in self._keys for key, _ in one.raw.items) or not self._keys or one.raw.cut
        kind = self._shapes.of(self._shapes.root).kind
        return isinstance(one.raw, Many) and (kind in ("list", "tuple", "union", "any") or one.raw.cut)

    def _fitted(self, raw: Raw, repairs: tuple[str, ...]) -> Reading:
        """The value of a tree, or of the only thing inside its wrapping. Raises Misfit."""
        fitter = Fitter(self._shapes)
        try:
            value = fitter.fit(self._shapes.root, raw)
        except Misfit:
            inner = self._unwrapped(raw)
            if inner is None:
                raise
            fitter = Fitter(self._shapes)
            value = fitter.fit(self._shapes.root, inner)
            fitter.repairs["a wrapping of one key"] = None
        if not self._valid(value):
            raise Misfit("outside its limits")
        return Reading(value, (*repairs, *fitter.repairs))

    def _unwrapped(self, raw: Raw) -> Raw | None:
        if not isinstance(raw, Pairs) or raw.cut or not raw.items:
            return None
        if any(key in self._keys for key, _ in raw.items):
            return None
        if len(raw.items) == 1:
            inner = raw.items[0][1]
            root = self._shapes.of(self._shapes.root).kind
            return (
                inner if root in _SCALARS or isinstance(inner, Pairs if root in ("object", "union") else Many) else None
            )
        if self._shapes.of(self._shapes.root).kind not in _SCALARS:
            return None
        named = [one for key, one in raw.items if key.casefold().replace("_", "").replace(" ", "") in _ANSWERS]
        return named[0] if len(named) == 1 else None

    def _in_words(self, text: str) -> Reading | None:
        if refuses(text):
            raise Misfit("says that there is no answer")
        for raw, note in self._ways(text):
            try:
                return self._fitted(raw, (note,) if note else ())
            except Misfit:
                continue
        return None

    def _ways(self, text: str) -> Iterator[tuple[Raw, str]]:
        root = self._shapes.of(self._shapes.root)
        inside = fenced(text)
        bare = inside or text
        if root.kind == "object":
            if RETRACTED.search(bare):
                return
            if lines := key_lines(bare, root.fields):
                yield lines, "lines of key and value"
            if rows := table(bare, root.fields):
                yield rows, "a table"
        elif root.kind == "list" and root.inner is not None:
            inner = self._shapes.of(root.inner)
            rows = (
                table(bare, inner.fields)
                if inner.kind == "object"
                else bullets(bare)
                if inner.kind in _SCALARS
                else None
            )
            if rows and not RETRACTED.search(bare):
                yield rows, "a table" if inner.kind == "object" else "a list with bullets"
            elif inner.kind == "choice":
                yield Text(bare.strip(" .`\"'")), ""
        elif root.kind in _SCALARS:
            for one in said(root, text):
                yield one, "" if one == Text(text) or one == Word(text) else "an answer in words"
        elif root.kind == "union":
            yield from self._of_a_union(root, bare)

    def _of_a_union(self, root: Shape, text: str) -> Iterator[tuple[Raw, str]]:
        """A bare word for a union, such as null, a number, or the text itself where one of its members is a text."""
        kinds = {self._shapes.of(one).kind for one in root.options}
        if text.strip().casefold() in ("null", "none", "n/a") and "null" in kinds:
            yield Word("null"), "" if text.strip() == "null" else "null in other words"
            return
        plain = [
            one for one in (self._shapes.of(one) for one in root.options) if one.kind in _SCALARS and one.kind != "null"
        ]
        if len(plain) == 1:
            for one in said(plain[0], text):
                yield one, "an answer in words"

    def _root_of_keys(self) -> Shape:
        root = self._shapes.of(self._shapes.root)
        if root.kind == "list" and root.inner is not None:
            root = self._shapes.of(root.inner)
        if root.kind == "union":
            fields = {key: one for each in root.options for key, one in self._shapes.of(each).fields.items()}
            return Shape(kind="object", fields=fields)
        return root


def _scalar(text: str) -> Raw:
    bare = text.strip()
    return Text(json.loads(bare)) if bare.startswith('"') else Word(bare)


def _text_inside(text: str) -> str | None:
    """The JSON in a text that is itself written as a text of JSON; None when it is none."""
    if not text.startswith('"'):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found.strip() if isinstance(found, str) and found.strip()[:1] in ("{", "[") else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _without_nulls(value: Any) -> Any:
    """BAML has null for a field that is absent."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value

"""The witness: a text read with every liberty named, in one way only or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from atomic.engines.disguises import boxed, undisguised
from atomic.engines.fitting import Fitter
from atomic.engines.passages import (
    Passage,
    is_better,
    is_example,
    is_many_lines,
    is_retracted,
    nothing_follows,
    passages,
    without_thoughts,
)
from atomic.engines.shapes import Shape, Shapes
from atomic.engines.tree import Many, Pairs, Raw, Unreadable
from atomic.engines.values import Misfit, same
from atomic.engines.without_json import SCALARS, worded
from atomic.engines.worded import refuses
from atomic.output import Refusal

# What is taken away around an answer, which changes nothing of it.
AROUND = frozenset(
    {"thoughts before the answer", "a tag around the answer", "text around the answer", "a box around the answer"}
)
_ANSWERS = ("answer", "finalanswer", "result", "value", "output", "label", "response")

_CALLED_WITH = ("arguments", "parameters", "input")
_OF_A_CALL = (*_CALLED_WITH, "name", "id", "type", "tool", "function")  # a tool's, as templates say


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of the schema, and every liberty that was taken to read it; none where the text was as it should be."""

    value: Any
    answer: Any  # what the validator made of it
    repairs: tuple[str, ...] = ()


class Witness:
    """Reads texts as values of one schema's shapes. Safe for threads."""

    def __init__(self, shapes: Shapes, validate: Callable[[Any], Any], *, drops: bool = False) -> None:
        """See `Reader`."""
        self._shapes = shapes
        self._validate = validate
        self._drops = drops
        self.keys = frozenset(self._root_of_keys().fields)

    def read(self, text: str) -> Reading:
        """The one answer of a text. Raises Misfit or Unreadable where there is none, or more than one."""
        bare, taken = without_thoughts(text)
        if not bare:
            raise Unreadable("nothing but thoughts")
        scalar = self._shapes.of(self._shapes.root).kind in SCALARS
        inside = (None if is_retracted(bare) else boxed(bare)) if scalar else undisguised(bare)
        if inside is not None:
            bare = inside
            taken.append("a box around the answer" if scalar else "JSON in another writing")
        found = self._in_json(bare)
        if found is None:
            found = self._in_words(bare)
        if found is None:
            raise Misfit("holds no answer, or more than one")
        return replace(found, repairs=tuple(dict.fromkeys((*taken, *found.repairs))))

    def _in_json(self, text: str) -> Reading | None:
        """The one answer among the JSON of a text; None where there is none. Raises Misfit where there are several."""
        found = passages(text, self.keys)
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
        real = [one for one in fitting if not is_example(text, one[0])]
        if any(not same(one[1].value, real[0][1].value) for one in real):
            real = [one for one in real if not is_example(text, one[0], among=True)]
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
        return replace(chosen[1], repairs=(*note, *chosen[1].repairs))

    def _passage(self, text: str, one: Passage) -> Reading:
        if isinstance(one.raw, Many | Pairs) and one.raw.cut:
            if not nothing_follows(text, one) or isinstance(one.raw, Many):
                raise Misfit("cut")
            return self._fitted(one.raw, (*one.repairs, "brackets not closed"))
        return self._fitted(one.raw, one.repairs)

    def _is_last(self, text: str, chosen: Passage, broken: list[Passage]) -> None:
        """Raises Misfit where what follows takes the answer back, or is an answer that cannot be read."""
        after = text[chosen.end :]
        if is_retracted(after):
            raise Misfit("taken back afterwards")
        if any(one.start > chosen.end and self._is_attempt(one) and not is_example(text, one) for one in broken):
            raise Misfit("another answer after it does not fit")

    def _is_attempt(self, one: Passage) -> bool:
        if isinstance(one.raw, Pairs):
            return any(key in self.keys for key, _ in one.raw.items) or not self.keys or one.raw.cut
        kind = self._shapes.of(self._shapes.root).kind
        return isinstance(one.raw, Many) and (kind in ("list", "tuple", "union", "any") or one.raw.cut)

    def _fitted(self, raw: Raw, repairs: tuple[str, ...]) -> Reading:
        """The value of a tree, or of the only thing inside its wrapping. Raises Misfit."""
        fitter = Fitter(self._shapes, self._drops)
        try:
            value = fitter.fit(self._shapes.root, raw)
        except Misfit:
            inner = self._unwrapped(raw)
            if inner is None:
                raise
            fitter = Fitter(self._shapes, self._drops)
            value = fitter.fit(self._shapes.root, inner)
            fitter.repairs["a wrapping of one key"] = None
        answer = self._validate(value)
        if isinstance(answer, Refusal):
            raise Misfit("outside its limits")
        return Reading(value, answer, (*repairs, *fitter.repairs))

    def _unwrapped(self, raw: Raw) -> Raw | None:
        if isinstance(raw, Many) and not raw.cut and len(raw.items) == 1:
            (raw,) = raw.items
        if not isinstance(raw, Pairs) or raw.cut or not raw.items:
            return None
        if self._shapes.of(self._shapes.root).kind not in SCALARS and (inner := self._of_a_call(raw)):
            return inner
        if any(key in self.keys for key, _ in raw.items):
            return None
        if len(raw.items) == 1:
            inner = raw.items[0][1]
            root = self._shapes.of(self._shapes.root).kind
            return (
                inner if root in SCALARS or isinstance(inner, Pairs if root in ("object", "union") else Many) else None
            )
        if self._shapes.of(self._shapes.root).kind not in SCALARS:
            return None
        named = [one for key, one in raw.items if key.casefold().replace("_", "").replace(" ", "") in _ANSWERS]
        return named[0] if len(named) == 1 else None

    def _of_a_call(self, raw: Pairs) -> Raw | None:
        """What a tool is called with, where nothing else may be the answer."""
        called = [one for key, one in raw.items if key in _CALLED_WITH and key not in self.keys]
        alone = len(called) == 1 < len(raw.items) and all(key in _OF_A_CALL for key, _ in raw.items)
        return called[0] if alone else None

    def _in_words(self, text: str) -> Reading | None:
        if refuses(text):
            raise Misfit("says that there is no answer")
        if text.count("```") % 2:
            raise Misfit("cut inside a fence")
        for raw, note in worded(self._shapes, text):
            try:
                return self._fitted(raw, (note,) if note else ())
            except Misfit:
                continue
        return None

    def _root_of_keys(self) -> Shape:
        root = self._shapes.of(self._shapes.root)
        if root.kind == "list" and root.inner is not None:
            root = self._shapes.of(root.inner)
        if root.kind == "union":
            fields = {key: one for each in root.options for key, one in self._shapes.of(each).fields.items()}
            return Shape(kind="object", fields=fields)
        return root

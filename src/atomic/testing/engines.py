"""The contract suite of engines: what makes an answer of a model's text, over the corpus of types.

An engine is held to it as a reader: a task and what a model wrote go in, a `Parsed` or a `Refusal` comes out. Engines
that talk to a model themselves are given one that says that text (`ScriptedBidder`, a scripted `dspy.LM`).
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from atomic.output import Refusal, as_json, from_json, typed
from atomic.protocols import Constrainer, Parsed
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Microtask
from atomic.testing.types import TypeCase, type_cases

Read = Callable[[Microtask[..., Any], str], Parsed | Refusal | Awaitable[Parsed | Refusal]]
Kind = Literal["whole", "wrapped", "wrong", "cut"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a model wrote for a type, and which value a reader of it must come to, as JSON; None: no one value."""

    kind: Kind
    text: str
    value: tuple[Any] | None = None


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What an engine made of the corpus: answers that are right, that were repaired, and refusals, by kind of text."""

    types: int
    answers: int
    right: Counter[Kind]
    repaired: Counter[Kind]
    refused: Counter[Kind]


def said_of(case: TypeCase) -> Iterator[Said]:
    """At least three texts of a type: whole ones, one with words around it, wrong ones, one that is cut."""
    for text in case.valid:
        value = (as_json(case.task, typed(case.task, text)),)
        yield Said("whole", text, value)
        if text[:1] in ("{", "["):
            yield Said("wrapped", f"Here it is:\n```json\n{text}\n```\nAnything else?", value)
            yield Said("cut", text[:-1])
        else:
            yield Said("wrapped", f"{text}\n", value)
    for text in case.invalid:
        yield Said("wrong", text)


async def check_engine(read: Read, cases: Sequence[TypeCase] | None = None) -> EngineFigures:
    """Hold an engine to its contract, and return what came of it. Raises AssertionError that says what is broken.

    It never raises; what it answers is of the type; of a whole text it is the value that stands there, and of a text
    that is wrong or cut it is nothing, unless every liberty taken is named. Refusing is always allowed: how much an
    engine refuses is for its figures to tell.
    """
    right, repaired, refused = Counter[Kind](), Counter[Kind](), Counter[Kind]()
    cases = type_cases() if cases is None else cases
    for case in cases:
        for said in said_of(case):
            made = read(case.task, said.text)
            found = await made if inspect.isawaitable(made) else made
            place = f"{case.name}, {said.kind} text {said.text!r}"
            if isinstance(found, Refusal):
                refused[said.kind] += 1
                continue
            assert isinstance(found, Parsed), f"{place}: an engine gives a Parsed or a Refusal, not a {type(found)}"
            check_answer(case.task, found.answer, place)
            if said.value is None:
                assert found.repairs, f"{place}: answered without naming a repair"
            elif not found.repairs:
                shown = as_json(case.task, found.answer)
                assert canonical_json(said.value[0]) == canonical_json(shown), f"{place}: answered {shown!r}"
            (repaired if found.repairs else right)[said.kind] += 1
    answers = sum((right + repaired + refused).values())
    return EngineFigures(len(cases), answers, right, repaired, refused)


def check_answer(task: Microtask[..., Any], answer: object, place: str = "") -> None:
    """An answer is of the task's type: read by another way than it came, once it was written."""
    try:
        again = from_json(task, as_json(task, answer))
    except Exception as error:  # a type of a task's author may be written by anything
        raise AssertionError(f"{place or task.name}: {answer!r} cannot be written as JSON: {error}") from error
    assert not isinstance(again, Refusal), f"{place or task.name}: {answer!r} is not of the type: {again}"


def text_engine(task: Microtask[..., Any], text: str) -> Parsed | Refusal:
    """The core's own reading, as an engine: plain text."""
    found = typed(task, text)
    return found if isinstance(found, Refusal) else Parsed(found)


def held_engine(constrainer: Constrainer, *, max_tokens: int = 192) -> Read:
    """A constrainer as an engine: what a model that it holds could not have written is refused."""

    def read(task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        held = constrainer.constraint(task, max_tokens)
        raw = constrainer.answer(held, text) if held.grammar else text
        return raw if isinstance(raw, Refusal) else text_engine(task, raw)

    return read

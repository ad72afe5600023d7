"""Answers held to their type while a local model decodes them: Outlines' types, by llguidance.

The types are pydantic's and Outlines' own (`Annotated[str, Regex(…)]`, `Annotated[str, Grammar(CFG(…))]`). Neither
library is imported before a type asks for it.
"""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter

from atomic.engines.bounded import bounded
from atomic.engines.decoding_schema import DecodingSchema
from atomic.engines.filled import filled
from atomic.engines.lark import accepts, lark_of
from atomic.engines.room import OWN_LIMIT, Unsupported
from atomic.errors import MissingExtra
from atomic.output import Refusal, plain_type
from atomic.protocols import Constraint
from atomic.records.bid import Reason
from atomic.records.microtask import Microtask

ENGINE = "Outlines"
COMPILE_SECONDS = 0.2
REMEMBERED = 512  # constraints

_START = "%llguidance {}\nstart: "
_FORM = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def installed() -> bool:
    """Whether the extra `outlines` is here."""
    return importlib.util.find_spec("llguidance") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a grammar is made of: labels, or a schema (as JSON; `text`: of a bare text)."""

    labels: tuple[str, ...] = ()
    schema: str = ""
    text: bool = False


class OutlinesEngine:
    """Grammars of output types, made once per type and number of tokens.

    A grammar that takes longer than 200 ms to compile is not used: the model answers freely and the reason is kept.
    Raises MissingExtra where llguidance is not installed.
    """

    def __init__(self, *, compile_seconds: float = COMPILE_SECONDS) -> None:
        if not installed():
            raise MissingExtra("llguidance is not installed", hint='pip install "atomic-market[outlines]"')
        self._compile_seconds = compile_seconds
        self._sources: WeakKeyDictionary[TypeAdapter[Any], Source] = WeakKeyDictionary()
        self._made: OrderedDict[tuple[Source, int], Constraint] = OrderedDict()
        self._changing = threading.Lock()

    def constraint(self, task: Microtask[..., Any], max_tokens: int) -> Constraint:
        """The grammar of a task's type within so many tokens, or why there is none; cached by the type's schema."""
        source = self._sources.get(task.output)
        if source is None:
            self._sources[task.output] = source = source_of(task)
        found = self._made.get((source, max_tokens))
        if found is None:
            found = self._within_the_limit(source, max_tokens)
        return found

    def answer(self, constraint: Constraint, text: str) -> str | Refusal:
        """The raw answer: a text without its quotes, everything else as it is.

        Refused is a text that is not of the grammar (the runtime leaves out, and says nothing, what it does not know),
        and one with a text, a list, a dictionary or a nesting inside that went on for as long as the budget let it:
        that end is not its writer's.
        """
        if not accepts(constraint.grammar, text):
            return Refusal(Reason.NOT_THE_TYPE, "the model's runtime did not hold it to its grammar")
        if not (constraint.room or constraint.quoted):
            return text
        value = json.loads(text)
        if constraint.room and (what := filled(json.loads(constraint.room), value)):
            return Refusal(Reason.CUT, f"{what} inside it filled the room there was")
        return value if constraint.quoted else text

    def _keep(self, source: Source, max_tokens: int, constraint: Constraint) -> None:
        with self._changing:
            self._made[source, max_tokens] = constraint
            if len(self._made) > REMEMBERED:
                self._made.popitem(last=False)

    def _within_the_limit(self, source: Source, max_tokens: int) -> Constraint:
        """Compiled in a thread, which is not waited for any longer than the limit."""
        limit = self._compile_seconds
        found: list[Constraint] = []  # empty while it compiles, and where that took too long
        late = threading.Event()

        def compile_() -> None:
            began = time.thread_time()
            made = compiled(source, max_tokens)
            # The limit is for the grammar: one that only a busy machine delayed is used from then on.
            if time.thread_time() - began <= limit:
                found.append(made)
                if late.is_set():
                    self._keep(source, max_tokens, made)

        worker = threading.Thread(target=compile_, name="atomic grammar", daemon=True)
        worker.start()
        worker.join(limit)
        why = f"not held to its type: the grammar took longer than {limit * 1e3:.0f} ms to compile"
        slow = Constraint(why=why, compile_ns=int(limit * 1e9))
        self._keep(source, max_tokens, slow)
        late.set()
        if found:
            self._keep(source, max_tokens, found[0])
        return found[0] if found else slow


def source_of(task: Microtask[..., Any]) -> Source:
    """What a task's grammar is made of."""
    if task.labels:
        return Source(labels=task.labels)
    own = task.wording
    schema = task.output.json_schema(schema_generator=DecodingSchema) if own is None else own.schema
    return Source(
        schema=json.dumps(schema, ensure_ascii=False), text=plain_type(task) is str and (own is None or own.bare)
    )


def compiled(source: Source, max_tokens: int) -> Constraint:
    """The constraint of a type, checked by the library that will hold it; takes as long as it takes."""
    import llguidance

    began = time.perf_counter_ns()
    try:
        made = _constraint(source, max_tokens)
        fault = llguidance.LLMatcher.validate_grammar(made.grammar) if made.grammar else ""
    except Unsupported as unsupported:
        return Constraint(supported=False, why=str(unsupported))
    except RecursionError:
        return Constraint(supported=False, why="its schema is nested too deeply")
    if fault:
        # Labels can be asked for freely, too: they are found among words.
        return Constraint(supported=bool(source.labels), why=_told(fault))
    return replace(made, engine=ENGINE, compile_ns=time.perf_counter_ns() - began)


def _constraint(source: Source, max_tokens: int) -> Constraint:
    if source.labels:
        return Constraint(
            grammar=_START + " | ".join(json.dumps(one, ensure_ascii=False) for one in source.labels) + "\n"
        )
    schema = json.loads(source.schema)
    if (grammar := lark_of(schema)) is not None:
        if not source.text:
            raise Unsupported("a context-free grammar is held as a whole answer only, not inside another type")
        return Constraint(grammar=grammar)
    if source.text and not (set(schema) - {"type", "title", "description"}):
        return Constraint()
    limited = bounded(schema, max_tokens)
    document = _stripped(limited.schema) if source.text else limited.schema
    # In the order of the type: as the model reads it in its prompt, so it writes.
    shown = json.dumps({"x-guidance": _FORM, **document}, ensure_ascii=False)
    marked = limited.marked != limited.schema
    room = json.dumps(limited.marked, ensure_ascii=False) if marked else ""
    return Constraint(grammar=f"{_START}%json {shown}\n", room=room, quoted=source.text)


def _told(fault: str) -> str:
    """What the library found, without the grammar that it quotes."""
    first, *more = fault.splitlines()
    cause = next((line.removeprefix("error: ") for line in more if line.startswith("error: ")), "")
    return (cause or first.partition("failed to compile JSON schema: ")[2] or first)[:200]


def _stripped(schema: dict[str, Any]) -> dict[str, Any]:
    """A short text of some least length, without white space around it: that is taken off when it is read."""
    if schema.get("minLength", 0) < 2 or schema.get("maxLength", OWN_LIMIT + 1) > OWN_LIMIT or "pattern" in schema:
        return schema
    return {**schema, "pattern": r'^[^\s"\\][^"\\\x00-\x1f]*[^\s"\\]$'}

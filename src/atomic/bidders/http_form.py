"""What a hosted model is asked: how large that is, and the form that its answer is held to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from atomic.bidders.http_dialect import Dialect
from atomic.bidders.lowering import Lowered, lower
from atomic.output import plain_type
from atomic.records.attempt import GO_ON, Plan
from atomic.records.conversation import Conversation
from atomic.records.microtask import Ask

REMEMBERED = 256  # types


@dataclass(frozen=True, slots=True)
class Prompt:
    """How large what is asked is: characters, bytes as a bound of its tokens, and messages."""

    characters: int
    size: int
    messages: int

    @classmethod
    def of(cls, plan: Plan, talk: Conversation | None) -> Prompt:
        """The size of a plan's messages, or of the conversation; and of what was begun."""
        begun = (len(plan.begun) + len(GO_ON), len(plan.begun.encode()) + len(GO_ON), 2) if plan.begun else (0, 0, 0)
        if talk is not None:
            said = (len(talk.text), talk.size, len(talk.messages))
        else:
            texts = [one.content for one in plan.messages]
            said = (sum(map(len, texts)), sum(len(one.encode()) for one in texts), len(texts))
        return cls(*(one + more for one, more in zip(said, begun, strict=True)))


class Forms:
    """The forms of types in one dialect, made once each."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: OrderedDict[tuple[str, str], tuple[Lowered, int]] = OrderedDict()

    def size(self, ask: Ask) -> int:
        """How many bytes an answer's form adds to a prompt at most."""
        found = self.of(ask)
        return 0 if found is None else found[1]

    def of(self, ask: Ask) -> tuple[Lowered, int] | None:
        """The form of an answer with its bytes; None where it is a text, a label or a number, or nothing is held.

        A conversation says its own form: in the dialect that it is written in it is sent as it is.
        """
        holds, talk = self._dialect.holds, ask.conversation
        if holds is None:
            return None
        if talk is not None:
            # A tool that must be called for the answer would keep the model from calling the conversation's.
            taken = self._dialect.settings is None or (self._dialect.form_tool and talk.tools)
            schema = None if taken else _schema_of(talk.form)
            return None if schema is None else _sized(lower(schema, holds))
        if ask.task.labels or (plain_type(ask.task) in (str, int, float) and _is_bare(ask)):
            return None
        key = (ask.task.name, ask.task.version)
        if key not in self._known:
            self._known[key] = _sized(lower(ask.task.form, holds))
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]


def _is_bare(ask: Ask) -> bool:
    return ask.task.wording is None or ask.task.form.get("type") != "object"


def _sized(lowered: Lowered) -> tuple[Lowered, int]:
    return lowered, len(orjson.dumps(lowered.schema)) if lowered.schema is not None else 0


def _schema_of(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that a conversation's `response_format` holds, if it holds one."""
    said = form.get("json_schema")
    schema = said.get("schema") if isinstance(said, Mapping) else None
    return schema if isinstance(schema, Mapping) else None

"""Wording: how a task's author has it asked, and the form in which its answer is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atomic.records.attempt import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a task brings along in place of the usual words, and of JSON as its type has it.

    `messages` are a whole prompt for an input, by argument; without them `form` says how the answer is to be written,
    after the instruction. `schema` is the JSON schema of what is written, which may have other names than the answer;
    `answer` makes the answer of such a value, or says why it is none, and `written` the value of an answer. `partial`
    is what a text that still grows comes to, None while that is nothing; without it, it is read as the type.
    """

    schema: Mapping[str, Any]
    answer: Callable[[Any], Any]
    written: Callable[[Any], Any]
    messages: Callable[[Mapping[str, Any]], tuple[Message, ...]] | None = None
    form: Callable[[], str] | None = None
    partial: Callable[[str], Any] | None = None

    @property
    def bare(self) -> bool:
        """Whether a text is written as it is."""
        return self.schema.get("type") == "string"

"""Wording: a prompt that a task brings along, and the form in which its answer is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atomic.records.attempt import Message


@dataclass(frozen=True, slots=True)
class Wording:
    """How a task's author has it asked, where that is not by its instruction.

    `messages` are the prompt for an input, by argument. `schema` is the JSON schema of what is written for an answer,
    which may have other names than the answer; `answer` makes the answer of such a value, or says why it is none, and
    `written` the value of an answer. `partial` is what a text that still grows comes to, None while that is nothing.
    """

    messages: Callable[[Mapping[str, Any]], tuple[Message, ...]]
    schema: Mapping[str, Any]
    answer: Callable[[Any], Any]
    written: Callable[[Any], Any]
    partial: Callable[[str], Any]

"""Asks and examples made by hand."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from atomic.output import as_json
from atomic.records.microtask import Ask, Call, Example
from atomic.records.request import Features


def ask_for(call: Call[Any], **changes: Any) -> Ask:
    """What a bidder would see of a call; other fields by name: `ask_for(spam("…"), tenant="a", label="public")`.

    The request id, unless given, is a hash of the input, so that equal calls make equal asks.
    """
    ask = Ask(
        request_id=hashlib.sha256(call.task.name.encode() + call.input_json).hexdigest()[:16],
        task=call.task,
        arguments=call.arguments,
        input_json=call.input_json,
        features=Features(text=call.text, characters=len(call.text)),
        label=call.task.label,
        domain=call.task.domain,
    )
    return dataclasses.replace(ask, **changes)


def example_for(call: Call[Any], answer: object, **changes: Any) -> Example:
    """The example that a person's feedback to a call would make; other fields by name.

    The request id, unless given, is not that of `ask_for` with the same call.
    """
    example = Example(
        request_id="e" + hashlib.sha256(call.task.name.encode() + call.input_json).hexdigest()[:15],
        task=call.task.name,
        task_version=call.task.version,
        input_json=call.input_json,
        text=call.text,
        answer=as_json(call.task, answer),
        probability=1.0,
        source="person",
        label=call.task.label,
    )
    return dataclasses.replace(example, **changes)

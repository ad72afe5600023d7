"""An event as JSON shows it, with its bodies or with what the chain holds of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

from atomic.protocols import Contents
from atomic.records.event import Event, encode


def event_told(ledger: Contents, event: Event, *, bodies: bool) -> dict[str, Any]:
    """An event as JSON. `bodies`: inputs and answers, too."""
    shown: dict[str, Any] = {
        field.name: getattr(event, field.name)
        for field in dataclasses.fields(event)
        if field.name not in {"payload", "bodies"}
    }
    shown["payload"] = orjson.loads(encode(event.payload))
    shown["bodies"] = {
        one.name: body_told(ledger.body(one)) if bodies else {"body": one.body_id, "mac": one.mac}
        for one in event.bodies
    }
    return shown


def body_told(content: bytes | None) -> object:
    """A body of an event as JSON shows it."""
    if content is None:
        return "erased"
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")

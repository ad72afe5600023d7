"""What an import did, told to people and to programs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomic.commands.common import short_id

if TYPE_CHECKING:
    from atomic.merging import Merged
    from atomic.records.imported import Origin

_SHOWN = 20


def told(found: Merged, origin: Origin, source: Path, *, check: bool) -> Iterator[str]:
    """Counts, then why what did not come did not."""
    sealed = f"sealed up to #{origin.seq} by {origin.public_key[:8]}" if origin.public_key else "never sealed"
    yield f"{source}: {origin.read_to} events, {sealed}{'' if origin.sound else '; NOT AS IT WAS WRITTEN'}"
    come = "would come" if check else "came"
    yield f"{found.requests} requests and {found.feedback} words of feedback {come}; {found.there} are here already"
    if found.not_verified:
        yield f"{found.not_verified} stay there: nobody said whether they were right"
    for why, count in Counter(item.why for item in found.left).most_common():
        yield f"{count} left out: {why}"
    for why, count in Counter(item.why for item in found.conflicts).most_common():
        yield f"{count} in conflict, ours stays: {why}"
    for item in found.conflicts[:_SHOWN]:
        yield f"  {short_id(item.key[1])}: {item.why}"
    if len(found.conflicts) > _SHOWN:
        yield f"  … and {len(found.conflicts) - _SHOWN} more; --json has them all"


def as_json(found: Merged, origin: Origin) -> dict[str, Any]:
    """All of it."""

    def named(items: list[Any]) -> list[dict[str, str]]:
        return [{"tenant": one.key[0], "request_id": one.key[1], "why": one.why} for one in items]

    return {
        "origin": dataclasses.asdict(origin),
        "requests": found.requests,
        "feedback": found.feedback,
        "there": found.there,
        "not_verified": found.not_verified,
        "left": named(found.left),
        "conflicts": named(found.conflicts),
    }

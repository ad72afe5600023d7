"""What an import did, told to people and to programs."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomic.commands.common import short_id

if TYPE_CHECKING:
    from atomic.merging import Merged
    from atomic.records.event import Event
    from atomic.records.imported import Origin

_SHOWN = 20


def carried_out(source: Path, path: Path, *, check: bool, unverified: bool) -> tuple[Merged, Origin, bool]:
    """What came, from where, and whether somebody who was erased here before may be among it."""
    from atomic.ledger import LedgerReader, SqliteLedger
    from atomic.ledger.origin import opened_source
    from atomic.merging import merge, survey

    with opened_source(source, path, unverified=unverified) as opened:
        with LedgerReader.open(path) as here:
            again = opened.unknown and any(_asked_for(event) for event in here.read(kinds=("erased",)))
        if check:
            with LedgerReader.open(path) as here:
                return survey(opened, here), opened.origin, again

        async def bring() -> Merged:
            async with SqliteLedger.open(path) as target:
                with LedgerReader.open(path) as here:
                    return await merge(opened, here, target)

        return asyncio.run(bring()), opened.origin, again


def _asked_for(event: Event) -> bool:
    from atomic.records.erasure import BodiesErased

    return isinstance(event.payload, BodiesErased) and event.payload.why == "asked"


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

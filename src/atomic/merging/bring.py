"""Bringing it over: what a look found to come, appended under claims, a hundred requests at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from atomic.merging.items import (
    Here,
    Item,
    Key,
    Merged,
    Source,
    content_of,
    item_of,
    items_of,
    not_verified,
    subjects_of,
    task_of,
)
from atomic.protocols import Contents, History, SharedLedger
from atomic.records.event import Body, Entry, Event
from atomic.records.imported import AnswersImported
from atomic.records.outcome import OutcomeSettled
from atomic.shop import fingerprint_of

_AT_ONCE = 100  # requests in one append
_TURN_SECONDS = 0.01


class Target(SharedLedger, Protocol):
    """A ledger to merge into."""

    def admit(self, tokens: Sequence[str], index_key: bytes) -> bool:
        """Let those in whom these tokens stand for; False when one of them was erased here."""
        ...


def survey(source: Source, here: Here) -> Merged:
    """What a merge would do; writes nothing."""
    found = Merged(not_verified=not_verified(source.ledger))
    for item in items_of(source, here):
        found.add(item)
    return found


async def merge(source: Source, here: Here, target: Target) -> Merged:
    """Merge a source into `target`, which `here` reads: a hundred requests in an append, each with its origin first.

    What is here already is passed over, so that a merge that was cut short, or is made again, does what is left.
    """
    found, waiting = Merged(not_verified=not_verified(source.ledger)), list[Item]()
    for item in items_of(source, here):
        if item.kind not in {"request", "feedback"}:
            found.add(item)
            continue
        waiting.append(item)
        if len(waiting) == _AT_ONCE:
            await _bring(source, here, target, waiting, found)
            waiting = []
    await _bring(source, here, target, waiting, found)
    return found


async def _bring(source: Source, here: Here, target: Target, items: Sequence[Item], found: Merged) -> None:
    """Append what comes, under claims, so that nobody makes or judges the same request meanwhile."""
    held: list[tuple[Key, bool]] = []
    entries: list[Entry] = []
    coming: list[Item] = []
    brought: set[Key] = set()
    try:
        for item in items:
            tokens = subjects_of(source.ledger, item.events)
            if not target.admit(tokens, source.index_key):
                found.add(replace(item, kind="left", why="about somebody who was erased here", words=0))
                continue
            if not await _claimed(source.ledger, target, item, held):
                found.add(replace(item, kind="conflict", why="being worked on here", words=0))
                continue
            now = item_of(item.key, source, here)
            if now.kind not in {"request", "feedback"}:
                found.add(now)
                continue
            coming.append(now)
            entries += [_entry(source.ledger, event) for event in now.events]
        if coming:
            opened = ((*one.key, one.events[0].seq) for one in coming)
            imported = AnswersImported(origin=source.origin, requests=tuple(opened))
            await target.append([Entry(payload=imported), *entries], power_durable=True)
            brought = {one.key for one in coming}
            for one in coming:
                found.add(one)
    finally:
        for (tenant, request_id), whole in held:
            await target.release(tenant, request_id, done=whole and (tenant, request_id) in brought)


async def _claimed(there: History, target: Target, item: Item, held: list[tuple[Key, bool]]) -> bool:
    """Claim a request that comes, or the turn to say something of one that is here, as the market does."""
    tenant, request_id = item.key
    if item.kind == "feedback":
        turn = f"{request_id}\x1ffeedback"
        while await target.claim(tenant, turn, "") == "running":  # noqa: ASYNC110 - another process's turn
            await asyncio.sleep(_TURN_SECONDS)
        held.append(((tenant, turn), False))
        return True
    request = item.events[0]
    content = content_of(there, request, "input") or b""
    fingerprint = fingerprint_of(target.secret(), task_of(request), content)
    if await target.claim(tenant, request_id, fingerprint) not in {"new", "resumed"}:
        return False
    held.append(((tenant, request_id), True))
    return True


def _entry(there: Contents, event: Event) -> Entry:
    """An event as it comes: its bodies anew under keys of ours. It cost nothing here."""
    payload = event.payload
    if isinstance(payload, OutcomeSettled):
        payload = replace(payload, cost=0)
    bodies = []
    for one in event.bodies:
        content = there.body(one)
        if content is not None:
            bodies.append(Body(name=one.name, content=content, subjects=there.subjects(one)))
    return Entry(
        payload=payload,
        request_id=event.request_id,
        round=event.round,
        tenant=event.tenant,
        label=event.label,
        time_ns=event.time_ns,
        bodies=tuple(bodies),
    )

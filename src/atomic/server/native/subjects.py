"""Somebody's data: how much is kept, all of it handed out, or erased for ever in two steps, with what proves it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from atomic.config import Config
from atomic.errors import CallerError
from atomic.inbox.subjects import erased, exported, kept
from atomic.ledger import LedgerReader, SqliteLedger
from atomic.ledger.heads import last_head
from atomic.login import opened, sealed
from atomic.records.erasure import BodiesErased
from atomic.records.event import Event
from atomic.server.native.common import Who, Whole, may
from atomic.server.native.shapes import Asked, Told
from atomic.server.service import Service

router = APIRouter(prefix="/subjects", tags=["subjects"])
_PURPOSE, _GOOD_NS = "erase", 600_000_000_000


class SubjectAsked(Asked):
    """Whose data: an address, or the name that the application gave."""

    subject: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class EraseAsked(SubjectAsked):
    """`confirmation` is what `/subjects/look` gave for this subject, in the last ten minutes."""

    confirmation: Annotated[str, Field(max_length=4_096)]


@router.post("/look", dependencies=[may("see", "ledger")])
async def look(asked: SubjectAsked, service: Whole, who: Who) -> Told:
    """How much is kept about somebody; with what confirms an erasure, for whoever may erase."""
    service.require(who, "see", "inbox")
    found = await _read(service, asked.subject, kept)
    why = service.policies.entering(who.who, "administer", "ledger")
    until_ns = time.time_ns() + _GOOD_NS
    confirmation = "" if why else sealed(service.secret, _PURPOSE, _facts(asked, who.who.told), until_ns=until_ns)
    return {**found, "confirmation": confirmation, "why_not": why}


@router.post("/export", dependencies=[may("see", "ledger")])
async def export(asked: SubjectAsked, service: Whole, who: Who) -> Told:
    """All that is kept about somebody: inputs, answers, feedback, actions, and the inbox's files."""
    service.require(who, "see", "inbox")
    found: Told = await _read(service, asked.subject, exported)
    return found


@router.post("/erase", dependencies=[may("administer", "ledger")])
async def erase(asked: EraseAsked, service: Whole, who: Who) -> Told:
    """Erase all that is about somebody, for ever. What is given back proves it: the event, and the head signed over it.

    The ledger says how much was erased and never whose it was: keep this answer. Writers wait meanwhile.
    """
    facts = opened(service.secret, _PURPOSE, asked.confirmation, now_ns=time.time_ns())
    if facts != _facts(asked, who.who.told):
        raise CallerError("this does not confirm it", hint="ask /api/v1/subjects/look first, and confirm what it found")
    path, ledger = _file(service), service.ledger
    assert isinstance(ledger, SqliteLedger)
    found = await erased(service.config, ledger, asked.subject.strip())
    head = await asyncio.to_thread(last_head, path)
    told = found.erased
    event = None if told is None else _event_of(ledger, told)
    return {
        "subject": asked.subject.strip(),
        "erasure": "" if told is None else told.erasure,
        "event": None if event is None else event.seq,
        "time_ns": None if event is None else event.time_ns,
        "bodies": 0 if told is None else told.bodies,
        "requests": 0 if told is None else len(told.requests),
        "files": found.files,
        "left": await _read(service, asked.subject, kept),
        "head": None
        if head is None
        else {
            "seq": head.seq,
            "time_ns": head.time_ns,
            "hash": head.hash.hex(),
            "public_key": head.public_key.hex(),
            "signature": head.signature.hex(),
        },
    }


def _event_of(ledger: SqliteLedger, erased: BodiesErased) -> Event:
    return next(event for event in ledger.read(kinds=("erased",)) if event.payload == erased)


def _facts(asked: SubjectAsked, who: str) -> dict[str, Any]:
    return {"subject": hashlib.sha256(asked.subject.strip().encode()).hexdigest(), "who": who}


def _file(service: Service) -> Path:
    if service.config.ledger is None:
        raise CallerError("this ledger is in memory: it is gone when the server stops")
    return service.config.ledger


async def _read(service: Service, subject: str, read: Callable[[Config, LedgerReader, str], Any]) -> Any:
    """In another thread, by a reader of its own."""
    path = _file(service)

    def reading() -> Any:
        with LedgerReader.open(path) as ledger:
            return read(service.config, ledger, subject.strip())

    return await asyncio.to_thread(reading)

"""A group: everything that one commit writes, gathered in memory and put down in a few statements."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from atomic.errors import Tampered
from atomic.ledger.chain import COLUMNS, GENESIS, commitments_json, link
from atomic.ledger.cipher import AES_GCM, ERASED, encrypted, mac_of
from atomic.ledger.keys import MARKET, SubjectKey
from atomic.ledger.schema import insert
from atomic.protocols import Spend
from atomic.records.canonical import sorted_json
from atomic.records.event import (
    KIND_OF,
    SCHEMA_VERSION,
    Body,
    Commitment,
    Entry,
    Event,
    decode_payload,
    encode_payload,
)

BODIES_PER_EVENT = 256
NO_KEY_ID = "0"  # numbers of keys begin with 1
ErasedRequests = AbstractSet[tuple[str, str]]  # (tenant, request id)
_LEAST = -(1 << 63)
_SELECT_NEWER = f"SELECT {','.join(COLUMNS)} FROM event WHERE seq > ? ORDER BY seq LIMIT ?"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry checked and encoded in its caller's thread, so that what is wrong with it is the caller's alone."""

    entry: Entry
    kind: str
    payload: bytes
    time_ns: int


def draft(entry: Entry, now_ns: int) -> Draft:
    """Encode an entry. An entry without a time gets `now_ns`.

    Raises ValueError for what JSON cannot hold and for an unusable body; TypeError for an unknown record.
    """
    kind = KIND_OF.get(type(entry.payload))
    if kind is None:
        raise TypeError(f"{type(entry.payload).__name__} is no record of the ledger")
    if len(entry.bodies) > BODIES_PER_EVENT:
        raise ValueError(f"an event has at most {BODIES_PER_EVENT} bodies")
    for body in entry.bodies:
        if MARKET in body.subjects:
            raise ValueError("a subject has a name")
    time_ns = entry.time_ns or now_ns
    if not (_LEAST <= time_ns <= -_LEAST - 1 and _LEAST <= entry.round <= -_LEAST - 1):
        raise ValueError("a time or a round beyond 64 bits")
    try:
        # Here and not in the writer, where it would fail for everybody in the group.
        sorted_json((entry.request_id, entry.tenant, *(body.name for body in entry.bodies)))
        payload = encode_payload(entry.payload)
    except TypeError as error:
        raise ValueError(f"{kind}: {error}") from error
    if b"null" in payload and decode_payload(kind, SCHEMA_VERSION, payload) != entry.payload:
        # NaN and infinity become null: such an event could be written and never be read again.
        raise ValueError(f"{kind}: NaN and infinities have no place in the ledger")
    return Draft(entry, kind, payload, time_ns)


def subjects_of(entries: Sequence[Draft], erased: ErasedRequests) -> set[str]:
    """Whose keys these entries need: none for what comes of an erased request, so that no new key is made for it."""
    kept = [one.entry for one in entries if not erased or (one.entry.tenant, one.entry.request_id) not in erased]
    return {subject for entry in kept for body in entry.bodies for subject in body.subjects or (MARKET,)}


class Group:
    """One write transaction, begun by the caller: reads the head, takes entries, writes them by `flush`."""

    def __init__(self, connection: sqlite3.Connection, keys: dict[str, SubjectKey], erased: ErasedRequests) -> None:
        self.connection = connection
        self.events: list[Event] = []
        self._keys = keys
        self._erased = erased
        self._spent: dict[str, int] = {}
        self._rows: list[object] = []
        self._bodies: list[object] = []
        self._subjects: list[object] = []
        self._blobs: list[object] = []
        head = connection.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        self.seq, self.hash = (int(head[0]), bytes(head[1])) if head else (0, GENESIS)

    def newer(self, seen: int, hash_seen: bytes, limit: int) -> list[Sequence[Any]]:
        """At most `limit` rows that other processes wrote after `seen`. Raises Tampered if history changed."""
        if self.seq < seen or (self.seq == seen and self.hash != hash_seen):
            raise Tampered(
                f"the ledger went back: it held event {seen} and now ends at {self.seq}",
                hint="another file was put in its place; restart only after `atomic ledger verify`",
            )
        if self.seq == seen:
            return []
        return self.connection.execute(_SELECT_NEWER, (seen, limit)).fetchall()

    def spend(self, spend: Spend) -> bool:
        """Change a day's spending and its task's part, unless that would raise either above its cap."""
        after: dict[str, int] = {}
        for name, cap in spend.accounts:
            after[name] = self._spent_on(name) + spend.change
            if cap is not None and spend.change > 0 and after[name] > cap:
                return False
        self._spent |= after
        return True

    def _spent_on(self, account: str) -> int:
        if account not in self._spent:
            row = self.connection.execute("SELECT nano FROM spending WHERE day = ?", (account,)).fetchone()
            return int(row[0]) if row else 0
        return self._spent[account]

    def add(self, one: Draft) -> Event:
        """Give an entry its place in the chain."""
        entry, seq = one.entry, self.seq + 1
        gone = (entry.tenant, entry.request_id) in self._erased
        commit = self._commit_to_nothing if gone else self._commit
        bodies = tuple([commit(body, seq << 8 | index) for index, body in enumerate(entry.bodies)])
        commitments = commitments_json(bodies)
        envelope = (
            seq, one.kind, SCHEMA_VERSION, entry.tenant, entry.label, entry.request_id, entry.round, one.time_ns,
        )  # fmt: skip
        self.seq, self.hash = seq, link(self.hash, envelope, one.payload, commitments)
        self._rows += envelope
        self._rows += (one.payload, commitments, self.hash)
        for blob in entry.blobs:
            self._blobs += (hashlib.sha256(blob).digest(), blob)
        event = Event(
            seq=seq,
            kind=one.kind,
            version=SCHEMA_VERSION,
            tenant=entry.tenant,
            label=entry.label,
            request_id=entry.request_id,
            round=entry.round,
            time_ns=one.time_ns,
            payload=entry.payload,
            bodies=bodies,
        )
        self.events.append(event)
        return event

    def _commit(self, body: Body, number: int) -> Commitment:
        # Names that differ in case alone are one subject, hence by token.
        subjects = {self._keys[one].token: self._keys[one] for one in body.subjects or (MARKET,)}
        ordered = [subjects[token] for token in sorted(subjects)]
        keys, body_id = [one.key for one in ordered], str(number)
        numbers = ",".join([str(one.number) for one in ordered])
        self._bodies += (number, numbers, AES_GCM, encrypted(keys, body_id, body.content))
        for one in ordered if body.subjects else ():
            self._subjects += (one.token, number)
        return Commitment(name=body.name, body_id=body_id, mac=mac_of(keys, body_id, body.content))

    def _commit_to_nothing(self, body: Body, number: int) -> Commitment:
        """Its request was erased while it was under way: the commitment is under a key that nobody ever has."""
        self._bodies += (number, NO_KEY_ID, ERASED, b"")
        mac = mac_of([os.urandom(32)], str(number), body.content)
        return Commitment(name=body.name, body_id=str(number), mac=mac)

    def flush(self) -> None:
        """Write all that was gathered."""
        write = self.connection
        insert(write, "INSERT INTO event", COLUMNS, self._rows)
        insert(write, "INSERT INTO body", ("id", "key_id", "cipher", "bytes"), self._bodies)
        insert(write, "INSERT INTO body_subject", ("subject", "body_id"), self._subjects)
        insert(write, "INSERT OR IGNORE INTO blob", ("id", "bytes"), self._blobs)
        for account, nano in self._spent.items():
            write.execute("INSERT OR REPLACE INTO spending VALUES (?, ?)", (account, nano))

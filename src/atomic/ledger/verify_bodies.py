"""Verifying what lies beside the chain: bodies against their commitments, contents against their names."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import orjson

from atomic.ledger.chain import commitments_of
from atomic.ledger.cipher import ERASED, decrypted, mac_of
from atomic.ledger.keys import MARKET_KEY_ID, Keys

_BODIES = "SELECT id, key_id, cipher, bytes FROM body ORDER BY id"
_SUBJECTS = "SELECT subject FROM body_subject WHERE body_id = ?"
_STRAY = """SELECT DISTINCT body_id FROM body_subject
    WHERE body_id NOT IN (SELECT id FROM body WHERE key_id <> ?)"""

Note = Callable[[int, str], None]


class Bodies:
    """Walks along the events: bodies lie in the order of the events that committed to them."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys | None, note: Note) -> None:
        self._connection = connection
        self._keys = keys
        self._note = note
        self._rows: Iterator[Any] = iter(connection.execute(_BODIES))
        self._row = next(self._rows, None)
        self._keys_of = lru_cache(4_096)(keys.by_ids) if keys is not None else None
        self._known_blobs: set[str] = set()
        self._erased_requests: set[tuple[str, str]] = set()
        self._erased_bodies: set[int] = set()
        for (payload,) in connection.execute("SELECT payload FROM event WHERE kind = 'erased'"):
            self._read_erasure(payload)
        self.compared = 0
        self.erased = 0

    def _read_erasure(self, payload: bytes) -> None:
        try:
            erasure = orjson.loads(payload)
            self._erased_requests |= {(tenant, request_id) for tenant, request_id in erasure["requests"]}
            self._erased_bodies |= set(erasure["others"])
        except (ValueError, TypeError, KeyError):
            return  # the walk finds that its hash does not follow

    def compare(self, seq: int, event: Sequence[Any]) -> None:
        """Compare what one event, a row, committed to or names."""
        kind, tenant, request_id, payload, commitments = (event[index] for index in (1, 3, 5, 8, 9))
        try:
            committed = commitments_of(commitments)
            for one in committed:
                body_id = int(one.body_id)
                gone = (tenant, request_id) in self._erased_requests or body_id in self._erased_bodies
                self._compare(seq, body_id, one.mac, gone)
            if kind == "award":
                award = orjson.loads(payload)
                self._find_blob(seq, award["slate"])
                self._find_blob(seq, award["table"])
        except (ValueError, TypeError, KeyError):
            self._note(seq, "the event cannot be read")

    def _compare(self, seq: int, body_id: int, mac: str, gone: bool) -> None:
        while self._row is not None and self._row[0] < body_id:
            self._note(self._row[0] >> 8, f"body {self._row[0]} belongs to no event")
            self._row = next(self._rows, None)
        if self._row is None or self._row[0] != body_id:
            self._note(seq, f"body {body_id} is missing")
            return
        _, key_id, cipher, stored = self._row
        self._row = next(self._rows, None)
        if self._keys is None or self._keys_of is None:
            return
        try:
            keys = self._keys_of(key_id)
        except (ValueError, AttributeError, OverflowError):
            self._note(seq, f"body {body_id} names no keys")
            return
        if keys is None or cipher == ERASED:
            self.erased += 1
            if not gone:
                self._note(seq, f"body {body_id} cannot be read any more, and no erasure speaks of it")
            return
        if gone:
            self._note(seq, f"body {body_id} was erased, and is here all the same")
            return
        self.compared += 1
        try:
            content = decrypted(cipher, keys, str(body_id), stored)
        except ValueError:
            content = None
        if content is None or mac_of(keys, str(body_id), content) != mac:
            self._note(seq, f"body {body_id} is not what the event committed to")
        elif key_id != MARKET_KEY_ID:
            subjects = sorted(subject for (subject,) in self._connection.execute(_SUBJECTS, (body_id,)))
            if subjects != self._keys.subjects(key_id):
                self._note(seq, f"the subjects of body {body_id} were changed")

    def _find_blob(self, seq: int, name: str) -> None:
        if name in self._known_blobs:
            return
        if not self._connection.execute("SELECT 1 FROM blob WHERE id = ?", (bytes.fromhex(name),)).fetchone():
            self._note(seq, f"content {name} is missing")
            return
        if len(self._known_blobs) < 1_000:  # slates are each their own, tables are few
            self._known_blobs.add(name)

    def finish(self) -> None:
        """Note bodies and subjects that belong to nothing."""
        while self._row is not None:
            self._note(self._row[0] >> 8, f"body {self._row[0]} belongs to no event")
            self._row = next(self._rows, None)
        for (body_id,) in self._connection.execute(_STRAY, (MARKET_KEY_ID,)):
            self._note(body_id >> 8, f"a subject of body {body_id}, which has none")


def blob_problems(connection: sqlite3.Connection, note: Note) -> int:
    """Note every content that does not hash to its name; returns how many there are."""
    count = 0
    for name, content in connection.execute("SELECT id, bytes FROM blob"):
        count += 1
        if not isinstance(content, bytes) or hashlib.sha256(content).digest() != name:
            shown = name.hex() if isinstance(name, bytes) else repr(name)
            note(0, f"content {shown} does not hash to its name")
    return count

"""Erasing: inside one transaction, keys are destroyed, bodies leave the file, and an event says how many."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from atomic.errors import LedgerUnwritable
from atomic.ledger.cipher import ERASED
from atomic.ledger.group import ErasedRequests, Group, draft
from atomic.ledger.keys import Keys
from atomic.ledger.schema import BUSY_TIMEOUT_S
from atomic.records.erasure import BodiesErased, WhyErased
from atomic.records.event import Entry, Event

Request = tuple[str, str]  # tenant and request id

_OF_SUBJECT = "SELECT body_id FROM body_subject WHERE subject = ?"
_OF_REQUEST = """SELECT body.id FROM event JOIN body ON body.id BETWEEN event.seq << 8 AND event.seq << 8 | 255
    WHERE event.request_id = ? AND event.tenant = ?"""
_LEFT = "SELECT 1 FROM body_subject WHERE subject = ? LIMIT 1"


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase what is about a subject, or every body of some requests. The writer runs it in a commit of its own.

    A subject's request is erased as a whole where its input is the subject's; in other requests only the bodies that
    are. Keys that cover nothing any more are destroyed as well. Idempotent: what a crash cut short is done again.
    """

    keys: Keys
    why: WhyErased
    now_ns: int
    subject: str = ""
    requests: tuple[Request, ...] = ()
    power_durable: bool = True

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """It needs no keys."""
        return set()

    def apply(self, group: Group) -> Event | None:
        """The event; None when there was nothing to erase."""
        connection, tokens = group.connection, self.keys.tokens(self.subject)
        whole, bodies = self._found(connection, tokens)
        left = {body for body in bodies if _is_left(connection, body)}
        subjects = _subjects_of(connection, bodies)
        connection.executemany("DELETE FROM body_subject WHERE body_id = ?", [(body,) for body in bodies])
        alone = {one for one in subjects if not connection.execute(_LEFT, (one,)).fetchone()}
        # The keys first: an event that says "erased" must never be followed by a body under the old key.
        destroyed = self.keys.destroy(alone | {*tokens}, gone=tokens)
        if not left and not destroyed:
            return None
        values = [(ERASED, body) for body in bodies]
        connection.executemany("UPDATE body SET cipher = ?, bytes = x'' WHERE id = ?", values)
        connection.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", sorted(whole))
        payload = BodiesErased(
            erasure=os.urandom(16).hex(),
            why=self.why,
            bodies=len(left),
            requests=tuple(sorted(whole)),
            others=tuple(sorted(body for body in left if _request_of(connection, body) not in whole)),
        )
        return group.add(draft(Entry(payload=payload), self.now_ns))

    def _found(self, connection: sqlite3.Connection, tokens: Iterable[str]) -> tuple[set[Request], set[int]]:
        """The requests to be erased as a whole, and all bodies to be erased."""
        whole = set(self.requests)
        bodies = {int(body) for token in tokens for (body,) in connection.execute(_OF_SUBJECT, (token,))}
        for body in bodies:
            kind, *request = connection.execute(
                "SELECT kind, tenant, request_id FROM event WHERE seq = ?", (body >> 8,)
            ).fetchone()
            tenant, request_id = request
            if request_id and (kind == "request" or not _was_asked(connection, tenant, request_id)):
                whole.add((tenant, request_id))
        for tenant, request_id in whole:
            bodies |= {int(body) for (body,) in connection.execute(_OF_REQUEST, (request_id, tenant))}
        return whole, bodies


def erased_requests(connection: sqlite3.Connection) -> set[Request]:
    """The requests whose every body is erased, those that still come included."""
    return {(str(tenant), str(request_id)) for tenant, request_id in connection.execute("SELECT * FROM erased")}


def older_than(connection: sqlite3.Connection, label: str, before_ns: int) -> Iterable[Request]:
    """Requests under a data label of which nothing happened since `before_ns`, and which have bodies still."""
    rows = connection.execute(
        "SELECT tenant, request_id FROM event WHERE request_id <> '' GROUP BY tenant, request_id"
        " HAVING max(time_ns) < ?2 AND sum(label = ?1) > 0",
        (label, before_ns),
    ).fetchall()
    for tenant, request_id in rows:
        if any(_is_left(connection, int(body)) for (body,) in connection.execute(_OF_REQUEST, (request_id, tenant))):
            yield str(tenant), str(request_id)


def leave_no_copies(connection: sqlite3.Connection, path: Path, erase: Erase) -> None:
    """Take older states of what was erased out of free pages and the log. Raises LedgerUnwritable."""
    try:
        if erase.subject:
            # secure_delete does not reach what SQLite left in a page's gaps when it moved rows about.
            connection.execute("VACUUM")
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > deadline:
                raise TimeoutError("somebody reads for too long")
    except (sqlite3.Error, TimeoutError) as error:
        raise LedgerUnwritable(
            f"what was to be erased is erased, but copies may be left in {path}'s log or free pages: {error}",
            hint="do it again: it needs as much free space as the ledger takes",
        ) from error


def _is_left(connection: sqlite3.Connection, body: int) -> bool:
    return bool(connection.execute("SELECT 1 FROM body WHERE id = ? AND cipher <> ?", (body, ERASED)).fetchone())


def _was_asked(connection: sqlite3.Connection, tenant: str, request_id: str) -> bool:
    statement = "SELECT 1 FROM event WHERE request_id = ? AND tenant = ? AND +kind = 'request' LIMIT 1"
    return bool(connection.execute(statement, (request_id, tenant)).fetchone())


def _request_of(connection: sqlite3.Connection, body: int) -> Request:
    tenant, request_id = connection.execute(
        "SELECT tenant, request_id FROM event WHERE seq = ?", (body >> 8,)
    ).fetchone()
    return str(tenant), str(request_id)


def _subjects_of(connection: sqlite3.Connection, bodies: Collection[int]) -> set[str]:
    found: set[str] = set()
    for body in bodies:
        rows = connection.execute("SELECT subject FROM body_subject WHERE body_id = ?", (body,))
        found |= {str(subject) for (subject,) in rows}
    return found

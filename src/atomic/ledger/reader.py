"""Reading: events, bodies and blobs, beside the writer and without waiting for it."""

from __future__ import annotations

import heapq
import hmac
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from atomic.errors import NotFound, Tampered
from atomic.ledger.chain import COLUMNS, event_of
from atomic.ledger.cipher import ERASED, decrypted, mac_of
from atomic.ledger.erasing import older_than
from atomic.ledger.failures import explained
from atomic.ledger.keys import Keys, keys_path
from atomic.ledger.schema import connect_to_read
from atomic.protocols import account
from atomic.records.canonical import content_id
from atomic.records.event import Commitment, Event

_CHUNK = 500
_ALL = ",".join(COLUMNS)

Row = tuple[Any, ...]


class LedgerReader:
    """A ledger to read only: changes nothing, starts nothing, and may be used from any thread.

    One connection, at which threads take turns; no statement stays open between chunks, so a reading that is
    never finished holds nothing up.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        # A copy may have been handed on without them.
        self._keys = Keys(keys_path(path), read_only=True) if keys_path(path).exists() else None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str | Path) -> LedgerReader:
        """Open a ledger that exists, also while processes write to it.

        Raises LedgerUnwritable when there is none, OperatorError when a newer release wrote it.
        """
        path = Path(path)
        try:
            return cls(path, connect_to_read(path))
        except Exception as error:  # of storage or not: `explained` tells
            raise explained(error, path) from error

    def head(self) -> int:
        """The seq of the last event; 0 when there is none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM event", ())[0][0])

    def read(
        self, *, after: int = 0, request_id: str | None = None, kinds: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """Events with seq > after, in order, up to the one that was last when the reading began."""
        last = self.head()
        # One event asked for by its seq must not cost the reading of 500.
        chunk = _CHUNK if limit is None else max(1, min(_CHUNK, limit))
        if request_id is not None or len(kinds) <= 1:
            rows = self._stream(after, last, request_id, kinds, chunk)
        else:
            # One index range per kind: SQLite would otherwise sort the whole remainder for every chunk.
            rows = heapq.merge(*(self._stream(after, last, None, (kind,), chunk) for kind in set(kinds)))
        return map(event_of, islice(rows, limit))

    def _stream(self, after: int, last: int, request_id: str | None, kinds: Sequence[str], chunk: int) -> Iterator[Row]:
        where, values = ["seq > ?", "seq <= ?"], []
        if request_id is not None:
            where.append("request_id = ? AND request_id <> ''" if request_id else "request_id = ?")
            values.append(request_id)
            where += [f"+kind IN ({','.join('?' * len(kinds))})"] if kinds else []
        elif kinds:
            where.append("kind = ?")
        statement = f"SELECT {_ALL} FROM event WHERE {' AND '.join(where)} ORDER BY seq LIMIT {chunk}"
        while True:
            rows = self._rows(statement, (after, last, *values, *kinds))
            yield from rows
            if len(rows) < chunk:
                return
            after = rows[-1][0]

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Row]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise explained(error, self._path) from error

    def body(self, commitment: Commitment) -> bytes | None:
        """A body; None when it was erased.

        Raises Tampered when it is not what the chain committed to, NotFound when the keys are not here.
        """
        rows = self._rows("SELECT key_id, cipher, bytes FROM body WHERE id = ?", (int(commitment.body_id),))
        if not rows:
            raise Tampered(f"body {commitment.body_id} ({commitment.name}) is gone from {self._path}")
        key_id, cipher, stored = rows[0]
        if cipher == ERASED:
            return None
        with self._lock:
            keys = self._keys_at_hand().by_ids(key_id)
        if keys is None:
            return None
        try:
            content = decrypted(cipher, keys, commitment.body_id, stored)
        except ValueError:
            content = None
        if content is None or not hmac.compare_digest(mac_of(keys, commitment.body_id, content), commitment.mac):
            raise Tampered(f"body {commitment.body_id} ({commitment.name}) is not what the chain committed to")
        return content

    def blob(self, blob_id: str) -> bytes:
        """A content by its id. Raises NotFound, or Tampered when it does not hash to its id."""
        try:
            rows = self._rows("SELECT bytes FROM blob WHERE id = ?", (bytes.fromhex(blob_id),))
        except ValueError:
            rows = []
        if not rows:
            raise NotFound(f"there is no content {blob_id}")
        content = bytes(rows[0][0])
        if content_id(content) != blob_id:
            raise Tampered(f"content {blob_id} does not hash to its id")
        return content

    def subjects(self, commitment: Commitment) -> tuple[str, ...]:
        """Whose data a body is: a token for each, in order, which a new body's `subjects` may hold as well."""
        rows = self._rows("SELECT subject FROM body_subject WHERE body_id = ?", (int(commitment.body_id),))
        return tuple(sorted(str(row[0]) for row in rows))

    def tokens(self, subject: str) -> tuple[str, ...]:
        """All that may stand for a subject among a body's subjects: ours, and that of each ledger imported from."""
        with self._lock:
            return self._keys_at_hand().tokens(subject)

    def erased_subject(self, tokens: Sequence[str]) -> bool:
        """Whether anybody whom these tokens stand for was erased here."""
        with self._lock:
            return bool(tokens) and self._keys_at_hand().any_gone(tokens)

    def events_of(self, subject: str) -> Iterator[Event]:
        """The events that have a body about a subject, in order."""
        tokens = self.tokens(subject)
        marks = ",".join("?" * len(tokens))
        statement = f"SELECT DISTINCT body_id >> 8 FROM body_subject WHERE subject IN ({marks}) ORDER BY 1"
        for (seq,) in self._rows(statement, tokens):
            yield from self.read(after=seq - 1, limit=1)

    def older_than(self, label: str, before_ns: int) -> list[tuple[str, str]]:
        """Requests under a data label, (tenant, request id), with bodies left and nothing new since `before_ns`."""
        with self._lock:
            try:
                return list(older_than(self._connection, label, before_ns))
            except sqlite3.Error as error:
                raise explained(error, self._path) from error

    def spent(self, day: str, task: str = "") -> int:
        """What was spent on a UTC date, or of it for one task, in nano-USD."""
        rows = self._rows("SELECT nano FROM spending WHERE day = ?", (account(day, task),))
        return int(rows[0][0]) if rows else 0

    def secret(self) -> bytes:
        """The market's secret, 32 bytes."""
        with self._lock:
            return self._keys_at_hand().of_market("secret")

    def _keys_at_hand(self) -> Keys:
        if self._keys is None:
            raise NotFound(f"the keys of {self._path} are not beside it", hint="without them no body can be checked")
        return self._keys

    def close(self) -> None:
        """Give the files back."""
        with self._lock:
            self._connection.close()
            if self._keys is not None:
                self._keys.close()

    def __enter__(self) -> LedgerReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

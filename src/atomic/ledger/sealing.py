"""Sealing: signing the head every so many events, in the ledger first and then outside of it."""

from __future__ import annotations

import sqlite3

from atomic.clock import Clock
from atomic.ledger.chain import GENESIS
from atomic.ledger.heads import Head, Outside, sign

EVERY = 1_000  # events

_HEADS = "SELECT seq, hash, time_ns, public_key, signature FROM checkpoint WHERE seq > ? ORDER BY seq"
_LAST_EVENT = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"


class Sealer:
    """Signs heads for one open ledger; other processes may sign theirs in between."""

    def __init__(self, outside: Outside, signing_key: bytes, clock: Clock, every: int) -> None:
        self._outside = outside
        self._signing_key = signing_key
        self._clock = clock
        self.every = every
        self._sealed = -1

    def begin(self, connection: sqlite3.Connection) -> None:
        """Seal an empty ledger, and add outside what a crash kept from getting there."""
        self._sealed = _sealed(connection)
        if self._sealed < 0:
            self.seal(connection)
        elif self._outside.last() < self._sealed:
            self._carry_outside(connection)

    def due(self, seq: int) -> bool:
        """Whether enough events had come by `seq` for another head."""
        return seq - self._sealed >= self.every

    def seal(self, connection: sqlite3.Connection, *, at_least: int = 0) -> int:
        """Sign the head, unless fewer than `at_least` events came since the last, and say up to where it is sealed.

        To be called at synchronous FULL. The commit comes first: a head outside must never speak of events that a
        power cut could still take.
        """
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute(_LAST_EVENT).fetchone()
            seq, hash_ = (int(row[0]), bytes(row[1])) if row else (0, GENESIS)
            sealed = _sealed(connection)
            if seq > sealed and seq - sealed >= at_least:
                head = sign(self._signing_key, seq, hash_, self._clock.time_ns())
                values = (seq, hash_, head.time_ns, head.public_key, head.signature)
                connection.execute("INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?)", values)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        self._sealed = _sealed(connection)
        self._carry_outside(connection)
        return self._sealed

    def _carry_outside(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(_HEADS, (self._outside.last(),)).fetchall()
        self._outside.append([head_in(row) for row in rows])


def head_in(row: tuple[int, bytes, int, bytes, bytes]) -> Head:
    """The head in a row of `checkpoint`."""
    seq, hash_, time_ns, public_key, signature = row
    return Head(seq=seq, hash=hash_, time_ns=time_ns, public_key=public_key, signature=signature)


def _sealed(connection: sqlite3.Connection) -> int:
    (seq,) = connection.execute("SELECT coalesce(max(seq), -1) FROM checkpoint").fetchone()
    return int(seq)

"""The ledger's file: its tables, how an older file is carried forward, and how a connection is made."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from atomic.errors import LedgerUnwritable, OperatorError

APPLICATION_ID = 0x41544F4D  # "ATOM": tells our files from other people's SQLite files
BUSY_TIMEOUT_S = 10.0
_EXACT = 16  # up to so many rows there is a statement for each count; above, one for each power of two
_LOG_BYTES = 4 << 20  # SQLite carries the log into the file at 1,000 pages of 4 KiB and begins it anew

_SCHEMA_1 = """
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT NOT NULL,
    label TEXT NOT NULL, request_id TEXT NOT NULL, round INTEGER NOT NULL, time_ns INTEGER NOT NULL,
    payload BLOB NOT NULL, commitments BLOB NOT NULL, hash BLOB NOT NULL);
CREATE INDEX event_kind ON event (kind);
CREATE INDEX event_request ON event (request_id) WHERE request_id <> '';
CREATE TABLE body (id INTEGER PRIMARY KEY, key_id TEXT NOT NULL, cipher TEXT NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE body_subject (subject TEXT NOT NULL, body_id INTEGER NOT NULL, PRIMARY KEY (subject, body_id))
    WITHOUT ROWID;
CREATE INDEX body_subject_body ON body_subject (body_id);
CREATE TABLE blob (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);
CREATE TABLE spending (day TEXT PRIMARY KEY, nano INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claim (
    tenant TEXT NOT NULL, request_id TEXT NOT NULL, fingerprint TEXT NOT NULL, holder TEXT NOT NULL,
    lease_until_ns INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (tenant, request_id)) WITHOUT ROWID;
CREATE TABLE checkpoint (
    seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, time_ns INTEGER NOT NULL,
    public_key BLOB NOT NULL, signature BLOB NOT NULL);
"""


def _script(script: str) -> Callable[[sqlite3.Connection], None]:
    def run(connection: sqlite3.Connection) -> None:
        # Not executescript: it would commit the transaction that the migration is part of.
        for statement in script.split(";"):
            connection.execute(statement)

    return run


# No file holds plain addresses any more: see `token_of`. `erased` names the requests whose bodies were erased.
_SCHEMA_2 = """
UPDATE body_subject SET subject = subject_token(subject);
CREATE TABLE erased (tenant TEXT NOT NULL, request_id TEXT NOT NULL, PRIMARY KEY (tenant, request_id)) WITHOUT ROWID;
"""

# The n-th carries a file from version n to n + 1, inside one transaction. Never change one; add at the end.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_script(_SCHEMA_1), _script(_SCHEMA_2))


def connect(path: Path, *, timeout: float = BUSY_TIMEOUT_S, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit, usable from any thread that takes turns with the others."""
    uri = f"file:{quote(str(path.absolute()))}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even where the folder cannot be written.

    Raises LedgerUnwritable when there is no ledger, OperatorError when a newer release wrote it.
    """
    connection = connect(path, read_only=True)
    try:
        try:
            version = checked_version(connection, path)
        except sqlite3.OperationalError:
            log = path.with_name(path.name + "-wal")
            if not path.exists() or (log.exists() and log.stat().st_size):
                raise
            # Without a log and a folder to make one in, SQLite reads a WAL file only if told that nobody writes.
            connection.close()
            uri = f"file:{quote(str(path.absolute()))}?immutable=1"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            version = checked_version(connection, path)
        if version < len(MIGRATIONS):
            hint = "`atomic ledger upgrade` carries it forward, and changes nothing that is in it"
            raise OperatorError(f"{path} has schema {version}, of an earlier release", hint=hint)
    except BaseException:  # also where Ctrl-C struck: nobody else knows the connection
        connection.close()
        raise
    return connection


def into_wal(connection: sqlite3.Connection, timeout: float) -> None:
    """Switch to WAL, in which readers and the writer do not wait for each other."""
    # SQLite does not wait here as it does elsewhere when several processes create the file at once.
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def extend_log(connection: sqlite3.Connection, path: Path) -> None:
    """Give the log at once the length that it soon has anyway, so that an fsync need not record a new length too.

    Measured on ext4: a commit at FULL takes 160 instead of 240 µs. SQLite knows where the log ends by checksums
    and overwrites old content in place; nobody else can write to the log while we hold the write lock.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        with path.with_name(path.name + "-wal").open("r+b", buffering=0) as log:
            missing = _LOG_BYTES - log.seek(0, os.SEEK_END)
            if missing > 0:
                log.write(bytes(missing))
                os.fsync(log.fileno())
    finally:
        connection.execute("ROLLBACK")


def migrate(connection: sqlite3.Connection, path: Path, token: Callable[[str], str]) -> None:
    """Carry the file forward to this release's schema, or create it. `token` gives what stands for a subject.

    Raises OperatorError when a newer release wrote it, LedgerUnwritable when it is somebody else's file.
    """
    if checked_version(connection, path) == len(MIGRATIONS):
        return
    connection.create_function("subject_token", 1, token)
    connection.execute("BEGIN IMMEDIATE")  # and ask again: another process may have come first
    begun = checked_version(connection, path)
    try:
        for version in range(begun, len(MIGRATIONS)):
            MIGRATIONS[version](connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    if begun == 1:  # and no copy of the addresses stays behind in pages that are free now
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema version; 0 for an empty file. Raises like `migrate`."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if version > len(MIGRATIONS):
        raise OperatorError(
            f"this ledger was written by a newer Atomic: {path} has schema {version}, "
            f"this release knows up to {len(MIGRATIONS)}",
            hint="upgrade atomic-market, or open another ledger",
        )
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise LedgerUnwritable(f"{path} is another program's database", hint="name another file")
    return int(version)


def insert(connection: sqlite3.Connection, verb: str, columns: tuple[str, ...], values: list[object]) -> None:
    """Insert many rows, given as one flat list, in few statements.

    Each statement gives Python's lock away once, and in a busy process it may take 5 ms to come back: one
    `executemany` would pay that per row.
    """
    width, start = len(columns), 0
    while rows := (len(values) - start) // width:
        rows = rows if rows <= _EXACT else min(256, 1 << rows.bit_length() - 1)
        step = rows * width
        connection.execute(_insert(verb, columns, rows), values[start : start + step])
        start += step


@lru_cache(256)
def _insert(verb: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({','.join('?' * len(columns))})"
    return f"{verb} ({','.join(columns)}) VALUES {','.join([row] * rows)}"

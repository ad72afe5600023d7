"""The keys: one random key per subject, in a file of their own, so that losing one key erases what it covers."""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from atomic.ledger.schema import connect

K = TypeVar("K")
V = TypeVar("V")

MARKET = ""  # the subject of bodies that are nobody's data
MARKET_KEY_ID = "1"  # its key is the first that is made
_KEPT = 4_096  # keys held in memory

_SCHEMA = (
    # AUTOINCREMENT: the number of an erased key is never given to another.
    "CREATE TABLE IF NOT EXISTS key (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT UNIQUE, key BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS market (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)


def keys_path(ledger: Path) -> Path:
    """Where the keys of a ledger lie."""
    return ledger.with_name(ledger.name + ".keys")


def mac_of(keys: Sequence[bytes], body_id: str, content: bytes) -> str:
    """The commitment to a body: HMAC-SHA-256 under a key of the body's own, which needs all its subjects' keys.

    Without any one of the keys the commitment can neither be checked nor be tried against guesses.

    >>> mac_of([b"k" * 32], "256", b"hello")[:16]
    'd8b4972179578636'
    """
    return hmac_sha256(record_key(keys, body_id), content).hex()


def record_key(keys: Sequence[bytes], body_id: str) -> bytes:
    """The key of one body, made of all its subjects' keys."""
    return hmac_sha256(b"".join(keys), body_id.encode())


_INNER, _OUTER = (bytes(one ^ pad for one in range(256)) for pad in (0x36, 0x5C))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104), in half the time of `hmac.digest` with OpenSSL 3.

    >>> import hmac
    >>> hmac_sha256(b"k" * 32, b"hello") == hmac.digest(b"k" * 32, b"hello", "sha256")
    True
    """
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    inner = hashlib.sha256(block.translate(_INNER))
    inner.update(message)
    return hashlib.sha256(block.translate(_OUTER) + inner.digest()).digest()


class Keys:
    """The keys of one ledger. One instance per thread.

    Rollback journal, always fsynced, with secure_delete: an erased key leaves no copy in a log, and a key is on
    disk before anything that it covers.
    """

    def __init__(self, path: Path, *, timeout: float = 10.0, read_only: bool = False) -> None:
        if not read_only and not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._connection = connect(path, timeout=timeout, read_only=read_only)
        self._by_subject: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._by_id: OrderedDict[int, bytes] = OrderedDict()
        self._version = -1
        self._asked = -1.0
        if not read_only:
            self._create()

    def _create(self) -> None:
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'market'").fetchone():
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            self._connection.execute(statement)
        for name in ("secret", "signing"):
            self._connection.execute("INSERT OR IGNORE INTO market VALUES (?, ?)", (name, os.urandom(32)))
        self._connection.execute("INSERT OR IGNORE INTO key (subject, key) VALUES (?, ?)", (MARKET, os.urandom(32)))
        self._connection.execute("COMMIT")

    def of_market(self, name: str) -> bytes:
        """The market's own "secret" or "signing" key, 32 bytes."""
        (value,) = self._connection.execute("SELECT value FROM market WHERE name = ?", (name,)).fetchone()
        return bytes(value)

    def ensure(self, subjects: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """Number and key of each subject; new ones are made and on disk when this returns."""
        self._forget_if_changed()
        found: dict[str, tuple[int, bytes]] = {}
        for subject in subjects:
            known = self._by_subject.get(subject) or self._stored(subject)
            if known is None:
                return self._made(subjects)
            found[subject] = known
            _keep(self._by_subject, subject, known)
        return found

    def _made(self, subjects: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for subject in subjects:
                self._connection.execute(
                    "INSERT INTO key (subject, key) SELECT ?1, ?2 WHERE NOT EXISTS"
                    " (SELECT 1 FROM key WHERE subject = ?1)",
                    (subject, os.urandom(32)),
                )
            found = {subject: self._stored(subject) for subject in subjects}
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return {subject: known for subject, known in found.items() if known is not None}

    def _stored(self, subject: str) -> tuple[int, bytes] | None:
        row = self._connection.execute("SELECT id, key FROM key WHERE subject = ?", (subject,)).fetchone()
        return (int(row[0]), bytes(row[1])) if row else None

    def by_ids(self, key_id: str) -> list[bytes] | None:
        """The keys that a body's `key_id` names ("3,17"), in its order; None when one of them was erased."""
        self._forget_if_changed()
        keys = []
        for number in map(int, key_id.split(",")):
            key = self._by_id.get(number)
            if key is None:
                row = self._connection.execute("SELECT key FROM key WHERE id = ?", (number,)).fetchone()
                if row is None:
                    return None
                key = bytes(row[0])
            _keep(self._by_id, number, key)
            keys.append(key)
        return keys

    def subjects(self, key_id: str) -> list[str]:
        """Whose keys a `key_id` names, in order; the market's own is nobody's."""
        if key_id == MARKET_KEY_ID:
            return []
        ids = [int(number) for number in key_id.split(",")]
        marks = ",".join("?" * len(ids))
        rows = self._connection.execute(f"SELECT subject FROM key WHERE id IN ({marks}) ORDER BY subject", ids)
        return [str(subject) for (subject,) in rows]

    def _forget_if_changed(self) -> None:
        # Another process may have erased a subject: its key must not live on in our memory. Asking costs as much
        # as an append does, so it is asked once a second.
        now = time.monotonic()
        if now - self._asked < 1.0:
            return
        self._asked = now
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._by_subject.clear()
            self._by_id.clear()

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _KEPT:
        kept.popitem(last=False)

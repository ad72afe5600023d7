"""The keys: one random key per subject, in a file of their own, so that losing one key erases what it covers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from atomic.errors import Erased
from atomic.ledger.cipher import TOKEN, hmac_sha256, token_of
from atomic.ledger.schema import connect

K = TypeVar("K")
V = TypeVar("V")

MARKET = ""  # the subject of bodies that are nobody's data
MARKET_KEY_ID = "1"  # its key is the first that is made
_KEPT = 4_096  # keys held in memory
_INDEX = "subjects"  # the key that subjects' tokens are made with
_FOREIGN = "subjects/"  # and what those of other ledgers were made with, whose answers were imported
_GONE = "gone/"  # who was erased: keyed hashes of tokens, so that no import brings them back

_SCHEMA = (
    # AUTOINCREMENT: the number of an erased key is never given to another.
    "CREATE TABLE IF NOT EXISTS key (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT UNIQUE, key BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS market (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)


def keys_path(ledger: Path) -> Path:
    """Where the keys of a ledger lie."""
    return ledger.with_name(ledger.name + ".keys")


class SubjectKey(NamedTuple):
    """A subject's key: its number, which bodies name it by, its 32 bytes, and the token that stands for the subject."""

    number: int
    key: bytes
    token: str


class Keys:
    """The keys of one ledger. One instance per thread.

    Rollback journal, always fsynced, with secure_delete: an erased key leaves no copy in a log, and a key is on
    disk before anything that it covers. Subjects are kept as tokens, so that no file lists plain addresses.
    """

    def __init__(self, path: Path, *, timeout: float = 10.0, read_only: bool = False) -> None:
        if not read_only and not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._path = path
        if read_only:
            _roll_back_what_was_killed(path, timeout)
        self._connection = connect(path, timeout=timeout, read_only=read_only)
        self._by_subject: OrderedDict[str, SubjectKey] = OrderedDict()
        self._by_id: OrderedDict[int, bytes] = OrderedDict()
        self._version = -1
        self._asked = -1.0
        self._index = b""
        if not read_only:
            self._create()

    def _create(self) -> None:
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA temp_store = MEMORY")
        there = self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'market'").fetchone()
        if there and self._connection.execute("SELECT 1 FROM market WHERE name = ?", (_INDEX,)).fetchone():
            return
        with self._without_trace() if there else self._transaction():
            for statement in _SCHEMA:
                self._connection.execute(statement)
            for name in ("secret", "signing", _INDEX):
                self._connection.execute("INSERT OR IGNORE INTO market VALUES (?, ?)", (name, os.urandom(32)))
            self._connection.execute("INSERT OR IGNORE INTO key (subject, key) VALUES (?, ?)", (MARKET, os.urandom(32)))
            rows = self._connection.execute("SELECT id, subject FROM key WHERE subject <> ''").fetchall()
            for number, subject in rows:  # the first release kept them as they are
                self._connection.execute("UPDATE key SET subject = ? WHERE id = ?", (self.token(subject), number))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _without_trace(self) -> Iterator[None]:
        """A transaction after which no byte of what it took away is left in the file or in its journal."""
        run = self._connection.execute
        run("PRAGMA journal_mode = PERSIST")
        try:
            with self._transaction():
                yield
            # secure_delete does not reach copies that SQLite left in a page's gaps when it moved cells about.
            run("VACUUM")
            run("BEGIN EXCLUSIVE")
            try:
                with contextlib.suppress(FileNotFoundError):
                    _overwrite(self._path.with_name(self._path.name + "-journal"))
            finally:
                run("ROLLBACK")
        finally:
            run("PRAGMA journal_mode = DELETE")

    def of_market(self, name: str) -> bytes:
        """The market's own "secret", "signing" or "subjects" key, 32 bytes."""
        (value,) = self._connection.execute("SELECT value FROM market WHERE name = ?", (name,)).fetchone()
        return bytes(value)

    def token(self, subject: str) -> str:
        """What stands for a subject in the ledger and among the keys; a token stands for itself."""
        if not subject or TOKEN.match(subject):
            return subject
        if not self._index:
            self._index = self.of_market(_INDEX)
        return token_of(self._index, subject)

    def tokens(self, subject: str) -> tuple[str, ...]:
        """All that may stand for a subject: our own token, and those of the ledgers that were imported from."""
        own = self.token(subject)
        if own == subject:
            return (own,) if own else ()
        rows = self._connection.execute(
            "SELECT value FROM market WHERE name > ?1 AND name < ?1 || '~' ORDER BY name", (_FOREIGN,)
        )
        return tuple(dict.fromkeys((own, *(token_of(bytes(key), subject) for (key,) in rows))))

    @property
    def index_name(self) -> str:
        """What names the key that tokens are made with, and tells nothing of it: its SHA-256."""
        return index_name_of(self.of_market(_INDEX))

    def knows(self, index_name: str) -> bool:
        """Whether names are found here by tokens that were made with the key of that name."""
        find = "SELECT 1 FROM market WHERE name = ?"
        return index_name == self.index_name or bool(
            self._connection.execute(find, (_FOREIGN + index_name,)).fetchone()
        )

    def adopt(self, index_key: bytes) -> None:
        """From now on know subjects by the tokens of another ledger as well, which were made with this key."""
        name = index_name_of(index_key)
        if index_key and not self.knows(name):
            self._connection.execute("INSERT OR IGNORE INTO market VALUES (?, ?)", (_FOREIGN + name, index_key))

    def admit(self, tokens: Sequence[str]) -> bool:
        """Make keys for those who come with an import, by their tokens; False, and none, if one of them was erased."""
        missing = [token for token in tokens if self._stored(token) is None]
        if not missing:
            return not self.any_gone(tokens)
        with self._transaction():
            if self.any_gone(tokens):
                return False
            for token in missing:
                self._connection.execute(
                    "INSERT OR IGNORE INTO key (subject, key) VALUES (?, ?)", (token, os.urandom(32))
                )
        return True

    def any_gone(self, tokens: Iterable[str]) -> bool:
        """Whether anybody whom these tokens stand for was erased here."""
        find = "SELECT 1 FROM market WHERE name = ?"
        return any(self._connection.execute(find, (self._gone(one),)).fetchone() for one in tokens)

    def _gone(self, token: str) -> str:
        return _GONE + hmac_sha256(self.of_market(_INDEX), f"gone {token}".encode()).hex()

    def ensure(self, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        """The key of each subject; new ones are made and on disk when this returns.

        Raises Erased for a token without a key: what it stood for was erased, and must not come back by it.
        """
        self._forget_if_changed()
        found: dict[str, SubjectKey] = {}
        for subject in subjects:
            known = self._by_subject.get(subject) or self._stored(subject)
            if known is None:
                return self._made(subjects)
            found[subject] = known
            _keep(self._by_subject, subject, known)
        return found

    def _made(self, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        with self._transaction():
            for subject in subjects:
                if TOKEN.match(subject):
                    continue
                self._connection.execute(
                    "INSERT INTO key (subject, key) SELECT ?1, ?2 WHERE NOT EXISTS"
                    " (SELECT 1 FROM key WHERE subject = ?1)",
                    (self.token(subject), os.urandom(32)),
                )
            found = {subject: self._stored(subject) for subject in subjects}
        if None in found.values():
            raise Erased("somebody whose data this is was erased meanwhile", hint="ask again")
        return {subject: known for subject, known in found.items() if known is not None}

    def _stored(self, subject: str) -> SubjectKey | None:
        token = self.token(subject)
        row = self._connection.execute("SELECT id, key FROM key WHERE subject = ?", (token,)).fetchone()
        return SubjectKey(int(row[0]), bytes(row[1]), token) if row else None

    def destroy(self, tokens: Iterable[str], *, gone: Iterable[str] = ()) -> int:
        """Destroy the keys of these subjects, so that no byte of them is left in the file; returns how many there were.

        Fsynced when this returns. What they cover can never be read again, and no new body gets them. Who is `gone`
        comes back by no import, either.
        """
        self.forget()
        with self._without_trace():
            for one in gone:
                self._connection.execute("INSERT OR IGNORE INTO market VALUES (?, ?)", (self._gone(one), b""))
            found = [self._connection.execute("DELETE FROM key WHERE subject = ?", (one,)).rowcount for one in tokens]
        self.forget()
        return sum(found)

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
        """The tokens of those whose keys a `key_id` names, in order; the market's own is nobody's."""
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
            self.forget()

    def forget(self) -> None:
        """Drop the keys held in memory: some were destroyed."""
        self._by_subject.clear()
        self._by_id.clear()

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


def index_name_of(index_key: bytes) -> str:
    """What names a key that tokens are made with."""
    return hashlib.sha256(index_key).hexdigest()


def _roll_back_what_was_killed(path: Path, timeout: float) -> None:
    """A process that was killed amid a change left a journal, which only a connection that writes may play back."""
    with contextlib.closing(connect(path, timeout=timeout, read_only=True)) as reading:
        try:
            reading.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            with contextlib.closing(connect(path, timeout=timeout)) as writing:
                writing.execute("SELECT 1 FROM sqlite_schema").fetchone()


def _overwrite(path: Path) -> None:
    """Zeros over a whole file, fsynced. Raises OSError."""
    with path.open("r+b", buffering=0) as file:
        left = file.seek(0, os.SEEK_END)
        file.seek(0)
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20))) or 0
        os.fsync(file.fileno())


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _KEPT:
        kept.popitem(last=False)

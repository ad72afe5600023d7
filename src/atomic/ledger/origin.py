"""Another ledger to import from: a ledger's file, a backup's folder or an export, checked before it is believed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atomic.errors import CallerError, NotFound, Tampered
from atomic.ledger.backup import NAME
from atomic.ledger.exported import Export
from atomic.ledger.failures import explained
from atomic.ledger.heads import heads_path
from atomic.ledger.keys import Keys, index_name_of, keys_path
from atomic.ledger.reader import LedgerReader
from atomic.ledger.schema import MIGRATIONS, connect, migrate
from atomic.ledger.sealing import head_in
from atomic.ledger.upgrade import schema_of
from atomic.ledger.verify import verify
from atomic.protocols import History
from atomic.records.imported import Origin

_LAST_HEAD = "SELECT seq, hash, time_ns, public_key, signature FROM checkpoint ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger to import from, what is recorded of it, and the key that its subjects' tokens were made with.

    `unknown`: that key is not known at the target, so whoever was erased there before is somebody else to it. An export
    is without the key: then `nameless` says that nobody could be found by name in what comes from it.
    """

    ledger: History
    origin: Origin
    index_key: bytes = b""
    unknown: bool = False
    nameless: bool = False


@contextmanager
def opened_source(path: Path, target: Path, *, unverified: bool = False) -> Iterator[Source]:
    """Open a ledger, a backup by its folder, or an export to import it into `target`; nothing of it is changed.

    One of an older schema is copied beside the target and carried forward there, for as long as it is open.

    Raises NotFound when it or its keys are missing, CallerError when it is the target itself or no ledger, Tampered
    when it is not as it was written and that is not taken (`unverified`), OperatorError when a newer release wrote it.
    """
    file = path / NAME if path.is_dir() else path
    if not file.exists():
        raise NotFound(f"there is no ledger {file}", hint="name a ledger's file, or the folder of a backup")
    if target.exists() and file.samefile(target):
        raise CallerError(f"{file} is this ledger itself")
    if not _is_sqlite(file):
        yield _of_export(file, target, unverified)
        return
    if not keys_path(file).exists():
        raise NotFound(
            f"the keys of {file} are not beside it: nobody can read its answers",
            hint=f"put {keys_path(file).name} back",
        )
    if schema_of(file) == len(MIGRATIONS):
        with _read(file, target, unverified) as source:
            yield source
        return
    with (
        tempfile.TemporaryDirectory(prefix=".import-", dir=target.parent) as folder,  # only its owner may look in
        _read(_carried_forward(file, Path(folder) / NAME, target), target, unverified) as source,
    ):
        yield source


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(16) == b"SQLite format 3\0"


def _of_export(file: Path, target: Path, unverified: bool) -> Source:
    export = Export(file)
    if not export.has_bodies:
        raise CallerError(f"{file} holds no answers", hint="make it with `atomic ledger export --bodies`")
    if not export.subjects_by:
        raise CallerError(
            f"{file} says not whose data it is, so nobody could be erased",
            hint="take the ledger itself, or export again",
        )
    if not export.origin.sound and not unverified:
        raise Tampered(f"{file} is not as it was written", hint="--unverified takes what can still be read")
    return Source(export, export.origin, nameless=not _knows(target, export.subjects_by))


def _knows(target: Path, index_name: str) -> bool:
    """Whether names are found at the target by tokens that were made with the key of that name."""
    if not keys_path(target).exists():
        return False
    with closing(Keys(keys_path(target), read_only=True)) as keys:
        return keys.knows(index_name)


def _carried_forward(file: Path, copy: Path, target: Path) -> Path:
    """A copy in this release's schema.

    What named subjects plainly, as the first release did, gets the target's tokens: so they are the same people.
    """
    try:
        shutil.copyfile(heads_path(file), heads_path(copy))
        for one, its_copy in ((file, copy), (keys_path(file), keys_path(copy))):
            with closing(connect(one, read_only=True)) as old, closing(connect(its_copy)) as new:
                old.backup(new)
        with closing(connect(keys_path(copy))) as keys_file:
            _name_as_in(target, keys_file)
        with closing(connect(copy)) as connection, closing(Keys(keys_path(copy))) as keys:
            migrate(connection, copy, keys.token)
    except (OSError, sqlite3.Error) as error:
        raise explained(error, file) from error
    return copy


def _name_as_in(target: Path, keys_file: sqlite3.Connection) -> None:
    if not keys_path(target).exists():
        return
    if keys_file.execute("SELECT 1 FROM market WHERE name = 'subjects'").fetchone():
        return
    with closing(Keys(keys_path(target), read_only=True)) as keys:
        rows = keys_file.execute("SELECT id, subject FROM key WHERE subject <> ''").fetchall()
        keys_file.executemany("UPDATE key SET subject = ? WHERE id = ?", [(keys.token(name), n) for n, name in rows])
        keys_file.execute("INSERT INTO market VALUES ('subjects', ?)", (keys.of_market("subjects"),))


@contextmanager
def _read(file: Path, target: Path, unverified: bool) -> Iterator[Source]:
    found = verify(file)
    if not found.ok and not unverified:
        seq, what = found.problems[0]
        raise Tampered(
            f"{file} is not as it was written: {len(found.problems)} problems, the first at event {seq}: {what}",
            hint="`atomic ledger verify` names them all; --unverified takes what can still be read",
        )
    with LedgerReader.open(file) as ledger, closing(Keys(keys_path(file), read_only=True)) as keys:
        index_key = keys.of_market("subjects")
        origin = _origin(file, ledger.head(), found.ok)
        yield Source(ledger, origin, index_key, unknown=not _knows(target, index_name_of(index_key)))


def _origin(file: Path, read_to: int, sound: bool) -> Origin:
    with closing(connect(file, read_only=True)) as connection:
        row = connection.execute(_LAST_HEAD).fetchone()
    if row is None:
        return Origin(public_key="", seq=0, hash="", time_ns=0, signature="", read_to=read_to, sound=sound)
    head = head_in(row)
    return Origin(
        public_key=head.public_key.hex(),
        seq=head.seq,
        hash=head.hash.hex(),
        time_ns=head.time_ns,
        signature=head.signature.hex(),
        read_to=read_to,
        sound=sound,
    )

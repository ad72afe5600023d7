"""Backups: a whole ledger copied while processes write to it, and put back, verified both times."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from atomic.errors import CallerError, NotFound, Tampered
from atomic.ledger.failures import explained
from atomic.ledger.heads import heads_path
from atomic.ledger.keys import keys_path
from atomic.ledger.schema import MIGRATIONS, connect, connect_to_read
from atomic.ledger.upgrade import schema_of, upgrade
from atomic.ledger.verify import Verification, verify

NAME = "ledger.db"  # in a backup's folder


def back_up(path: Path, folder: Path, *, keys: bool = True) -> Verification:
    """Copy the ledger at `path` into a new folder, as of one moment, while others write; returns what a check found.

    Without `keys` nobody can read a body of it, and only events and contents can be compared.

    Raises CallerError when the folder is there already, Tampered when the copy does not verify, LedgerUnwritable.
    """
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise CallerError(f"{folder} is there already", hint="name a folder that is not") from None
    except OSError as error:
        raise explained(error, folder) from error
    copy = folder / NAME
    try:
        # In this order: no head may speak of an event that the copy lacks, and no body may lack its key.
        shutil.copyfile(heads_path(path), heads_path(copy))
        with closing(connect_to_read(path)) as source:
            _copy(source, copy)
        if keys:
            with closing(connect(keys_path(path), read_only=True)) as source:
                _copy(source, keys_path(copy))
        for one in folder.iterdir():
            _sync(one)
        _sync(folder)
    except BaseException as error:  # half a copy is no backup, whatever cut it short
        shutil.rmtree(folder)
        if not isinstance(error, Exception):
            raise
        raise explained(error, copy) from error
    return _sound(copy)


def restore(folder: Path, path: Path) -> Verification:
    """Put a backup in the place of a ledger that is gone; returns what a check of it found.

    Keys that are still beside the place are kept and not replaced: what was erased since stays erased.

    One that an earlier release made is carried forward in its new place; the backup stays as it is.

    Raises NotFound when there is no backup, CallerError when there is a ledger already, Tampered when the backup does
    not verify.
    """
    copy = folder / NAME
    if not copy.exists():
        raise NotFound(f"there is no backup in {folder}", hint=f"it would hold {NAME}")
    for taken in (path, heads_path(path)):
        if taken.exists():
            raise CallerError(f"{taken} is there already", hint="move it away first, and stop who uses it")
    if not (keys_path(path).exists() or keys_path(copy).exists()):
        raise NotFound(
            "the backup is without keys, and so is the place for it", hint=f"put back {keys_path(path).name}"
        )
    older = schema_of(copy) < len(MIGRATIONS)
    if not older:
        _sound(copy)
    try:
        if not keys_path(path).exists():
            _place(keys_path(copy), keys_path(path))
        _place(heads_path(copy), heads_path(path))
        _place(copy, path)  # last: without it there is no ledger
    except OSError as error:
        raise explained(error, path) from error
    if older:
        upgrade(path)
    return verify(path)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(connect(target)) as made:
        source.backup(made)
        made.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def _place(source: Path, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(source, part)
    part.chmod(0o600)
    _sync(part)
    part.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sound(copy: Path) -> Verification:
    found = verify(copy)
    if not found.ok:
        seq, what = found.problems[0]
        raise Tampered(
            f"the backup {copy} does not verify: {len(found.problems)} problems, the first at event {seq}: {what}",
            hint="`atomic ledger verify` names them all",
        )
    return found

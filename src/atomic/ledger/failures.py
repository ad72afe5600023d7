"""What SQLite's and the system's failures mean to whoever runs the market."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from atomic.errors import AtomicError, LedgerLocked, LedgerUnwritable, Tampered

_ERROR, _BUSY, _LOCKED, _READONLY, _IO, _CORRUPT, _FULL, _CANNOT_OPEN, _NOT_A_DATABASE = 1, 5, 6, 8, 10, 11, 13, 14, 26

_UNWRITABLE = {
    _READONLY: ("is read-only", "make the file and its folder writable"),
    _IO: ("cannot be written: the disk reports an error", "look at the disk, its quota and the system's log"),
    _FULL: ("cannot grow: the disk is full", "free some space; the next append goes on by itself"),
    _CANNOT_OPEN: ("cannot be opened", "look whether its folder exists and may be written"),
    _NOT_A_DATABASE: ("is not a ledger", "name another file"),
}


def explained(error: Exception, path: Path) -> Exception:
    """The error to raise for a failure at the ledger `path`; anything that is not of storage comes back as it is."""
    if isinstance(error, AtomicError):
        return error
    if isinstance(error, OSError):
        return LedgerUnwritable(f"the ledger {path} cannot be written: {error}")
    if not isinstance(error, sqlite3.Error):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says which of many disk errors
    if code in (_BUSY, _LOCKED):
        return LedgerLocked(
            f"the ledger {path} was locked by another process for too long", hint="nothing was written; try again"
        )
    if code == _CORRUPT or (code == _ERROR and "no such" in str(error)):  # a table or column that we made
        return Tampered(
            f"the ledger {path} is damaged: {error}", hint="restore it from a backup, with its .keys and .heads"
        )
    if code in _UNWRITABLE:
        what, hint = _UNWRITABLE[code]
        return LedgerUnwritable(f"the ledger {path} {what}", hint=hint)
    return error

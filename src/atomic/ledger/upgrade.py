"""Carrying a ledger of an earlier release forward, in its place: what is in it stays as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from atomic.ledger.failures import explained
from atomic.ledger.keys import Keys, keys_path
from atomic.ledger.schema import MIGRATIONS, checked_version, connect, migrate


def schema_of(path: Path) -> int:
    """The schema that a ledger's file has. Raises OperatorError when a newer release wrote it."""
    try:
        with closing(connect(path, read_only=True)) as connection:
            return checked_version(connection, path)
    except sqlite3.Error as error:
        raise explained(error, path) from error


def upgrade(path: Path) -> tuple[int, int]:
    """Carry the ledger at `path` forward to this release's schema; returns the schema it had, and the one it has.

    Raises OperatorError when a newer release wrote it, LedgerLocked while another process writes it.
    """
    before = schema_of(path)
    if before < len(MIGRATIONS):
        try:
            with closing(connect(path)) as connection, closing(Keys(keys_path(path))) as keys:
                migrate(connection, path, keys.token)
        except sqlite3.Error as error:
            raise explained(error, path) from error
    return before, len(MIGRATIONS)

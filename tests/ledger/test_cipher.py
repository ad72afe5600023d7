"""Bodies are encrypted under their subjects' keys, and no file lists whose they are in plain words."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.ledger.helpers import bodied, files_with, sound

from atomic.ledger import LedgerReader, SqliteLedger, export
from atomic.ledger.cipher import PLAIN, mac_of
from atomic.ledger.keys import MARKET, Keys, keys_path
from atomic.ledger.schema import APPLICATION_ID, MIGRATIONS

SECRET, ADDRESS = b"a word that stands nowhere else", "somebody@example.org"


async def test_neither_a_body_nor_its_subject_stands_in_any_file_in_plain_words(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        (event,) = await ledger.append([bodied(SECRET, ADDRESS)])
        assert SECRET == ledger.body(event.bodies[0])
        assert [] == files_with(tmp_path, SECRET, ADDRESS.encode())


async def test_names_that_differ_in_case_alone_are_one_subject(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        (event,) = await ledger.append([bodied(b"mail", "Ann@x", "ann@X")])

        assert 1 == len(ledger.subjects(event.bodies[0]))
        assert b"mail" == ledger.body(event.bodies[0])


async def test_a_ledger_of_the_first_release_stays_readable_and_loses_its_plain_addresses(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        (old,) = await ledger.append([bodied(SECRET, ADDRESS)])
    _as_of_the_first_release(path, int(old.bodies[0].body_id))
    assert ADDRESS.encode() in path.read_bytes()
    assert ADDRESS.encode() in keys_path(path).read_bytes()

    async with SqliteLedger.open(path) as ledger:
        (new,) = await ledger.append([bodied(b"new", ADDRESS)])
        assert (SECRET, b"new") == (ledger.body(old.bodies[0]), ledger.body(new.bodies[0]))
        assert ledger.subjects(old.bodies[0]) == ledger.subjects(new.bodies[0])
        assert [] == files_with(tmp_path, ADDRESS.encode())

    assert 2 == sound(path).bodies
    assert 2 == sum(one["type"] == "body" for one in export(path, bodies=True))
    with LedgerReader.open(path) as reader:
        assert SECRET == reader.body(old.bodies[0])


def _as_of_the_first_release(path: Path, body_id: int) -> None:
    keys = Keys(keys_path(path))
    found = keys.ensure([ADDRESS])[ADDRESS]
    keys.close()
    with sqlite3.connect(keys_path(path)) as database:
        database.execute("UPDATE key SET subject = ? WHERE subject <> ?", (ADDRESS, MARKET))
        database.execute("DELETE FROM market WHERE name = 'subjects'")
    database.close()
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("UPDATE body_subject SET subject = ?", (ADDRESS,))
        database.execute("UPDATE body SET cipher = ?, bytes = ?", (PLAIN, SECRET))
        database.execute("DROP TABLE erased")
        database.execute("PRAGMA user_version = 1")
        (commitments,) = database.execute("SELECT commitments FROM event").fetchone()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert mac_of([found.key], str(body_id), SECRET).encode() in commitments


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_every_older_schema_is_carried_forward(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.db"
    Keys(keys_path(path)).close()
    with sqlite3.connect(path, isolation_level=None) as database:
        if version:
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for one in MIGRATIONS[:version]:
            one(database)
        database.execute(f"PRAGMA user_version = {version}")
    database.close()

    asyncio.run(SqliteLedger.open(path).close())
    with LedgerReader.open(path) as reader:
        assert 0 == reader.head()

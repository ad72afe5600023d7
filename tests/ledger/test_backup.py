"""A backup is one moment of a ledger that goes on being written, and is put back only whole."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.ledger.helpers import bodied, files_with, opened, sound

from atomic.errors import CallerError, NotFound, Tampered
from atomic.ledger import LedgerReader, SqliteLedger
from atomic.ledger.backup import NAME, back_up, restore
from atomic.ledger.heads import heads_path
from atomic.ledger.keys import keys_path

ANN = "ann@example.org"


def written(path: Path, *words: bytes) -> None:
    async def run() -> None:
        async with SqliteLedger.open(path) as ledger:
            await ledger.append([bodied(word, ANN, "bob@example.org") for word in words])

    asyncio.run(run())


def gone(path: Path) -> Path:
    """The same place after its disk was lost."""
    for one in (path, heads_path(path), keys_path(path)):
        one.unlink()
    return path


def test_a_backup_is_put_back_whole_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    written(path, b"one", b"two")
    assert 2 == back_up(path, tmp_path / "backup").bodies
    written(path, b"three")

    found = restore(tmp_path / "backup", gone(path))

    assert (True, 2, 2) == (found.ok, found.events, found.bodies)
    written(path, b"four")
    assert 3 == sound(path).bodies


async def test_a_backup_beside_writers_is_of_one_moment(tmp_path: Path) -> None:
    path, stop = tmp_path / "ledger.db", asyncio.Event()

    async def write(ledger: SqliteLedger) -> None:
        number = 0
        while not stop.is_set():
            await ledger.append([bodied(b"mail", f"{number % 50}@x"), opened()], power_durable=number % 10 == 0)
            number += 1

    async with SqliteLedger.open(path, seal_every=10) as ledger, SqliteLedger.open(path, seal_every=7) as other:
        writers = [asyncio.create_task(write(one)) for one in (ledger, other)]
        found = [await asyncio.to_thread(back_up, path, tmp_path / f"backup{number}") for number in range(8)]
        stop.set()
        await asyncio.gather(*writers)

    assert all(one.ok and 2 * one.bodies == one.events for one in found)
    assert found[0].events < found[-1].events
    sound(path)


def test_without_keys_nothing_in_a_backup_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    written(path, b"a word")
    back_up(path, tmp_path / "backup", keys=False)

    assert not keys_path(tmp_path / "backup" / NAME).exists()
    assert [] == files_with(tmp_path / "backup", b"a word")
    path.unlink()
    heads_path(path).unlink()
    assert 1 == restore(tmp_path / "backup", path).bodies
    with pytest.raises(NotFound, match="without keys"):
        restore(tmp_path / "backup", gone(path))


def test_what_was_erased_after_a_backup_stays_erased_when_it_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    written(path, b"one")
    back_up(path, tmp_path / "backup")

    async def erase() -> None:
        async with SqliteLedger.open(path) as ledger:
            await ledger.erase(ANN)

    asyncio.run(erase())
    path.unlink()
    heads_path(path).unlink()

    found = restore(tmp_path / "backup", path)

    assert (1, 0) == (found.erased, found.bodies)
    assert "no erasure speaks of it" in str(found.problems)  # the event came after the backup
    asyncio.run(erase())
    assert 1 == sound(path).erased


def test_a_backup_never_replaces_anything(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    written(path, b"one")
    back_up(path, tmp_path / "backup")

    with pytest.raises(CallerError, match="there already"):
        back_up(path, tmp_path / "backup")
    with pytest.raises(CallerError, match="there already"):
        restore(tmp_path / "backup", path)
    with pytest.raises(NotFound, match="no backup"):
        restore(tmp_path / "nowhere", path)


def test_a_damaged_backup_is_not_put_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    written(path, b"one")
    back_up(path, tmp_path / "backup")
    shutil.copyfile(heads_path(path), tmp_path / "heads")
    heads_path(tmp_path / "backup" / NAME).write_bytes(b"nothing\n")

    with pytest.raises(Tampered, match="does not verify"):
        restore(tmp_path / "backup", gone(path))
    assert not path.exists()
    shutil.copyfile(tmp_path / "heads", heads_path(tmp_path / "backup" / NAME))
    restore(tmp_path / "backup", path)
    with LedgerReader.open(path) as reader:
        assert 1 == reader.head()

"""Verification finds every change to a real file, whoever made it with SQLite's own tools."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ledger.helpers import awarded, bodied, lose_key, opened, said, sound, token

from atomic.errors import LedgerUnwritable
from atomic.ledger import SqliteLedger, verify
from atomic.ledger.chain import link
from atomic.ledger.heads import public_key_of

EVENTS, SEALED = 30, 20


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 events, of which 20 are sealed, with bodies, subjects and contents."""
    folder = tmp_path_factory.mktemp("original")

    async def write() -> None:
        async with SqliteLedger.open(folder / "ledger.db", seal_every=1_000) as ledger:
            for _ in range(2):
                await ledger.append([opened("a"), said(0.5), awarded(), bodied(b"body"), bodied(b"mail", "a@x", "b@x")])
                await ledger.append([said(0.25, f"request {n}", time_ns=n + 1) for n in range(5)])
                await ledger.seal()
            await ledger.append([bodied(b"late", "a@x"), *(said(0.75) for _ in range(9))])
            shutil.copytree(folder, folder / "copy")  # as a backup beside a running writer would

    asyncio.run(write())
    return folder / "copy"


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy" / "ledger.db"


@pytest.fixture
def database(copy: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(copy, isolation_level=None)
    yield connection
    connection.close()


def seqs(path: Path) -> set[int]:
    found = verify(path)
    assert found.ok == (not found.problems)
    return {seq for seq, _ in found.problems}


def words(path: Path) -> str:
    return "\n".join(what for _, what in verify(path).problems)


def test_a_sound_copy_verifies_and_says_what_is_not_sealed(copy: Path) -> None:
    found = sound(copy)

    assert (EVENTS, SEALED, EVENTS - SEALED) == (found.events, found.sealed_to, found.unsealed)
    assert (5, 0, 2) == (found.bodies, found.erased, found.blobs)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'market'",
        "version = 2",
        "tenant = 'other'",
        "label = 'public'",
        "request_id = 'other'",
        "round = 1",
        "time_ns = time_ns + 1",
        "payload = CAST(replace(CAST(payload AS TEXT), '0.25', '0.75') AS BLOB)",
        "payload = CAST(payload AS TEXT)",
        'commitments = CAST(\'[["input","1","00"]]\' AS BLOB)',
        "hash = zeroblob(32)",
        "hash = 5",
        "round = x'00'",
        "payload = CAST(payload || x'0a' || commitments AS BLOB), commitments = x''",
    ],
)
def test_a_changed_column_is_found(copy: Path, database: sqlite3.Connection, change: str) -> None:
    database.execute(f"UPDATE event SET {change} WHERE seq = 7")

    assert 7 in seqs(copy)


@pytest.mark.parametrize("seq", [1, 7, SEALED])
def test_a_removed_event_is_found(copy: Path, database: sqlite3.Connection, seq: int) -> None:
    database.execute("DELETE FROM event WHERE seq = ?", (seq,))

    assert seq in seqs(copy)


def test_an_event_removed_with_the_gap_closed_is_found(copy: Path, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM event WHERE seq = 7")
    for seq in range(8, EVENTS + 1):
        database.execute("UPDATE event SET seq = seq - 1 WHERE seq = ?", (seq,))

    assert 7 in seqs(copy)


def test_an_inserted_event_is_found(copy: Path, database: sqlite3.Connection) -> None:
    for seq in range(EVENTS, 6, -1):
        database.execute("UPDATE event SET seq = seq + 1 WHERE seq = ?", (seq,))
    database.execute(
        "INSERT INTO event SELECT 7, kind, version, tenant, label, request_id, round, time_ns, payload,"
        " commitments, hash FROM event WHERE seq = 6"
    )

    assert 7 in seqs(copy)


def test_swapped_events_are_found(copy: Path, database: sqlite3.Connection) -> None:
    for old, new in ((7, 99), (8, 7), (99, 8)):
        database.execute("UPDATE event SET seq = ? WHERE seq = ?", (new, old))

    assert {7, 8} <= seqs(copy)


def test_a_history_forged_with_all_its_hashes_is_found_by_the_next_head(
    copy: Path, database: sqlite3.Connection
) -> None:
    forge(database, 7)

    assert "speaks of another event" in words(copy)
    assert SEALED in seqs(copy)


def test_a_tail_forged_after_the_last_head_is_counted_as_unsealed(copy: Path, database: sqlite3.Connection) -> None:
    forge(database, SEALED + 5)
    found = verify(copy)

    assert (True, EVENTS - SEALED) == (found.ok, found.unsealed)


def forge(database: sqlite3.Connection, first: int) -> None:
    """Change an event and recompute every hash from there on, as somebody would who knows how."""
    database.execute("UPDATE event SET payload = replace(payload, '5', '6') WHERE seq = ?", (first,))
    (previous,) = database.execute("SELECT hash FROM event WHERE seq = ?", (first - 1,)).fetchone()
    for row in database.execute("SELECT * FROM event WHERE seq >= ? ORDER BY seq", (first,)).fetchall():
        payload = row[8].encode() if isinstance(row[8], str) else row[8]
        previous = link(previous, row[:8], payload, row[9])
        database.execute("UPDATE event SET payload = ?, hash = ? WHERE seq = ?", (payload, previous, row[0]))


@pytest.mark.parametrize("last", [0, 5, SEALED - 1])
def test_truncation_below_the_last_head_is_found(copy: Path, database: sqlite3.Connection, last: int) -> None:
    database.execute("DELETE FROM event WHERE seq > ?", (last,))
    database.execute("DELETE FROM checkpoint WHERE seq > ?", (last,))  # as a careful forger would
    database.execute("DELETE FROM body WHERE id >> 8 > ?", (last,))
    database.execute("DELETE FROM body_subject WHERE body_id >> 8 > ?", (last,))

    assert "cut off" in words(copy)
    assert last + 1 in seqs(copy)


def test_truncation_above_the_last_head_shows_in_the_unsealed_length(copy: Path, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM event WHERE seq > ?", (EVENTS - 4,))

    assert (True, EVENTS - SEALED - 4) == (verify(copy).ok, verify(copy).unsealed)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE body SET bytes = x'00' WHERE id = 4 << 8", "not what the event committed to"),
        ("UPDATE body SET bytes = 'body' WHERE id = 4 << 8", "not what the event committed to"),
        ("UPDATE body SET key_id = '2' WHERE id = 4 << 8", "not what the event committed to"),
        ("UPDATE body SET key_id = 'x' WHERE id = 4 << 8", "names no keys"),
        ("DELETE FROM body WHERE id = 4 << 8", "is missing"),
        ("DELETE FROM body WHERE id = 5 << 8", "is missing"),
        ("INSERT INTO body VALUES (1, '1', 'none', x'00')", "belongs to no event"),
        ("INSERT INTO body VALUES (1 << 40, '1', 'none', x'00')", "belongs to no event"),
        ("UPDATE body_subject SET subject = 'c@x' WHERE subject = 'a@x' AND body_id = 5 << 8", "subjects of body"),
        ("DELETE FROM body_subject WHERE subject = 'a@x' AND body_id = 5 << 8", "subjects of body"),
        ("INSERT INTO body_subject VALUES ('c@x', 5 << 8)", "subjects of body"),
        ("INSERT INTO body_subject VALUES ('c@x', 4 << 8)", "which has none"),
        ("UPDATE blob SET bytes = x'00' WHERE number = 1", "does not hash to its name"),
        ("UPDATE blob SET bytes = CAST(bytes AS TEXT) WHERE number = 1", "does not hash to its name"),
        ("DELETE FROM blob WHERE number = 1", "is missing"),
        ("UPDATE checkpoint SET hash = zeroblob(32) WHERE seq = 10", "another event"),
        ("UPDATE checkpoint SET time_ns = time_ns + 1 WHERE seq = 10", "not signed"),
        ("UPDATE checkpoint SET signature = zeroblob(64) WHERE seq = 10", "not signed"),
        ("UPDATE checkpoint SET public_key = zeroblob(32) WHERE seq = 10", "not signed"),
        ("UPDATE checkpoint SET seq = 11 WHERE seq = 10", "another event"),
        ("DELETE FROM checkpoint WHERE seq = 10", "no head"),
    ],
)
def test_a_change_beside_the_chain_is_found(copy: Path, database: sqlite3.Connection, change: str, what: str) -> None:
    assert 1 <= database.execute(change.replace("a@x", token(copy, "a@x"))).rowcount

    assert what in words(copy)


def test_a_key_that_is_gone_without_an_erasure_is_found(copy: Path) -> None:
    lose_key(copy, "b@x")

    assert "no erasure speaks of it" in words(copy)
    assert (3, 2) == (verify(copy).bodies, verify(copy).erased)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"seq":10', b'"seq":11', "another event"),
        (b'"time_ns":', b'"time_ns":1', "not signed"),
        (b'"signature":"', b'"signature":"00', "not signed"),
        (b'{"hash"', b'{ "hash"', "not a head"),
        (b'{"hash"', b"hello\n{", "not a head"),
    ],
)
def test_a_changed_line_outside_is_found(copy: Path, old: bytes, new: bytes, what: str) -> None:
    outside = copy.with_name("ledger.db.heads")
    lines = outside.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(old, new, 1)
    outside.write_bytes(b"".join(lines))

    assert what in words(copy)


@pytest.mark.parametrize(("order", "what"), [("02", "no head outside"), ("0211", "another event"), ("", "missing")])
def test_lines_outside_that_were_removed_or_reordered_are_found(copy: Path, order: str, what: str) -> None:
    outside = copy.with_name("ledger.db.heads")
    lines = outside.read_bytes().splitlines(keepends=True)
    outside.write_bytes(b"".join(lines[int(one)] for one in order))

    assert what in words(copy)


def test_a_missing_file_outside_is_found(copy: Path) -> None:
    copy.with_name("ledger.db.heads").unlink()

    assert "missing" in words(copy)


def test_a_last_line_cut_by_a_crash_only_seals_less(copy: Path) -> None:
    outside = copy.with_name("ledger.db.heads")
    outside.write_bytes(outside.read_bytes()[:-20])

    found = sound(copy)

    assert (10, 20) == (found.sealed_to, found.unsealed)


def test_a_ledger_signed_anew_with_another_key_is_found(copy: Path) -> None:
    assert "not signed" in "\n".join(what for _, what in verify(copy, public_key=public_key_of(b"k" * 32)).problems)


def test_verifying_without_keys_checks_the_chain_and_the_heads(copy: Path, database: sqlite3.Connection) -> None:
    copy.with_name("ledger.db.keys").unlink()

    assert (SEALED, 0) == (sound(copy).sealed_to, sound(copy).bodies)
    database.execute("UPDATE event SET round = 1 WHERE seq = 7")
    assert {7} == seqs(copy)


def test_bodies_may_be_left_out(copy: Path, database: sqlite3.Connection) -> None:
    database.execute("UPDATE body SET bytes = x'00'")

    assert (True, 0) == (verify(copy, bodies=False).ok, verify(copy, bodies=False).bodies)


def test_a_thousand_changes_are_told_and_no_more(copy: Path, database: sqlite3.Connection) -> None:
    database.execute("BEGIN")
    database.executemany("INSERT INTO body VALUES (?, '1', 'none', x'00')", [(1 << 40 | n,) for n in range(1_500)])
    database.execute("COMMIT")

    assert 1_000 == len(verify(copy).problems)


def test_a_ledger_that_is_not_there_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnwritable):
        verify(tmp_path / "nowhere.db")
    assert [] == list(tmp_path.iterdir())

"""What the file can do to us, and what comes out of it for others."""

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.ledger.helpers import awarded, bodied, lose_key, opened, said, sound

from atomic.clock import FrozenClock
from atomic.errors import CallerError, LedgerLocked, LedgerUnwritable, NotFound, OperatorError, Tampered
from atomic.ledger import LedgerReader, MemoryLedger, SqliteLedger, export, verify
from atomic.records import Body, Entry, Event, OutcomeSettled


async def test_a_ledger_opened_again_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        (first,) = await ledger.append([bodied(b"mail", "a@x")])
        secret = ledger.secret()
    async with SqliteLedger.open(path) as ledger:
        (second,) = await ledger.append([opened()])

        assert [first, second] == list(ledger.read())
        assert (b"mail", secret) == (ledger.body(first.bodies[0]), ledger.secret())


def test_closing_leaves_no_log_and_seals_everything(tmp_path: Path) -> None:
    async def use() -> None:
        async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
            await ledger.append([opened(), opened()])

    asyncio.run(use())

    assert {"ledger.db", "ledger.db.heads", "ledger.db.holders", "ledger.db.keys"} == {
        one.name for one in tmp_path.iterdir()
    }
    assert (2, 0) == (sound(tmp_path / "ledger.db").sealed_to, sound(tmp_path / "ledger.db").unsealed)


async def test_a_copy_without_keys_can_be_read_but_for_its_bodies(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        (event,) = await ledger.append([bodied(b"mail")])
    (tmp_path / "ledger.db.keys").unlink()

    with LedgerReader.open(path) as reader:
        assert [event] == list(reader.read())
        with pytest.raises(NotFound, match="keys"):
            reader.body(event.bodies[0])
        with pytest.raises(NotFound, match="keys"):
            reader.secret()


async def test_a_ledger_without_its_keys_is_not_gone_on_with(tmp_path: Path) -> None:
    path, keys = tmp_path / "ledger.db", tmp_path / "ledger.db.keys"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([bodied(b"mail")])
    keys.rename(tmp_path / "elsewhere")

    with pytest.raises(OperatorError, match=r"keys of the ledger .* are missing: ledger\.db\.keys"):
        SqliteLedger.open(path)
    assert not keys.exists()
    (tmp_path / "elsewhere").rename(keys)
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([bodied(b"more")])
    assert 2 == sound(path).bodies


def test_a_ledger_that_lost_a_table_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    asyncio.run(SqliteLedger.open(path).close())
    with LedgerReader.open(path) as reader:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE event")
        connection.close()
        with pytest.raises(Tampered, match="damaged: no such table: event"):
            reader.head()
    with pytest.raises(Tampered, match="damaged: no such table: event"):
        verify(path)


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal", "ledger.db.keys"])
async def test_the_ledger_and_its_keys_are_for_their_owner_alone(tmp_path: Path, name: str) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db"):
        assert 0o600 == stat.S_IMODE((tmp_path / name).stat().st_mode)


async def test_heads_are_signed_every_so_many_events_and_on_request(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path, seal_every=10) as ledger:
        await ledger.append([opened()] * 9)
        assert 0 == verify(path).sealed_to
        assert 9 == await ledger.seal()
        assert 9 == await ledger.seal()
        await ledger.append([opened()] * 12)
        assert 21 == await ledger.seal()

    heads = [json.loads(line)["seq"] for line in (tmp_path / "ledger.db.heads").read_text().splitlines()]
    assert [0, 9, 21] == heads


async def test_a_clock_that_goes_back_is_harmless(tmp_path: Path) -> None:
    clock = FrozenClock()
    async with SqliteLedger.open(tmp_path / "ledger.db", clock=clock) as ledger:
        (before,) = await ledger.append([opened()])
        await ledger.seal()
        assert "new" == await ledger.claim("", "r", "f")
        clock.set_back(10**18)
        (after,) = await ledger.append([opened()])
        assert "running" == await ledger.claim("", "r", "f")

    assert -(10**18) == after.time_ns - before.time_ns
    sound(tmp_path / "ledger.db")


async def test_a_claim_that_outlives_its_lease_may_be_taken(tmp_path: Path) -> None:
    clock = FrozenClock()
    async with SqliteLedger.open(tmp_path / "ledger.db", clock=clock) as stuck:
        await stuck.claim("", "r", "f")
        async with SqliteLedger.open(tmp_path / "ledger.db", clock=clock) as other:
            clock.advance(3_599 * 10**9)
            assert "running" == await other.claim("", "r", "f")
            clock.advance(2 * 10**9)
            assert "resumed" == await other.claim("", "r", "f")
            await stuck.release("", "r", done=True)
            assert "running" == await other.claim("", "r", "f")


async def test_a_request_whose_holder_died_after_the_outcome_is_done(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        await ledger.claim("", "r", "f")
        await ledger.append([Entry(payload=OutcomeSettled(task="t", status="answered"), request_id="r")])
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        assert "done" == await ledger.claim("", "r", "f")


async def test_a_locked_ledger_says_so_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path, timeout=0.1) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLocked):
            await ledger.append([opened()])
        other.execute("ROLLBACK")
        other.close()

        (event,) = await ledger.append([opened()])
        assert 1 == event.seq


async def test_a_ledger_that_vanished_takes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = SqliteLedger.open(path)
    await ledger.append([opened()])
    path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(LedgerUnwritable, match="vanished"):
        await ledger.append([opened()])
    (tmp_path / "elsewhere.db").rename(path)
    await ledger.append([opened()])
    await ledger.close()

    assert 2 == sound(path).events


async def test_a_ledger_that_lost_events_under_us_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([opened(), opened()])
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("DELETE FROM event WHERE seq = 2")
        other.close()
        with pytest.raises(Tampered, match="went back"):
            await ledger.append([opened()])


async def test_events_of_a_newer_release_stop_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([opened()])
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute(
                "INSERT INTO event SELECT 2, 'new kind', 1, '', 'public', '', 0, 0, payload, '[]', hash FROM event"
            )
        other.close()
        with pytest.raises(Tampered, match="event 2 cannot be read"):
            await ledger.append([opened()])


@pytest.mark.parametrize("name", ["nowhere/ledger.db", "."])
def test_a_place_where_no_file_can_be_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerUnwritable, match="cannot be opened"):
        SqliteLedger.open(tmp_path / name)


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words, and more of them" * 100)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()

    with pytest.raises(LedgerUnwritable, match="is not a ledger"):
        SqliteLedger.open(tmp_path / "words.txt")
    with pytest.raises(LedgerUnwritable, match="another program"):
        SqliteLedger.open(tmp_path / "other.db")
    with pytest.raises(LedgerUnwritable, match="another program"):
        verify(tmp_path / "other.db")


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path):
        pass
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()

    for use in (SqliteLedger.open, LedgerReader.open, verify, lambda path: next(export(path))):
        with pytest.raises(OperatorError, match="this ledger was written by a newer Atomic"):
            use(path)


async def test_a_changed_body_or_content_is_not_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        award, mail = await ledger.append([awarded(), bodied(b"mail")])
        slate = award.payload.slate  # type: ignore[union-attr] # it is an award
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("UPDATE body SET bytes = x'00'")
            other.execute("UPDATE blob SET bytes = x'00'")
            with pytest.raises(Tampered):
                ledger.body(mail.bodies[0])
            with pytest.raises(Tampered):
                ledger.blob(slate)
            other.execute("DELETE FROM body")
            with pytest.raises(Tampered):
                ledger.body(mail.bodies[0])
        other.close()


async def test_a_body_is_gone_with_the_key_of_any_of_its_subjects(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        both, one = await ledger.append([bodied(b"both", "a@x", "b@x"), bodied(b"one", "a@x")])
    lose_key(path, "b@x")
    async with SqliteLedger.open(path) as ledger:
        assert (None, b"one") == (ledger.body(both.bodies[0]), ledger.body(one.bodies[0]))
        (again,) = await ledger.append([bodied(b"again", "b@x")])
        assert (None, b"again") == (ledger.body(both.bodies[0]), ledger.body(again.bodies[0]))


def test_one_ledger_serves_one_event_loop_after_another(tmp_path: Path) -> None:
    seen: list[int] = []

    def follow(events: Sequence[Event]) -> None:
        seen.extend(event.seq for event in events)

    ledger = SqliteLedger.open(tmp_path / "ledger.db")
    ledger.follow(follow)
    asyncio.run(ledger_append(ledger))
    asyncio.run(ledger_append(ledger))
    asyncio.run(ledger.close())

    assert [1, 2] == seen


async def ledger_append(ledger: SqliteLedger) -> None:
    await ledger.append([opened()])


async def test_a_second_event_loop_at_the_same_time_is_refused(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        await ledger.append([opened()])
        with pytest.raises(CallerError, match="one event loop"):
            await asyncio.to_thread(asyncio.run, ledger_append(ledger))


async def test_followers_are_told_in_the_loops_thread(tmp_path: Path) -> None:
    threads: set[int] = set()

    def follow(events: Sequence[Event]) -> None:
        threads.add(threading.get_ident())

    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        ledger.follow(follow)
        await asyncio.gather(*(ledger.append([opened()]) for _ in range(50)))

    assert {threading.get_ident()} == threads


async def test_two_open_ledgers_of_one_process_fold_each_others_events(tmp_path: Path) -> None:
    path, seen = tmp_path / "ledger.db", list[int]()

    def follow(events: Sequence[Event]) -> None:
        seen.extend(event.seq for event in events)

    async with SqliteLedger.open(path) as one, SqliteLedger.open(path) as other:
        one.follow(follow)
        for _ in range(3):
            await other.append([opened()] * 1_500)  # more than is read at once
        await one.append([opened()])

    assert list(range(1, 4_502)) == seen


async def test_an_append_that_was_cancelled_is_still_told_to_followers(tmp_path: Path) -> None:
    seen: list[Event] = []
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        ledger.follow(seen.extend)
        task = asyncio.create_task(ledger.append([opened()]))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await ledger.append([opened()])

    assert task.cancelled()
    assert [1, 2] == [event.seq for event in seen]


async def test_a_reader_sees_what_a_writer_appends_and_may_be_used_from_threads(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        with LedgerReader.open(path) as reader:
            await ledger.append([said(float(n)) for n in range(1_200)])
            counts = await asyncio.gather(*(asyncio.to_thread(lambda: len(list(reader.read()))) for _ in range(4)))
            unfinished = reader.read()
            next(unfinished)
            await ledger.append([opened()])

            assert ([1_200] * 4, 1_201) == (counts, reader.head())


async def test_an_outsider_can_check_an_export_without_us(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([opened("é\n\x00"), said(0.1), awarded()])
        await ledger.append([bodied(b"mail", "c@x", "a@x", "b@x"), bodied(b"nobody's")])
    lines = [json.loads(json.dumps(one)) for one in export(path, bodies=True)]

    hashes, macs, previous = {0: bytes(32)}, dict[str, str](), bytes(32)
    for one in (line for line in lines if line["type"] == "event"):
        names = ("seq", "kind", "version", "tenant", "label", "request_id", "round", "time_ns")
        envelope = json.dumps([one[name] for name in names], ensure_ascii=False, separators=(",", ":"))
        text = "\n".join((envelope, one["payload"], one["commitments"]))
        previous = hashes[one["seq"]] = hashlib.sha256(previous + text.encode()).digest()
        assert one["hash"] == previous.hex()
        macs |= {body_id: mac for _, body_id, mac in json.loads(one["commitments"])}
    for one in (line for line in lines if line["type"] == "head"):
        signed = {name: one[name] for name in ("hash", "seq", "time_ns")}
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(one["public_key"]))
        key.verify(bytes.fromhex(one["signature"]), json.dumps(signed, separators=(",", ":")).encode())
        assert one["hash"] == hashes[one["seq"]].hex()
    found = {}
    for one in (line for line in lines if line["type"] == "body"):
        content = base64.b64decode(one["bytes"])
        found[content] = hmac.digest(bytes.fromhex(one["key"]), content, "sha256").hex() == macs[one["id"]]

    assert {b"mail": True, b"nobody's": True} == found
    assert [0, 5] == [line["seq"] for line in lines if line["type"] == "head"]
    assert not any("mail" in json.dumps(one) for one in export(path))


def test_a_body_that_is_too_many_is_refused() -> None:
    many: dict[str, Any] = {"bodies": (Body(name="b", content=b""),) * 257}
    with pytest.raises(ValueError, match="at most 256"):
        asyncio.run(MemoryLedger().append([said(1.0, **many)]))

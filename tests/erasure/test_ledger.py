"""What a ledger promises when something is erased from it."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.ledger.helpers import bodied, files_with, opened, sound, token

from atomic.errors import Erased
from atomic.ledger import LedgerReader, SqliteLedger, verify
from atomic.ledger.keys import Keys, keys_path
from atomic.records import BodiesErased, Body, Entry, Event, RequestOpened, Terms

ANN, BOB = "ann@example.org", "bob@example.org"


def asked(request_id: str, *subjects: str, time_ns: int = 0) -> Entry:
    opened = RequestOpened(task="t", task_version="1", domain="d", labels=(), terms=Terms(worth=1, max_price=1))
    body = Body(name="input", content=f"input of {request_id}".encode(), subjects=subjects)
    return Entry(payload=opened, request_id=request_id, bodies=(body,), time_ns=time_ns)


def later(request_id: str, *subjects: str) -> Entry:
    """Another event of a request, with a body."""
    return Entry(
        payload=opened().payload, request_id=request_id, bodies=(Body(name="b", content=b"x", subjects=subjects),)
    )


def payload(event: Event | None) -> BodiesErased:
    assert event is not None
    assert isinstance(event.payload, BodiesErased)
    return event.payload


async def test_the_bodies_of_a_subject_are_gone_and_those_of_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        events = await ledger.append([asked("a", ANN), asked("ab", ANN, BOB), asked("b", BOB)])

        erased = payload(await ledger.erase("Ann@Example.ORG"))

        assert [None, None, b"input of b"] == [ledger.body(event.bodies[0]) for event in events]
        assert ((("", "a"), ("", "ab")), (), 2) == (erased.requests, erased.others, erased.bodies)
        assert () == ledger.subjects(events[0].bodies[0])
    assert (1, 2) == (sound(path).bodies, sound(path).erased)


async def test_no_byte_of_a_destroyed_key_is_left_in_any_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([asked(str(n), f"{n}@example.org") for n in range(300)])
        keys = Keys(keys_path(path), read_only=True)
        doomed = [keys.ensure([f"{n}@example.org"])[f"{n}@example.org"] for n in range(0, 300, 7)]
        keys.close()
        await asyncio.gather(*(ledger.erase(f"{n}@example.org") for n in range(0, 300, 7)))

        words = [one.key for one in doomed] + [one.token.encode() for one in doomed]
        assert [] == files_with(tmp_path, *words)
    assert len(doomed) == sound(path).erased


async def test_a_plain_body_of_the_first_release_leaves_no_copy(tmp_path: Path) -> None:
    path, word = tmp_path / "ledger.db", b"words in plain sight "
    async with SqliteLedger.open(path) as ledger:
        (event,) = await ledger.append([bodied(word * 1_000, ANN)])
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("UPDATE body SET cipher = 'none', bytes = ?", (word * 1_000,))
        other.close()
        assert word * 1_000 == ledger.body(event.bodies[0])
        assert files_with(tmp_path, word)

        await ledger.erase(ANN)

        assert [] == files_with(tmp_path, word)


async def test_in_somebody_elses_request_only_the_bodies_of_the_subject_are_erased(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        asked_, plan = await ledger.append([asked("b", BOB), later("b", BOB, ANN)])

        erased = payload(await ledger.erase(ANN))

        assert ((), (int(plan.bodies[0].body_id),)) == (erased.requests, erased.others)
        assert (b"input of b", None) == (ledger.body(asked_.bodies[0]), ledger.body(plan.bodies[0]))
    sound(path)


async def test_what_still_comes_of_an_erased_request_is_never_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger, SqliteLedger.open(path) as other:
        await other.append([asked("a", ANN)])
        await ledger.erase(ANN)
        (answer,) = await other.append([later("a", ANN)])
        (fresh,) = await other.append([asked("new", ANN)])

        assert (None, b"input of new") == (other.body(answer.bodies[0]), other.body(fresh.bodies[0]))
    assert (1, 2) == (sound(path).bodies, sound(path).erased)


async def test_what_comes_of_an_erased_request_makes_no_new_key(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([asked("a", ANN)])
        word = token(path, ANN).encode()
        await ledger.erase(ANN)
        await ledger.append([later("a", ANN)])

        assert [] == files_with(tmp_path, word)
    sound(path)


async def test_a_token_of_somebody_erased_brings_nothing_back(tmp_path: Path) -> None:
    """As when a plan with somebody's mail as an example was made just before the mail was erased."""
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        (event,) = await ledger.append([asked("a", ANN)])
        (ann,) = ledger.subjects(event.bodies[0])
        await ledger.erase(ANN)

        kept, refused = await asyncio.gather(
            ledger.append([later("b", BOB)]), ledger.append([later("b", BOB, ann)]), return_exceptions=True
        )

        assert isinstance(refused, Erased)
        assert not isinstance(kept, BaseException)
        assert b"x" == ledger.body(kept[0].bodies[0])
    sound(path)


async def test_erasing_again_or_somebody_unknown_says_nothing(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        await ledger.append([asked("a", ANN)])
        await ledger.erase(ANN)

        assert (None, None) == (await ledger.erase(ANN), await ledger.erase("nobody@example.org"))
        assert 2 == ledger.head()


async def test_an_erasure_cut_short_after_the_keys_is_completed_by_doing_it_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([asked("a", ANN)])
    keys = Keys(keys_path(path))
    assert 1 == keys.destroy([keys.token(ANN)])
    keys.close()
    assert "no erasure speaks of it" in str(verify(path).problems)

    async with SqliteLedger.open(path) as ledger:
        assert 1 == payload(await ledger.erase(ANN)).bodies
    assert 1 == sound(path).erased


async def test_erased_requests_lose_every_body_and_keys_that_cover_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([asked("a", ANN), asked("ab", ANN, BOB), asked("b", BOB)])

        erased = await ledger.erase_requests([("", "a"), ("", "ab")])

        assert ("retention", 2) == (payload(erased).why, payload(erased).bodies)
        with sqlite3.connect(keys_path(path)) as keys:
            left = {subject for (subject,) in keys.execute("SELECT subject FROM key")}
        keys.close()
        assert {"", token(path, BOB)} == left
    assert (1, 2) == (sound(path).bodies, sound(path).erased)


async def test_a_body_that_was_put_back_or_taken_away_in_secret_is_found(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        await ledger.append([asked("a", ANN), asked("b", BOB)])
        await ledger.erase_requests([("", "a")])
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("UPDATE body SET cipher = 'none', bytes = 'x', key_id = '1' WHERE id = 1 << 8")
        database.execute("UPDATE body SET cipher = 'erased', bytes = x'' WHERE id = 2 << 8")
    database.close()

    assert ["was erased, and is here", "no erasure speaks of it"] == [
        next(one for one in ("was erased, and is here", "no erasure speaks of it") if one in what)
        for _, what in verify(path).problems
        if "body" in what and "subject" not in what
    ]


async def test_a_reader_of_another_process_reads_what_was_erased_no_more(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        (event,) = await ledger.append([asked("a", ANN)])
        with LedgerReader.open(path) as reader:
            assert b"input of a" == reader.body(event.bodies[0])
            await ledger.erase(ANN)
            assert reader.body(event.bodies[0]) is None


@pytest.mark.parametrize("busy", [True, False])
async def test_appends_beside_an_erasure_are_kept(tmp_path: Path, busy: bool) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger, SqliteLedger.open(path) as other:
        await ledger.append([asked("a", ANN)])
        writers = [other if busy and n % 2 else ledger for n in range(60)]
        jobs = [writer.append([asked(f"n{n}", ANN)]) for n, writer in enumerate(writers)]
        *events, _ = await asyncio.gather(*jobs, ledger.erase(ANN))
        await other.append([])
        for appended in events:
            assert isinstance(appended, tuple)
            ledger.body(appended[0].bodies[0])  # whole or erased, never damaged
    sound(path)

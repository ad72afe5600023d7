"""Verified answers of another ledger come in once, with their origin; what differs is told and stays as it is here."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest
from tests.ledger.helpers import files_with, sound
from tests.merging.markets import ANN, BOB, bought, bought_at_once, counts, kinds, merged, spam, trading, why

from atomic.erasure import erase
from atomic.errors import CallerError, NotFound, OperatorError, Tampered
from atomic.explain import explain
from atomic.ledger import LedgerReader, SqliteLedger, export
from atomic.ledger.backup import back_up
from atomic.ledger.heads import Head
from atomic.ledger.keys import keys_path
from atomic.market import Market, Trade
from atomic.merging import Merged
from atomic.records import AnswersImported, LessonsLearned
from atomic.replay import replay

GOLDEN = Path(__file__).parents[1] / "ledger" / "golden"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    bought(tmp_path / "here" / "ledger.db", "ours")
    return tmp_path / "here" / "ledger.db"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    return tmp_path / "there" / "ledger.db"


def erased(path: Path, subject: str) -> None:
    async def run() -> None:
        async with SqliteLedger.open(path) as ledger:
            await erase(ledger, subject)

    asyncio.run(run())


def imports(path: Path) -> list[AnswersImported]:
    with LedgerReader.open(path) as ledger:
        return [one.payload for one in ledger.read(kinds=("imported",)) if isinstance(one.payload, AnswersImported)]


def test_verified_answers_come_with_their_origin_and_the_chain_stays_sound(here: Path, there: Path) -> None:
    bought(there, "a", "b", truth="spam")
    bought(there, "unsaid", truth="")

    found = merged(there, here)

    assert (2, 2, 0) == counts(found)
    assert 1 == found.not_verified
    assert ["request", "outcome", "feedback", "lessons"] == kinds(here, "a")
    assert [] == kinds(here, "unsaid")
    sound(here)
    (imported,) = imports(here)
    assert ["a", "b"] == [request_id for _, request_id, _ in imported.requests]
    origin = imported.origin
    head = Head(
        seq=origin.seq,
        hash=bytes.fromhex(origin.hash),
        time_ns=origin.time_ns,
        public_key=bytes.fromhex(origin.public_key),
        signature=bytes.fromhex(origin.signature),
    )
    assert head.genuine
    assert origin.sound


def test_a_second_time_is_no_change(here: Path, there: Path) -> None:
    bought(there, "a", "b")
    merged(there, here)
    before = here.read_bytes()

    assert (0, 0, 2) == counts(merged(there, here))
    assert before == here.read_bytes()


def test_a_check_changes_nothing(here: Path, there: Path) -> None:
    bought(there, "a")
    before = {one: one.read_bytes() for one in (here, keys_path(here))}

    assert (1, 1, 0) == counts(merged(there, here, check=True))
    assert before == {one: one.read_bytes() for one in (here, keys_path(here))}


def test_beliefs_learn_from_it_what_they_would_have_learned_there(tmp_path: Path, there: Path) -> None:
    bought(there, *(f"r{number}" for number in range(5)), truth="spam")
    empty = tmp_path / "empty.db"
    bought(empty)
    merged(there, empty)

    async def appraised(market: Market) -> dict[str, tuple[float, float]]:
        slate, _ = market.preview(spam("dinner"), Trade())
        return {bid.key: (bid.probability, bid.spread) for bid in slate.bids}

    assert trading(there, appraised) == trading(empty, appraised)
    assert trading(empty, appraised) != trading(tmp_path / "nothing.db", appraised)


def test_an_answer_that_came_is_given_again_and_not_bought(here: Path, there: Path) -> None:
    bought(there, "a", truth="spam", says="spam")
    merged(there, here)

    async def again(market: Market) -> tuple[object, int]:
        outcome = await market.buy(spam("lunch a"), Trade(request_id="a"))
        return outcome.answer, outcome.cost

    assert ("spam", 0) == trading(here, again)


def test_learners_of_a_market_that_starts_later_know_it(here: Path, there: Path) -> None:
    bought(there, "a", truth="spam")
    merged(there, here)

    async def same_text(market: Market) -> str:
        return (await market.run(spam, "lunch a")).winner

    assert "cache+plain" == trading(here, same_text)


def test_a_running_market_hears_of_it(here: Path, there: Path) -> None:
    bought(there, "a", truth="spam")

    async def meanwhile(market: Market) -> str:
        await asyncio.to_thread(merged, there, here)
        return (await market.run(spam, "lunch a")).winner

    assert "cache+plain" == trading(here, meanwhile)


def test_what_was_said_since_comes_with_the_next(here: Path, there: Path) -> None:
    bought(there, "a", truth="ham")
    merged(there, here)

    async def otherwise(market: Market) -> None:
        await market.feedback("a", truth="spam")

    trading(there, otherwise)

    assert (0, 1, 0) == counts(merged(there, here))
    assert 2 == kinds(here, "a").count("feedback")
    assert (0, 0, 1) == counts(merged(there, here))
    sound(here)


def test_somebody_here_may_have_another_word_of_it(here: Path, there: Path) -> None:
    bought(there, "a", truth="spam")
    merged(there, here)

    async def otherwise(market: Market) -> list[str]:
        await market.feedback("a", truth="ham")
        return [event.kind for event in market.ledger.read(request_id="a")]

    assert ["feedback", "lessons"] == trading(here, otherwise)[-2:]
    with LedgerReader.open(here) as ledger:
        last = list(ledger.read(request_id="a", kinds=("lessons",)))[-1].payload
    assert isinstance(last, LessonsLearned)
    assert last.lessons
    assert all(lesson.weight < 0 for lesson in last.lessons)  # what was said there is taken back
    assert (0, 0, 1) == counts(merged(there, here))


def test_awards_here_replay_and_an_imported_request_is_explained(here: Path, there: Path) -> None:
    bought(there, "a", truth="spam")
    merged(there, here)

    with LedgerReader.open(here) as ledger:
        assert 0 == replay(ledger, deep=True).exit_code
        told = explain(ledger, "a")
    assert "It was imported" in told.text()
    assert told.html()
    assert told.brief()


CONFLICTS = {
    "another input has this id here": {"text": "dinner"},
    "answered otherwise here": {"says": "spam"},
    "something else was said of it here": {"truth": "spam"},
}


@pytest.mark.parametrize("reason", CONFLICTS)
def test_of_a_conflict_ours_stays_and_the_reason_is_told(here: Path, there: Path, reason: str) -> None:
    bought(there, "ours", "other", **CONFLICTS[reason])
    before = kinds(here, "ours")

    found = merged(there, here)

    assert [("ours", reason)] == why(found)
    assert 1 == found.requests
    assert before == kinds(here, "ours")


def test_words_of_a_request_that_both_made_alike_come(here: Path, there: Path) -> None:
    bought(here, "same", truth="")
    bought(there, "same")

    assert (0, 1, 0) == counts(merged(there, here))
    assert ["feedback", "lessons"] == kinds(here, "same")[-2:]


def test_a_request_erased_here_stays_erased(here: Path, there: Path) -> None:
    bought(there, "a", text="secret words of ann")
    merged(there, here)
    erased(here, ANN)

    found = merged(there, here)

    assert ("a", "erased here") in why(found)
    assert (0, 0, 0) == counts(found)
    assert [] == files_with(here.parent, b"secret words of ann")
    sound(here)


def test_who_was_erased_here_comes_back_by_no_other_request(here: Path, there: Path) -> None:
    """Keys and tokens are others there; from the first import on this ledger knows what stands there for her."""
    bought(there, "a")
    merged(there, here)
    erased(here, ANN)
    bought(there, "new", text="secret words of ann")
    bought(there, "bobs", subject=BOB)

    found = merged(there, here)

    assert ("new", "about somebody who was erased here") in why(found)
    assert (1, 1, 0) == counts(found)
    assert [] == files_with(here.parent, b"secret words of ann")


def test_of_a_backup_nothing_of_who_was_erased_since_comes_back(here: Path, tmp_path: Path) -> None:
    bought(here, "bobs", subject=BOB)
    back_up(here, tmp_path / "backup")
    erased(here, ANN)

    found = merged(tmp_path / "backup", here)

    assert [("ours", "erased here")] == why(found)
    assert (0, 0, 1) == counts(found)


def test_a_backup_brings_back_what_is_missing(here: Path, tmp_path: Path) -> None:
    back_up(here, tmp_path / "backup")
    bought(tmp_path / "new.db")

    assert (1, 1, 0) == counts(merged(tmp_path / "backup", tmp_path / "new.db"))
    assert ["request", "outcome", "feedback", "lessons"] == kinds(tmp_path / "new.db", "ours")


def test_what_came_is_erased_by_the_name_that_it_had_there(here: Path, there: Path) -> None:
    bought(there, "a", subject=BOB, text="secret words of bob")
    merged(there, here)
    with LedgerReader.open(here) as ledger:
        assert {"a"} == {event.request_id for event in ledger.events_of(BOB)}

    erased(here, "Bob@Example.org")

    with LedgerReader.open(here) as ledger:
        assert [None, None] == [ledger.body(one) for one in next(ledger.read(request_id="a")).bodies]
    sound(here)


def test_what_was_erased_there_is_left(here: Path, there: Path) -> None:
    bought(there, "a")
    erased(there, ANN)

    assert [("a", "erased there")] == why(merged(there, here))


def test_what_somebody_works_on_here_is_left_to_him(here: Path, there: Path) -> None:
    bought(there, "a", "b")

    async def meanwhile(market: Market) -> Merged:
        assert "new" == await market.ledger.claim("", "b", "under way")
        return await asyncio.to_thread(merged, there, here)

    found = trading(here, meanwhile)

    assert [("b", "being worked on here")] == why(found)
    assert (1, 1, 0) == counts(found)


def test_an_import_that_is_killed_leaves_whole_requests_and_the_next_brings_the_rest(here: Path, there: Path) -> None:
    names = [f"r{number}" for number in range(220)]
    bought_at_once(there, names)
    command = [sys.executable, "-m", "atomic", "ledger", "import", str(there), "--ledger", str(here)]
    for appends in (1, 2):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while len(imports(here)) < appends and child.poll() is None:
            time.sleep(0.001)
        child.kill()
        child.wait()
        sound(here)
    assert 100 <= len(began := {request_id for one in imports(here) for _, request_id, _ in one.requests}) < 220

    found = merged(there, here)

    assert (220 - len(began), len(began)) == (found.requests, found.there)
    with LedgerReader.open(here) as ledger:
        came = Counter((event.request_id, event.kind) for event in ledger.read() if event.request_id in names)
    assert Counter(itertools.product(names, ("request", "outcome", "feedback", "lessons"))) == came
    sound(here)


# --- exports -------------------------------------------------------------------------------------------------


def exported(path: Path, *, bodies: bool = True) -> Path:
    file = path.with_suffix(".jsonl")
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in export(path, bodies=bodies)))
    return file


def test_an_export_comes_like_its_ledger_where_names_are_known_from_an_earlier_import(here: Path, there: Path) -> None:
    bought(there, "a")
    merged(there, here)
    bought(there, "later", subject=BOB, text="secret words of bob")

    assert (1, 1, 1) == counts(merged(exported(there), here))
    assert ["request", "outcome", "feedback", "lessons"] == kinds(here, "later")
    erased(here, BOB)
    assert ("later", "erased here") in why(merged(exported(there), here))
    assert [] == files_with(here.parent, b"secret words of bob")


def test_of_an_unknown_ledgers_export_only_what_is_nobodys_comes(here: Path, there: Path) -> None:
    bought(there, "anns")
    bought(there, "nobodys", subject="")

    found = merged(exported(there), here)

    assert (1, 1, 0) == counts(found)
    assert ["anns"] == [request_id for request_id, reason in why(found) if "could erase here by name" in reason]


def test_an_export_that_says_not_whose_data_it_is_is_refused(here: Path, there: Path) -> None:
    bought(there, "a")
    lines = [one for one in export(there, bodies=True) if one["type"] != "subjects"]
    file = there.with_suffix(".jsonl")
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in lines))

    with pytest.raises(CallerError, match="says not whose data it is"):
        merged(file, here)


def test_an_export_without_bodies_or_with_a_change_is_refused(here: Path, there: Path) -> None:
    bought(there, "a", subject="")
    with pytest.raises(CallerError, match="holds no answers"):
        merged(exported(there, bodies=False), here)

    file = exported(there)
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b'"source\\":\\"person', b'"source\\":\\"fact'))
    assert whole != file.read_bytes()
    with pytest.raises(Tampered, match="not as it was written"):
        merged(file, here)

    file.write_bytes(b"\n".join(line for line in whole.splitlines() if b'"head"' not in line))
    with pytest.raises(Tampered, match="not as it was written"):
        merged(file, here)
    assert (1, 1, 0) == counts(merged(file, here, unverified=True))


# --- what cannot be taken ------------------------------------------------------------------------------------


def test_a_ledger_that_was_changed_is_refused_unless_that_is_taken(here: Path, there: Path) -> None:
    bought(there, "a", "b")
    with sqlite3.connect(there) as connection:
        row = connection.execute(
            "SELECT body.id FROM event JOIN body ON body.id >> 8 = seq WHERE request_id = 'a' AND kind = 'request'"
        ).fetchone()
        connection.execute("UPDATE body SET bytes = zeroblob(40) WHERE id = ?", row)
    connection.close()

    with pytest.raises(Tampered, match="not as it was written"):
        merged(there, here)
    found = merged(there, here, unverified=True)

    assert [("a", "damaged there: a body is not what its chain committed to")] == why(found)
    assert (1, 1, 0) == counts(found)
    assert not imports(here)[0].origin.sound
    sound(here)


def test_without_its_keys_it_cannot_be_read(here: Path, there: Path) -> None:
    bought(there, "a")
    keys_path(there).unlink()

    with pytest.raises(NotFound, match=r"keys of .* are not beside it"):
        merged(there, here)


def test_a_newer_schema_is_refused(here: Path, there: Path) -> None:
    bought(there, "a")
    with sqlite3.connect(there) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(OperatorError, match="written by a newer Atomic"):
        merged(there, here)


def test_itself_nothing_and_what_is_no_ledger_are_refused(here: Path, tmp_path: Path) -> None:
    (tmp_path / "export.jsonl").write_text('{"type":"head"}\n')
    (tmp_path / "text").write_text("hello\n")

    with pytest.raises(CallerError, match="this ledger itself"):
        merged(here, here)
    with pytest.raises(NotFound, match="there is no ledger"):
        merged(tmp_path / "nowhere", here)
    for name in ("export.jsonl", "text"):
        with pytest.raises(CallerError, match="is no export of a ledger"):
            merged(tmp_path / name, here)


@pytest.mark.parametrize("schema", ["schema-1", "schema-2"])
def test_a_ledger_of_an_earlier_release_comes_and_stays_as_it_is(here: Path, tmp_path: Path, schema: str) -> None:
    shutil.copytree(GOLDEN / schema, tmp_path / "old")
    before = {one.name: one.read_bytes() for one in (tmp_path / "old").iterdir()}

    found = merged(tmp_path / "old", here)

    assert (8, 8, 0) == counts(found)
    assert before == {one.name: one.read_bytes() for one in (tmp_path / "old").iterdir() if one.suffix[:4] != ".db-"}
    assert [] == list(here.parent.glob(".import-*"))
    sound(here)
    erased(here, BOB)
    assert [] == files_with(here.parent, b"winner of a prize 1", b"lunch 4")
    assert (0, 0, 3) == counts(merged(tmp_path / "old", here))

"""Ledgers that earlier releases wrote stay readable, verify, replay, and are gone on with."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.ledger.helpers import bodied, files_with, sound

from atomic.erasure import erase
from atomic.errors import OperatorError
from atomic.ledger import LedgerReader, SqliteLedger, export
from atomic.ledger.backup import restore
from atomic.ledger.schema import MIGRATIONS
from atomic.ledger.upgrade import upgrade
from atomic.records import OutcomeSettled
from atomic.replay import replay

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = range(1, len(MIGRATIONS) + 1)
ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture(params=SCHEMAS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the ledger of one schema, as it was written then."""
    shutil.copytree(GOLDEN / f"schema-{request.param}", tmp_path / "copy")
    return tmp_path / "copy" / "ledger.db"


def test_there_is_a_golden_ledger_of_every_schema() -> None:
    assert [f"schema-{one}" for one in SCHEMAS] == sorted(one.name for one in GOLDEN.glob("schema-*"))


async def test_it_is_carried_forward_verifies_and_is_gone_on_with(golden: Path) -> None:
    async with SqliteLedger.open(golden) as ledger:
        before = ledger.head()
        (event,) = await ledger.append([bodied(b"new", ANN)])
        answers = [
            ledger.body(one.bodies[0])
            for one in ledger.read(kinds=("outcome",))
            if isinstance(one.payload, OutcomeSettled) and one.request_id.startswith("r")
        ]
        assert before + 1 == event.seq

    assert [b'"ham"', b'"spam"'] * 4 == answers
    found = sound(golden)
    assert before + 1 == found.sealed_to
    assert found.bodies == sum(one["type"] == "body" for one in export(golden, bodies=True))


async def test_its_awards_replay_or_are_of_other_rules(golden: Path) -> None:
    async with SqliteLedger.open(golden) as ledger:
        found = replay(ledger, deep=True)

    assert () == found.different
    assert found.exit_code in {0, 2}


async def test_a_subject_of_an_earlier_release_can_be_erased_without_a_trace(golden: Path) -> None:
    async with SqliteLedger.open(golden) as ledger:
        erased = await erase(ledger, BOB)
        assert erased is not None
        assert [("", f"r{number}") for number in range(8) if number % 3] == list(erased.requests)

        assert [] == files_with(golden.parent, BOB.encode(), b"winner of a prize 1", b"lunch 4")
    sound(golden)


def test_to_read_an_older_one_it_must_be_carried_forward_first(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "schema-1", tmp_path / "copy")

    with pytest.raises(OperatorError, match="earlier release"):
        LedgerReader.open(tmp_path / "copy" / "ledger.db")
    asyncio.run(SqliteLedger.open(tmp_path / "copy" / "ledger.db").close())
    LedgerReader.open(tmp_path / "copy" / "ledger.db").close()


def test_an_older_one_is_upgraded_in_its_place_and_verifies(golden: Path) -> None:
    before, after = upgrade(golden)
    assert before <= after == upgrade(golden)[0]
    sound(golden)


def test_a_backup_of_an_older_one_is_restored_and_verifies(golden: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "atomic.db"
    place.parent.mkdir()
    kept = golden.read_bytes()
    assert restore(golden.parent, place).ok
    assert kept == golden.read_bytes()
    sound(place)

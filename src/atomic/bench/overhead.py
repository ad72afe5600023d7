"""What a request through the whole market takes over calling the same bidder directly.

`python -m atomic.bench.overhead` prints a table. The ledger is a file and process-durable, everything is on (also
exploration, so that now and then two answers are bought), and five bidders of this process bid for every request.
Requests and direct calls, as many as the request bought, take turns in the same run; the overhead is their difference.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from atomic.belief.examples import ExampleStore
from atomic.ledger import SqliteLedger
from atomic.market import Market
from atomic.protocols import Profile
from atomic.records.attempt import Plan
from atomic.records.microtask import microtask
from atomic.tactics.plain import Plain
from atomic.testing import Line, ScriptedBidder, ask_for

TARGETS = {"p50_ms": (6.0, 3.0), "p99_ms": (20.0, 10.0)}  # milliseconds: must, aim
SECONDS = 0.02  # of each attempt
AT_ONCE = 8


@microtask(worth="$0.002")
async def category(text: str) -> Literal["work", "family", "offer", "list", "other"]:
    """What kind of mail is this?"""
    raise NotImplementedError


def run(requests: int = 300) -> dict[str, float]:
    """Median and 99th percentile of the overhead in milliseconds, alone and with eight requests at once."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), requests))


async def _measured(folder: Path, requests: int) -> dict[str, float]:
    alone: list[float] = []
    together: list[float] = []
    async with scripted_market(folder / "market.db", seconds=SECONDS) as market:
        for number in range(20):
            await _pair(market, f"warming up {number}")
        for number in range(requests):
            alone.append(await _pair(market, f"mail {number}"))
        for number in range(requests // AT_ONCE):
            names = [f"mail {number} of {one}" for one in range(AT_ONCE)]
            together += await asyncio.gather(*(_pair(market, name) for name in names))
    return {
        "p50_ms": statistics.median(alone),
        "p99_ms": statistics.quantiles(alone, n=100)[98],
        "p50_ms_at_once": statistics.median(together),
        "p99_ms_at_once": statistics.quantiles(together, n=100)[98],
    }


async def _pair(market: Market, text: str) -> float:
    """The difference between buying an answer and calling the bidder that gave it as often, in milliseconds."""
    call = category(text)
    started = time.perf_counter()
    outcome = await market.run(category, text)
    bought = time.perf_counter() - started
    bidder, _, tactic = outcome.winner.partition("+")
    ask, plan = ask_for(call), Plan(bidder=bidder, tactic=tactic)
    started = time.perf_counter()
    for _ in range(outcome.rounds - 1):
        await market.bidders[bidder].attempt(ask, plan)
    direct = time.perf_counter() - started
    return 1e3 * (bought - direct)


@asynccontextmanager
async def scripted_market(path: Path, *, seconds: float = 0.0) -> AsyncIterator[Market]:
    """A market on a ledger in a file with five scripted bidders, one answer of which is mostly enough."""
    ledger = SqliteLedger.open(path)
    try:
        market = Market(
            ledger=ledger,
            bidders=[_bidder(number, seconds) for number in range(5)],
            tactics=(Plain(),),
            examples=ExampleStore(),
            per_day=1_000_000_000_000,
        )
        await market.start()
        yield market
        await market.close()
    finally:
        await ledger.close()


def _bidder(number: int, seconds: float) -> ScriptedBidder:
    line = Line(answer="work", price=1_000 * (1 + number), latency_ns=int(1e9 * seconds), seconds=seconds)

    def script(_: object) -> Line:
        return line

    name = f"bidder-{number}"
    # So sure that no second opinion is worth its price.
    right = 0.9999 - 0.01 * number
    return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted", right=right, prior_weight=1e6))


def main() -> None:
    """Print the figures as a table."""
    found = run()
    write = sys.stdout.write
    write(f"{'market over bidder, ms':32}{'p50':>8}{'p99':>8}   must p50 6, p99 20; aim 3, 10\n")
    write(f"{'one request at a time':32}{found['p50_ms']:8.2f}{found['p99_ms']:8.2f}\n")
    write(f"{f'{AT_ONCE} requests at once':32}{found['p50_ms_at_once']:8.2f}{found['p99_ms_at_once']:8.2f}\n")


if __name__ == "__main__":
    main()

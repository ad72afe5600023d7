"""Ledgers with a little history, to be merged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeVar

from atomic.belief.examples import ExampleStore
from atomic.bidders.cache import ExactCache
from atomic.bidders.function import FunctionBidder
from atomic.ledger import LedgerReader, SqliteLedger
from atomic.ledger.origin import opened_source
from atomic.market import Market, Trade
from atomic.merging import Merged, merge, survey
from atomic.protocols import Bidder
from atomic.records.microtask import microtask
from atomic.tactics import Plain

T = TypeVar("T")
ANN, BOB = "ann@example.org", "bob@example.org"


@microtask(worth="$0.002", domain="mail", explore=False)
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


def bidders(says: str = "") -> list[Bidder]:
    return [
        FunctionBidder("rule", lambda text: says or ("spam" if "winner" in text else "ham"), price=10),
        ExactCache("cache"),
    ]


def trading(path: Path, work: Callable[[Market], Awaitable[T]], *, says: str = "") -> T:
    """Do something with a market on the ledger at `path`, which answers by its rule, or always the same."""

    async def run() -> T:
        async with SqliteLedger.open(path) as ledger:
            made = Market(ledger=ledger, bidders=bidders(says), tactics=[Plain()], examples=ExampleStore())
            await made.start()
            try:
                return await work(made)
            finally:
                await made.close()

    return asyncio.run(run())


def bought(path: Path, *ids: str, subject: str = ANN, says: str = "", truth: str = "ham", text: str = "lunch") -> None:
    """Buy an answer under each id, and say what would have been right (`truth` "": say nothing)."""

    async def work(market: Market) -> None:
        for one in ids:
            await market.buy(spam(f"{text} {one}"), Trade(request_id=one, subjects=(subject,) if subject else ()))
            if truth:
                await market.feedback(one, truth=truth)

    trading(path, work, says=says)


def bought_at_once(path: Path, ids: Sequence[str]) -> None:
    """As `bought`, of many."""

    async def one(market: Market, request_id: str) -> None:
        await market.buy(spam(f"lunch {request_id}"), Trade(request_id=request_id, subjects=(ANN,)))
        await market.feedback(request_id, truth="ham")

    async def work(market: Market) -> None:
        await asyncio.gather(*(one(market, request_id) for request_id in ids))

    trading(path, work)


def merged(source: Path, target: Path, *, check: bool = False, unverified: bool = False) -> Merged:
    async def run() -> Merged:
        with opened_source(source, target, unverified=unverified) as opened, LedgerReader.open(target) as here:
            if check:
                return survey(opened, here)
            async with SqliteLedger.open(target) as ledger:
                return await merge(opened, here, ledger)

    return asyncio.run(run())


def counts(found: Merged) -> tuple[int, int, int]:
    """Requests and words that came, and what was there already."""
    return found.requests, found.feedback, found.there


def why(found: Merged) -> Sequence[tuple[str, str]]:
    return [(item.key[1], item.why) for item in (*found.left, *found.conflicts)]


def kinds(path: Path, request_id: str) -> list[str]:
    with closing(LedgerReader.open(path)) as ledger:
        return [event.kind for event in ledger.read(request_id=request_id)]

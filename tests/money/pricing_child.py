"""Buys one answer at a time from the ledger at its argument, says what it cost, and waits for a line."""

from __future__ import annotations

import asyncio
import sys
from typing import Literal

from atomic.belief.examples import ExampleStore
from atomic.bidders.function import FunctionBidder
from atomic.ledger import SqliteLedger
from atomic.market import Market
from atomic.records.microtask import microtask
from atomic.tactics import Plain


@microtask(worth="$0.01", explore=False)
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


async def main(path: str) -> None:
    async with SqliteLedger.open(path) as ledger:
        paid = FunctionBidder("paid", lambda text: "spam", price=500)
        market = Market(ledger=ledger, bidders=[paid], tactics=[Plain()], examples=ExampleStore())
        await market.start()
        while True:
            print((await market.run(spam, "?")).cost, flush=True)
            await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

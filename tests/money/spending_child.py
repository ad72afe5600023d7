"""Buys calls FIRST to LAST at once from a provider that is dear, and bills what it was called for, until it is killed.

What the provider bills stands in METER, a line per call, written before its answer comes: the truth outside of us.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atomic.belief.examples import ExampleStore
from atomic.clock import SystemClock
from atomic.ledger import SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile, Sketch
from atomic.records import Offer, Plan, Reply
from atomic.records.microtask import Ask, microtask, with_terms
from atomic.tactics import Plain

CEILING = 1_000
MAX_PRICE = 2_500
PURSE, PURSE_CAP = "team mail", 50_000  # one call in four is on it
NOON = 1_795_521_600_000_000_000  # 2026-11-24: no midnight comes between
DAY = "2026-11-24"


@microtask(worth="$0.01", explore=False)
async def label(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


@microtask(worth="$0.01", explore=False)
async def draft(text: str) -> str:
    """Answer this."""
    raise NotImplementedError


@dataclass(frozen=True)
class Noon:
    """A calendar that begins at noon, for every process."""

    inner: SystemClock = field(default_factory=SystemClock)
    began: int = field(default_factory=SystemClock().monotonic_ns)

    def time_ns(self) -> int:
        return NOON + self.monotonic_ns() - self.began

    def monotonic_ns(self) -> int:
        return self.inner.monotonic_ns()


class Provider:
    """Offers at its ceiling, and bills between a third of it and all, by the request."""

    def __init__(self, name: str, meter: int) -> None:
        self.profile = Profile(name=name, kind="provider", right=0.7, concurrency=100_000, deterministic=False)
        self._meter = meter

    def offer(self, ask: Ask, sketch: Sketch) -> Offer:
        name = self.profile.name
        return Offer(bidder=name, tactic=sketch.tactic, price=CEILING, ceiling=CEILING, latency_ns=10**8)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        chance = hashlib.sha256(f"{self.profile.name} {ask.request_id}".encode()).digest()
        billed = CEILING // 3 + int.from_bytes(chance[:4], "big") % (CEILING - CEILING // 3 + 1)
        os.write(self._meter, f"{ask.request_id} {self.profile.name} {billed}\n".encode())
        await asyncio.sleep(0.05 + chance[4] / 512)
        return Reply(value="spam" if chance[5] % 2 else "ham", price=billed)

    async def close(self) -> None:
        """Nothing to give back."""


async def main(path: Path, meter: Path, calls: range, per_day: int, per_task: int) -> None:
    opened = os.open(meter, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    clock = Noon()
    async with SqliteLedger.open(path, clock=clock, timeout=60.0) as ledger:
        market = Market(
            ledger=ledger,
            bidders=[Provider("one", opened), Provider("two", opened)],
            tactics=[Plain()],
            examples=ExampleStore(),
            per_day=per_day,
            per_task={"draft": per_task},
            clock=clock,
        )
        await market.start()
        print("ready", flush=True)
        await asyncio.gather(*(buy(market, number) for number in calls))
        await market.close()
    print("done", flush=True)


async def buy(market: Market, number: int) -> None:
    """One in four has no id of its own: after a kill nobody takes it up, and another is bought in its place."""
    request_id = f"call-{number}" if number % 4 else ""
    purses = ((PURSE, PURSE_CAP),) if number % 4 == 1 else ()
    trade = Trade(request_id=request_id, terms=with_terms(label.terms, max_price=MAX_PRICE), purses=purses)
    if number % 3:
        await market.buy(label(f"mail {number}"), trade)
    else:
        await market.buy(draft(f"mail {number}"), trade)


if __name__ == "__main__":
    arguments = [int(one) for one in sys.argv[3:]]
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), range(*arguments[:2]), *arguments[2:]))

"""Streams of questions to three bidders of known quality and price, on a clock that only the test moves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tests.market.shop import bidder, opened

from atomic.clock import FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.outcome import Outcome
from atomic.records import Award, Terms
from atomic.records.microtask import Ask, microtask
from atomic.testing import Line, ScriptedBidder

SECOND, HOUR = 1_000_000_000, 3_600_000_000_000
MIDNIGHT = 1_700_006_400_000_000_000  # 2023-11-15 00:00 UTC
PRICES = {"cheap": (100_000, 0.75), "middling": (400_000, 0.85), "dear": (3_000_000, 0.95)}


@microtask(worth="$0.002", explore=False)
async def parity(text: str) -> Literal["even", "odd"]:
    """Is the number even or odd?"""
    raise NotImplementedError


def truth(number: int) -> str:
    return ("even", "odd")[number % 2]


def trader(name: str, price: int, believed: float, right: float) -> ScriptedBidder:
    def answer(ask: Ask) -> Line:
        number = int(ask.features.text)
        hit = random.Random(f"{name} {number}").random() < right
        return Line(answer=truth(number) if hit else truth(number + 1), price=price)

    return bidder(name, answer, right=believed, prior_weight=200.0)


async def market_of(
    clock: FrozenClock,
    prices: dict[str, tuple[int, float]] | None = None,
    really: dict[str, float] | None = None,
) -> Market:
    """A market of bidders by name, price and how often they are believed to be right; `really` says who is not so."""
    found = (prices or PRICES).items()
    traders = [trader(name, price, right, (really or {}).get(name, right)) for name, (price, right) in found]
    return await opened(*traders, ledger=MemoryLedger(clock=clock, secret=b"s"), clock=clock)


async def buy(market: Market, terms: Terms, number: int) -> Outcome[Any]:
    return await market.buy(parity(str(number)), Trade(request_id=f"r{number}", terms=terms))


async def stream(
    market: Market, terms: Terms, numbers: Sequence[int], before: Callable[[int], None] = lambda number: None
) -> list[Outcome[Any]]:
    found = []
    for number in numbers:
        before(number)
        found.append(await buy(market, terms, number))
        await market.planning.done()  # at fixed places, so that a busy machine gives the same
    return found


def first_awards(market: Market) -> list[Award]:
    awards = [event.payload for event in market.ledger.read(kinds=("award",))]
    return [one for one in awards if isinstance(one, Award) and one.position.round == 1]

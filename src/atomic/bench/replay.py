"""How fast awards are replayed: `python -m atomic.bench.replay` prints it.

A market of 20 bidders that answer by a script buys in a ledger in a file, with feedback; then all of it is replayed.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from atomic.belief.examples import ExampleStore
from atomic.ledger import SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile
from atomic.records.microtask import Ask, microtask
from atomic.replay import replay
from atomic.tactics import Plain
from atomic.testing import Line, ScriptedBidder

BIDS = 20
_AT_ONCE = 32  # purchases in flight: they share commits, and their awards interleave


@microtask(worth="$0.002", domain="bench")
async def parity(text: str) -> Literal["even", "odd"]:
    """Is the number even or odd?"""
    raise NotImplementedError


def bidder(number: int) -> ScriptedBidder:
    """One that is right in a share of its own, claims something, and may be asked again."""
    name = f"bidder-{number:02}"

    def answer(ask: Ask) -> Line:
        dice = random.Random(f"{name} {ask.features.text}")
        right = ("even", "odd")[int(ask.features.text) % 2]
        said = right if dice.random() < 0.6 + 0.018 * number else ("odd", "even")[int(ask.features.text) % 2]
        return Line(
            answer=said, claim=dice.uniform(0.5, 0.99), price=number * 9_000, confidence=dice.uniform(0.5, 0.99)
        )

    return ScriptedBidder(name, answer, profile=Profile(name=name, kind="scripted", right=0.7, deterministic=False))


async def build(path: Path, awards: int) -> None:
    """A ledger with at least so many awards of 20 bids."""
    async with SqliteLedger.open(path) as ledger:
        market = Market(
            ledger=ledger,
            bidders=[bidder(number) for number in range(BIDS)],
            tactics=[Plain()],
            examples=ExampleStore(),
        )
        await market.start()
        bought = made = 0
        while made < awards:
            numbers = range(bought, bought + _AT_ONCE)
            bought += _AT_ONCE
            outcomes = await asyncio.gather(
                *(market.buy(parity(str(number)), Trade(request_id=f"r{number}")) for number in numbers)
            )
            made += sum(outcome.rounds for outcome in outcomes)
            for number in numbers[::4]:
                await market.feedback(f"r{number}", truth=("even", "odd")[number % 2])
        await market.close()


def run(awards: int = 2_000) -> dict[str, Any]:
    """Build, replay, and replay deeply; `different` counts over both.

    `awards_s` and `deep_awards_s` are awards per second, all included; `draw` and content hashes are checked too.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "replay.db"
        started = time.perf_counter()
        asyncio.run(build(path, awards))
        built = time.perf_counter()
        return {**asyncio.run(_replayed(path)), "build_s": round(built - started, 2)}


async def _replayed(path: Path) -> dict[str, Any]:
    async with SqliteLedger.open(path) as ledger:
        started = time.perf_counter()
        plain = replay(ledger)
        ended = time.perf_counter()
        deep = replay(ledger, deep=True)
        deeply = time.perf_counter() - ended
    return {
        "awards_s": round(plain.awards / (ended - started)),
        "different": plain.differences + deep.differences,
        "awards": plain.awards,
        "deep_awards_s": round(deep.awards / deeply),
        "not_replayable": sum(count for _, count in plain.not_replayable),
    }


if __name__ == "__main__":
    for name, figure in run(*(int(one) for one in sys.argv[1:])).items():
        sys.stdout.write(f"{name:>16} {figure}\n")

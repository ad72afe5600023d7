"""A market of three bidders with prices, and files of inputs for it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Literal

from tests.market.shop import opened

from atomic.ledger import MemoryLedger
from atomic.market import Market
from atomic.protocols import Profile
from atomic.records.microtask import Ask, microtask
from atomic.testing import Line, ScriptedBidder

BIDDERS = {"small": (0.6, 1_000), "middle": (0.75, 5_000), "large": (0.95, 50_000)}


@microtask(worth="$0.01")
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


@microtask(worth="$0.01")
async def reply(text: str) -> str:
    """Answer this mail."""
    raise NotImplementedError


def said(name: str) -> ScriptedBidder:
    """A bidder whose words are its own."""
    return ScriptedBidder(name, lambda ask: f"{name} says of {ask.features.text}")


def truth(text: str) -> str:
    return "spam" if hash_of(text, "truth") < 0.5 else "ham"


def hash_of(text: str, salt: str) -> float:
    return random.Random(f"{salt}{text}").random()


def bidder(name: str) -> ScriptedBidder:
    right, price = BIDDERS[name]

    def script(ask: Ask) -> Line:
        said = truth(ask.features.text)
        wrong = "ham" if said == "spam" else "spam"
        return Line(answer=said if hash_of(ask.features.text, name) < right else wrong, price=price, ceiling=2 * price)

    return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted"))


async def market(ledger: MemoryLedger | None = None) -> Market:
    return await opened(*map(bidder, BIDDERS), ledger=ledger)


def inputs(file: Path, count: int, *, labelled: int) -> Path:
    lines: list[dict[str, Any]] = [{"text": f"mail {n}", "domain": "ab"[n % 2]} for n in range(count)]
    for line in lines[:labelled]:
        line["truth"] = truth(line["text"])
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file

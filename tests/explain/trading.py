"""A small market that trades: bidders that are often right, and feedback on every other outcome."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal

from atomic.belief.examples import ExampleStore
from atomic.clock import Clock
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import Bidder, Profile
from atomic.records import Body, Entry, Event, Reason
from atomic.records.award import Award
from atomic.records.microtask import Ask, microtask
from atomic.tactics import Plain
from atomic.testing import Line, ScriptedBidder

AnyLedger = MemoryLedger | SqliteLedger
REQUESTS = 40


@microtask(worth="$0.002", domain="mail")
async def spam(mail: str) -> Literal["ham", "spam"]:
    """Is it spam?"""
    raise NotImplementedError


def truth(mail: str) -> str:
    return "spam" if "win" in mail else "ham"


def mail(number: int) -> str:
    return f"mail {number}: {'win a prize' if number % 3 == 0 else 'lunch on Tuesday'}"


def noisy(seed: int, right: float, price: int, *, billed: int | None = None) -> Callable[[Ask], Line]:
    """A script that is right in this share of mails, always the same ones, and knows a little of it."""

    def line(ask: Ask) -> Line:
        dice = random.Random(f"{seed} {ask.features.text}")
        answer = truth(ask.features.text)
        if dice.random() >= right:
            answer = "ham" if answer == "spam" else "spam"
        return Line(
            answer=answer,
            claim=dice.uniform(0.5, 0.99),
            confidence=dice.uniform(0.5, 0.99),
            price=price,
            billed=billed,
        )

    return line


def bidders() -> list[Bidder]:
    def one(name: str, script: Callable[[Ask], Line] | Sequence[Line], right: float) -> ScriptedBidder:
        return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted", right=right, prior_weight=3.0))

    return [
        one("mini", noisy(1, 0.95, 150_000, billed=140_000), 0.8),
        one("rule", noisy(2, 0.7, 0), 0.6),
        one("bayes", noisy(3, 0.85, 1_000), 0.6),
        one("junk", [Line(answer="perhaps", claim=0.9, price=10)], 0.7),
        one("closed", [Line(no_bid=Reason.NOT_CONFIGURED)], 0.5),
    ]


async def open_market(ledger: AnyLedger, *, clock: Clock | None = None) -> Market:
    market = Market(
        ledger=ledger,
        bidders=bidders(),
        tactics=[Plain()],
        examples=ExampleStore(),
        clock=clock,
    )
    await market.start()
    return market


async def trade(ledger: AnyLedger, requests: int) -> Market:
    """Buy `requests` answers (r0, r1, …); every other one is corrected by a person, every tenth by a judge first."""
    market = await open_market(ledger)
    for number in range(requests):
        await market.buy(spam(mail(number)), Trade(request_id=f"r{number}", subjects=("ann@example.com",)))
        if number % 10 == 0:
            await market.feedback(f"r{number}", 0.75, source="judge")
        if number % 2 == 0:
            await market.feedback(f"r{number}", truth=truth(mail(number)), author="ann")
    return market


async def copied(ledger: AnyLedger, change: Callable[[Event], Entry] | None = None) -> MemoryLedger:
    """The ledger again, event by event in memory, each as `change` would have it."""
    copy = MemoryLedger()
    for event in ledger.read():
        await copy.append([change(event) if change is not None else as_entry(ledger, event)])
    return copy


def as_entry(ledger: AnyLedger, event: Event) -> Entry:
    blobs: tuple[bytes, ...] = ()
    if isinstance(event.payload, Award):
        blobs = (ledger.blob(event.payload.slate), ledger.blob(event.payload.table))
    return Entry(
        payload=event.payload,
        request_id=event.request_id,
        round=event.round,
        tenant=event.tenant,
        label=event.label,
        time_ns=event.time_ns,
        bodies=tuple(Body(name=one.name, content=ledger.body(one) or b"") for one in event.bodies),
        blobs=blobs,
    )

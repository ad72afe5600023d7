"""A market on a ledger in memory, with a clock that stands still unless told, and tasks to buy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from atomic.belief.examples import ExampleStore
from atomic.clock import Clock, FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market
from atomic.protocols import Bidder, Profile, Tactic
from atomic.records import AttemptFinished, AttemptStarted, Award, Event, NoBid, Reason, Slate
from atomic.records.event import decode
from atomic.records.microtask import Ask, microtask
from atomic.records.mode import Mode
from atomic.tactics.plain import Plain
from atomic.testing import Line, ScriptedBidder

WORTH = 2_000_000
SECOND = 1_000_000_000


@microtask(worth="$0.002", explore=False)
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False, deadline=0.2)
async def hasty(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam, quickly?"""
    raise NotImplementedError


@microtask(worth="$0.002")
async def explored(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam, whoever says so?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False, refuse_below=0.9)
async def careful(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam, and surely?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False)
async def words(text: str) -> set[str]:
    """Which words matter?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False)
async def urgent(text: str) -> bool:
    """Is it urgent?"""
    raise NotImplementedError


def bidder(
    name: str,
    script: Sequence[Line | object] | Callable[[Ask], Line | object],
    *,
    right: float = 0.8,
    **profile: Any,
) -> ScriptedBidder:
    return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted", right=right, **profile))


async def opened(
    *bidders: Bidder,
    ledger: Any = None,
    clock: Clock | None = None,
    per_day: int | None = None,
    per_task: Mapping[str, int] | None = None,
    secret: bytes = b"secret",
    queue: int = 100,
    modes: Mapping[str, Mode] | None = None,
    tactics: Sequence[Tactic] = (Plain(),),
) -> Market:
    """A market that has folded its ledger and follows it."""
    ledger = ledger or MemoryLedger(clock=clock or FrozenClock(), secret=secret)
    market = Market(
        ledger=ledger,
        bidders=bidders,
        tactics=tactics,
        examples=ExampleStore(),
        per_day=per_day,
        per_task=per_task,
        queue=queue,
        clock=clock or FrozenClock(),
        modes=modes,
    )
    await market.start()
    return market


def events(market: Market, *kinds: str, request_id: str | None = None) -> list[Event]:
    return list(market.ledger.read(kinds=kinds, request_id=request_id))


def finished(market: Market, **selection: Any) -> list[AttemptFinished]:
    found = [event.payload for event in events(market, "finished", **selection)]
    return [one for one in found if isinstance(one, AttemptFinished)]


def awards(market: Market, **selection: Any) -> list[Award]:
    return [one.payload for one in events(market, "award", **selection) if isinstance(one.payload, Award)]


def slate_of(market: Market, award: Award) -> Slate:
    slate: Slate = decode(Slate, market.ledger.blob(award.slate))
    return slate


def no_bids(market: Market, award: Award) -> dict[str, NoBid]:
    return {one.bidder: one for one in slate_of(market, award).no_bids}


def reasons(market: Market, award: Award) -> dict[str, Reason]:
    return {name: one.reason for name, one in no_bids(market, award).items()}


def unfinished(market: Market) -> list[tuple[str, str]]:
    """Attempts that were started and never finished."""
    left: list[tuple[str, str]] = []
    for event in events(market, "started", "finished"):
        assert isinstance(event.payload, AttemptStarted | AttemptFinished)
        name = (event.request_id, event.payload.bidder)
        left.append(name) if event.kind == "started" else left.remove(name)
    return left


def waiting(market: Market) -> int:
    """How many requests stand in line."""
    return market._shop.capacity.waiting


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until something holds; the test's time limit ends what never does."""
    while not condition():  # noqa: ASYNC110 - a condition of another's state
        await asyncio.sleep(0.001)

"""Deadlines in the value, and delays by how busy a bidder is."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.market.shop import opened
from tests.objectives.streams import MIDNIGHT, parity, truth
from tests.rules.slates import bid, position, slate

from atomic.belief import Beliefs
from atomic.belief.snapshot import restore, snapshot
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile, Sketch
from atomic.records import Plan, Reply, Table
from atomic.records.bid import Offer
from atomic.records.microtask import Ask
from atomic.replay import replay
from atomic.rules import auction

SECOND = 1_000_000_000
TWO = Table(alternatives=2)


def chosen(*bids: Any, deadline_s: float, **terms: Any) -> tuple[str, ...]:
    where = position(deadline_ns=int(deadline_s * SECOND), **terms)
    return auction(where, slate(*bids), TWO, 0.0).chosen


def test_who_would_come_too_late_loses_to_somebody_worse_who_is_in_time() -> None:
    slow, quick = bid("slow", 0.9, 1_000, latency_ns=3 * SECOND), bid("quick", 0.7, 1_000, latency_ns=SECOND // 10)
    assert "slow+plain" in chosen(slow, quick, deadline_s=60)
    assert ("quick+plain",) == chosen(slow, quick, deadline_s=1)


def test_two_are_bought_at_once_when_there_is_no_time_for_one_after_the_other() -> None:
    one, other = bid("one", 0.8, 10, latency_ns=SECOND), bid("two", 0.79, 10, latency_ns=SECOND)
    assert ("one+plain", "two+plain") == chosen(one, other, deadline_s=1.2)


def test_a_dear_second_is_not_bought_for_being_in_time() -> None:
    one, other = bid("one", 0.8, 10, latency_ns=SECOND), bid("two", 0.79, 1_500_000, latency_ns=SECOND)
    assert ("one+plain",) == chosen(one, other, deadline_s=1.2)


def test_a_pair_keeps_to_max_price() -> None:
    one, other = bid("one", 0.8, 600, latency_ns=SECOND), bid("two", 0.79, 600, latency_ns=SECOND)
    assert 1 == len(chosen(one, other, deadline_s=1.2, max_price=1_000))


def test_with_time_in_plenty_nothing_changes() -> None:
    one, other = bid("one", 0.8, 10, latency_ns=SECOND), bid("two", 0.79, 10, latency_ns=SECOND)
    loose, looser = (
        auction(position(deadline_ns=days * 86_400 * SECOND), slate(one, other), TWO, 0.0) for days in (1, 2)
    )
    assert loose == looser


class Queue:
    """One that serves its requests one after the other, a second each."""

    def __init__(self) -> None:
        self.profile = Profile(name="queue", kind="scripted", right=0.9, concurrency=100, lasting_ns=10**12)
        self._turn = asyncio.Lock()

    def offer(self, ask: Ask, sketch: Sketch) -> Offer:
        return Offer(bidder="queue", tactic=sketch.tactic, price=10, ceiling=10)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        async with self._turn:
            await asyncio.sleep(1.0)
        return Reply(value=truth(int(ask.features.text)), price=10)

    async def close(self) -> None:
        """Nothing."""


async def rushes(clock: FrozenClock) -> Market:
    """A market that saw requests alone and eight at once, by turns."""
    market = await opened(Queue(), ledger=MemoryLedger(clock=clock, secret=b"s"), clock=clock)
    number = 0
    for at_once in (1, 8) * 10:
        calls = [market.buy(parity(str(number + one)), Trade(request_id=f"r{number + one}")) for one in range(at_once)]
        await asyncio.gather(*calls)
        number += at_once
    return market


def test_a_busy_bidder_is_expected_to_take_longer() -> None:
    market = run_virtually(rushes(clock := FrozenClock(MIDNIGHT)), clock)
    alone, busy = (market.beliefs.queueing.corrected("queue", count, 4 * SECOND) for count in (0, 7))
    assert 6 * SECOND * 0.8 < busy - alone < 7 * SECOND * 1.2


def test_what_is_known_of_queues_replays_and_survives_a_snapshot() -> None:
    market = run_virtually(rushes(clock := FrozenClock(MIDNIGHT)), clock)
    assert 0 == replay(market.ledger, deep=True).differences
    restored = Beliefs()
    restore(restored, snapshot(market.beliefs))
    assert market.beliefs.digest() == restored.digest()

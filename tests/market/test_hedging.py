"""While one is slow and waiting is dear, another is asked as well; the first answer counts, the loser costs nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.explain.trading import as_entry, copied
from tests.market.shop import SECOND, WORTH, awards, bidder, events, finished, opened, spam, unfinished, until

from atomic.clock import FrozenClock
from atomic.explain import explain
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.records import Entry, Event, Reason
from atomic.records.hedge import Hedged
from atomic.records.microtask import Ask, with_terms
from atomic.replay import replay
from atomic.testing import Line, ScriptedBidder

SOON = SECOND // 50  # what everybody says an attempt takes
DEAR = with_terms(spam.terms, latency_price=WORTH // 2)
DAY = "2023-11-14"


def hedges(market: Market) -> list[Hedged]:
    return [one.payload for one in events(market, "hedged") if isinstance(one.payload, Hedged)]


def line(**changes: Any) -> Line:
    return Line(answer="spam", price=100, latency_ns=SOON, **changes)


def slow(clock: FrozenClock, *, seconds: float = 1.0, name: str = "slow", **changes: Any) -> ScriptedBidder:
    """The best and so the first to be asked; once it is asked this much time has passed, and it says nothing."""

    def script(ask: Ask) -> Line:
        return line(until=passing(clock, seconds), **changes) if ask.time_left_ns < DEAR.deadline_ns else line()

    return bidder(name, script, right=0.95, prior_weight=1000.0)


class passing(asyncio.Event):  # noqa: N801 - reads as what it does
    """An event that never comes; waiting for it lets the market's time pass."""

    def __init__(self, clock: FrozenClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    async def wait(self) -> Any:
        self._clock.advance(int(self._seconds * SECOND))
        return await super().wait()


async def bought(market: Market, **terms: Any) -> Any:
    return await market.buy(spam("?"), Trade(request_id="r", terms=with_terms(DEAR, **terms)))


async def test_where_waiting_is_dear_a_second_is_asked_and_the_first_answer_counts() -> None:
    clock = FrozenClock()
    first, second = slow(clock), bidder("second", [line()], right=0.9)
    market = await opened(first, second, clock=clock)

    outcome = await bought(market)

    assert ("spam", "second+plain", 1) == (outcome.answer, outcome.winner, outcome.rounds - 1)
    (hedged,) = hedges(market)
    assert (("second+plain",), ("slow+plain",), SECOND) == (hedged.chosen, hedged.what.running, hedged.what.waited_ns)
    assert hedged.gain > hedged.waiting
    assert 1 == first.cancelled
    assert [] == unfinished(market)


async def test_the_loser_is_cut_and_its_reservation_is_given_back() -> None:
    clock = FrozenClock()
    market = await opened(slow(clock), bidder("second", [line()], right=0.9), clock=clock, per_day=200)

    outcome = await bought(market)
    ends = {one.bidder: one for one in finished(market)}

    assert (Reason.OVERTAKEN, 0, SECOND) == (ends["slow"].reason, ends["slow"].price, ends["slow"].latency_ns)
    assert 100 == outcome.cost == market.ledger.spent(DAY)  # type: ignore[attr-defined]


async def test_a_loser_with_a_meter_of_its_own_may_still_be_billed() -> None:
    clock = FrozenClock()
    first = slow(clock)
    first._profile = type(first.profile)(**{**_fields(first.profile), "metered": True})
    market = await opened(first, bidder("second", [line()], right=0.9), clock=clock)

    assert 200 == (await bought(market)).cost == market.ledger.spent(DAY)  # type: ignore[attr-defined]


def _fields(profile: Any) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in profile.__dataclass_fields__}


async def test_where_waiting_costs_nothing_and_the_deadline_is_far_nobody_else_is_asked() -> None:
    gate = asyncio.Event()
    first = bidder("slow", [line(until=gate)], right=0.95, prior_weight=1000.0)
    second = bidder("second", [line()], right=0.9)
    market = await opened(first, second)
    request = asyncio.ensure_future(bought(market, latency_price=0))
    await until(lambda: bool(first.attempts))
    await asyncio.sleep(0.1)  # some looks long
    gate.set()

    assert "slow+plain" == (await request).winner
    assert [] == hedges(market)
    assert [] == second.attempts


async def test_a_deadline_that_is_near_makes_waiting_dear() -> None:
    """The fallback would come too late after the first one's patience: it is asked while there is time."""
    clock = FrozenClock()
    first = slow(clock, seconds=0.4)
    second = bidder("second", [Line(answer="spam", price=100, latency_ns=SECOND // 2)], right=0.9)
    market = await opened(first, second, clock=clock)

    outcome = await bought(market, latency_price=0, deadline_ns=SECOND)

    assert "second+plain" == outcome.winner
    assert 1 == len(hedges(market))


async def test_a_days_cap_forbids_a_hedge_as_it_does_a_purchase() -> None:
    clock, gate = FrozenClock(), asyncio.Event()
    first = slow(clock)
    second = bidder("second", [line()], right=0.9)
    market = await opened(first, second, clock=clock, per_day=150)
    request = asyncio.ensure_future(bought(market, deadline_ns=SECOND // 4))
    gate.set()
    outcome = await request

    assert [] == hedges(market)
    assert outcome.refused
    assert 150 >= market.ledger.spent(DAY)  # type: ignore[attr-defined]


async def test_a_requests_max_price_holds_with_its_hedge() -> None:
    clock = FrozenClock()
    market = await opened(slow(clock), bidder("second", [line()], right=0.9), clock=clock)

    await bought(market, max_price=150, deadline_ns=SECOND // 4)

    assert [] == hedges(market)


async def test_when_the_hedge_has_no_answer_either_the_first_is_waited_for() -> None:
    clock, gate = FrozenClock(), asyncio.Event()

    class Opening(passing):
        async def wait(self) -> Any:
            clock.advance(SECOND)
            return await gate.wait()

    def script(ask: Ask) -> Line:
        return line(until=Opening(clock, 1.0)) if ask.time_left_ns < DEAR.deadline_ns else line()

    def junk(ask: Ask) -> Line:
        if ask.time_left_ns < DEAR.deadline_ns:
            asyncio.get_running_loop().call_later(0.01, gate.set)
        return Line(answer="perhaps", price=100, latency_ns=SOON)

    first = bidder("slow", script, right=0.95, prior_weight=1000.0)
    market = await opened(first, bidder("second", junk, right=0.9), clock=clock)

    outcome = await bought(market)

    assert ("spam", "slow+plain") == (outcome.answer, outcome.winner)
    assert {"second": Reason.NOT_THE_TYPE, "slow": None} == {one.bidder: one.reason for one in finished(market)}


async def test_with_an_answer_in_hand_a_straggler_is_waited_for_no_longer() -> None:
    """Three free ones are asked at once; two agree, and what the third would say is not worth the time."""
    clock = FrozenClock()
    line = Line(answer="spam", latency_ns=SOON)

    def script(ask: Ask) -> Line:
        late = ask.time_left_ns < DEAR.deadline_ns
        return Line(answer="spam", latency_ns=SOON, until=passing(clock, 0.5)) if late else line

    market = await opened(
        bidder("a", [line], right=0.9), bidder("b", [line], right=0.9), bidder("slow", script), clock=clock
    )

    outcome = await bought(market)

    assert "spam" == outcome.answer
    assert [()] == [one.chosen for one in hedges(market)]
    assert 2 == len(hedges(market)[0].position.state.answered)
    assert Reason.OVERTAKEN == {one.bidder: one.reason for one in finished(market)}["slow"]


async def test_one_that_was_overtaken_is_believed_to_be_slower_and_is_not_asked_first_again() -> None:
    clock = FrozenClock()
    first = slow(clock)
    market = await opened(first, bidder("second", [line()], right=0.9), clock=clock)

    said = [(await market.buy(spam(f"mail {number}"), Trade(terms=DEAR))).rounds for number in range(2)]

    assert [2, 2] == said
    assert 1 == len(first.attempts) == len(hedges(market))


async def test_cancelling_the_request_ends_the_hedge_too() -> None:
    clock, gate = FrozenClock(), asyncio.Event()
    first, second = slow(clock), bidder("second", [line(until=gate)], right=0.9)
    market = await opened(first, second, clock=clock)
    request = asyncio.ensure_future(bought(market))
    await until(lambda: bool(second.attempts))

    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert (1, 1) == (first.cancelled, second.cancelled)
    assert [] == unfinished(market)
    assert {} == dict(market._shop.capacity.busy)


async def test_a_round_with_a_hedge_replays_bit_for_bit_and_is_explained() -> None:
    clock = FrozenClock()
    market = await opened(slow(clock), bidder("second", [line()], right=0.9), clock=clock)
    await bought(market)

    found = replay(market.ledger, deep=True)
    told = explain(market.ledger, "r").text()

    assert ((), 1, len(awards(market))) == (found.different, found.hedges, found.awards)
    assert "After 1 s without a word from slow+plain, second+plain was asked as well" in told


async def test_a_hedge_that_is_not_what_its_inputs_give_is_found() -> None:
    clock = FrozenClock()
    market = await opened(slow(clock), bidder("second", [line()], right=0.9), clock=clock)
    await bought(market)
    assert isinstance(market.ledger, MemoryLedger)

    def later(event: Event) -> Entry:
        entry = as_entry(market.ledger, event)  # type: ignore[arg-type]
        if not isinstance(entry.payload, Hedged):
            return entry
        return replace(entry, payload=replace(entry.payload, what=replace(entry.payload.what, waited_ns=SOON)))

    found = replay(await copied(market.ledger, later), secret=market.ledger.secret())

    assert ["hedge"] == [one.what.partition(":")[0] for one in found.different]

"""A request id is bought once, cancelling leaves nothing open, and a cut request goes on where it was."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.market.shop import SECOND, awards, bidder, events, finished, opened, reasons, spam, unfinished, until, urgent

from atomic.clock import FrozenClock, SystemClock
from atomic.errors import Conflict, LedgerLocked, TaskError
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Trade
from atomic.records import Event, Reason
from atomic.shop import fingerprint_of
from atomic.testing import Line

SECRET = b"the same in both processes"

ONCE = Trade(request_id="once")


async def test_the_same_id_again_gives_the_same_outcome_and_buys_nothing() -> None:
    paid = bidder("paid", [Line(answer="spam", price=5), Line(answer="ham", price=5)])
    market = await opened(paid)

    first, again = [await market.buy(spam("x"), ONCE) for _ in range(2)]

    assert first == again
    assert 1 == len(paid.attempts)


async def test_the_same_id_many_times_at_once_buys_once() -> None:
    slow = bidder("slow", [Line(answer="spam", price=5, seconds=0.01)])
    market = await opened(slow)

    outcomes = await asyncio.gather(*(market.buy(spam("x"), ONCE) for _ in range(10)))

    assert 1 == len(slow.attempts) == len({one.answer for one in outcomes}) == len(events(market, "outcome"))


async def test_the_same_id_with_another_input_or_task_is_a_conflict() -> None:
    market = await opened(bidder("a", ["spam", True]))
    await market.buy(spam("x"), ONCE)

    with pytest.raises(Conflict, match="another input"):
        await market.buy(spam("y"), ONCE)
    with pytest.raises(Conflict, match="another input"):
        await market.buy(urgent("x"), ONCE)


async def test_an_id_belongs_to_its_tenant() -> None:
    one = bidder("a", lambda ask: "spam" if ask.tenant == "t" else "ham")
    market = await opened(one)

    ours = await market.buy(spam("x"), ONCE)
    theirs = await market.buy(spam("another input"), Trade(request_id="once", tenant="t"))

    assert ("ham", "spam") == (ours.answer, theirs.answer)
    assert "ham" == (await market.buy(spam("x"), ONCE)).answer


async def test_without_an_id_every_request_is_a_new_one() -> None:
    one = bidder("a", ["spam"])
    market = await opened(one)

    ids = {(await market.run(spam, "x")).id for _ in range(3)}

    assert 3 == len(ids) == len(one.attempts)


async def test_cancelling_reaches_the_bidder_and_every_start_has_an_end() -> None:
    stuck = bidder("stuck", [Line(hangs=True, price=7)])
    market = await opened(stuck)
    request = asyncio.ensure_future(market.buy(spam("x"), ONCE))
    await until(lambda: bool(stuck.attempts))

    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert 1 == stuck.cancelled
    assert [(Reason.CANCELLED, 7)] == [(one.reason, one.price) for one in finished(market)]
    assert [] == unfinished(market)
    assert 7 == market.ledger.spent("2023-11-14")  # type: ignore[attr-defined]


async def test_cancelling_at_any_step_leaves_nothing_open_and_no_one_waiting() -> None:
    """Cut after each number of turns of the loop in turn; afterwards the same id is bought to its end."""
    for turns in range(25):
        one = bidder("a", [Line(answer="spam", price=7, ceiling=9)], right=0.95)
        market = await opened(one)
        request, waiter = (asyncio.ensure_future(market.buy(spam("x"), ONCE)) for _ in range(2))
        for _ in range(turns):
            await asyncio.sleep(0)
        request.cancel()
        await asyncio.wait({request})

        assert "spam" == (await waiter).answer
        assert [] == unfinished(market)
        assert Reason.INTERRUPTED not in {one.reason for one in finished(market)}  # it ended by itself, at once
        assert 1 == len(events(market, "outcome"))
        assert {} == dict(market._shop.capacity.busy)


async def test_a_deadline_reaches_the_bidder() -> None:
    stuck = bidder("stuck", [Line(hangs=True)])
    market = await opened(stuck)
    terms = spam.terms.__class__(worth=2_000_000, max_price=2_000_000, deadline_ns=SECOND // 20, explore=False)

    outcome = await market.buy(spam("x"), Trade(terms=terms))

    assert (True, 1) == (outcome.refused, stuck.cancelled)


async def test_after_the_deadline_nobody_is_asked_any_more() -> None:
    clock = FrozenClock()

    def late(ask: object) -> str:
        clock.advance(61 * SECOND)
        return "spam"

    market = await opened(
        bidder("late", late, right=0.6), bidder("other", [Line(answer="ham", price=9)], right=0.9), clock=clock
    )
    await market.run(spam, "x")

    assert Reason.DEADLINE in reasons(market, awards(market)[-1]).values()


async def test_finished_attempts_are_reused_after_a_crash() -> None:
    """The first answer is recorded with the second round; then the process dies in the second attempt."""
    ledger = MemoryLedger(clock=FrozenClock(), secret=SECRET)
    first = bidder("a", [Line(answer="ham", price=10)], right=0.75)
    stuck = bidder("b", [Line(hangs=True, price=20)], right=0.75)
    third = bidder("c", [Line(answer="spam", price=30)], right=0.75)
    market = await opened(first, stuck, third, ledger=ledger)
    request = asyncio.ensure_future(market.buy(spam("x"), ONCE))
    await until(lambda: bool(stuck.attempts))
    crashed = list(ledger.read())
    request.cancel()
    await asyncio.wait({request})

    # What a dead process leaves: its events up to the cut, and a claim that its successor takes over.
    left, again = (
        MemoryLedger(clock=FrozenClock(), secret=SECRET),
        bidder("b", [Line(answer="spam", price=20)], right=0.75),
    )
    await copied(ledger, crashed, left)
    await left.claim("", "once", fingerprint_of(SECRET, "spam", spam("x").input_json))
    await left.release("", "once", done=False)
    heir = await opened(first, again, third, ledger=left)
    outcome = await heir.buy(spam("x"), ONCE)

    assert 1 == len(first.attempts)
    assert "spam" == outcome.answer
    assert 10 + 20 + 20 + 30 == outcome.cost
    assert Reason.INTERRUPTED in {one.reason for one in finished(heir)}
    assert [] == unfinished(heir)
    assert 1 == len(events(heir, "request"))


async def test_one_that_took_the_process_down_twice_is_not_asked_a_third_time() -> None:
    ledger = MemoryLedger(clock=FrozenClock(), secret=SECRET)
    asked = 0
    for _ in range(4):
        killer = bidder("killer", [Line(hangs=True)])
        market = await opened(killer, ledger=ledger)
        request = asyncio.ensure_future(market.buy(spam("x"), ONCE))
        await until(lambda: bool(killer.attempts) or request.done())  # noqa: B023
        asked += len(killer.attempts)
        request.cancel()
        await asyncio.wait({request})

    assert 2 == asked
    assert (await (await opened(ledger=ledger)).buy(spam("x"), ONCE)).refused


async def test_a_request_cut_after_its_outcome_is_done() -> None:
    ledger = MemoryLedger(clock=FrozenClock(), secret=SECRET)
    one = bidder("a", ["spam"])
    market = await opened(one, ledger=ledger)
    await market.buy(spam("x"), ONCE)
    left = MemoryLedger(clock=FrozenClock(), secret=SECRET)
    await copied(ledger, list(ledger.read()), left)
    await left.claim("", "once", fingerprint_of(SECRET, "spam", spam("x").input_json))
    await left.release("", "once", done=False)

    assert "spam" == (await (await opened(one, ledger=left)).buy(spam("x"), ONCE)).answer
    assert 1 == len(one.attempts)


async def copied(source: MemoryLedger, chosen: list[Event], into: MemoryLedger) -> None:
    """The same events, bodies and contents in another ledger."""
    into._blobs.update(source._blobs)
    into._bodies.update(source._bodies)
    into._events.extend(chosen)


async def test_no_more_attempts_run_at_once_than_a_bidder_takes_and_nobody_is_turned_away() -> None:
    running = most = 0

    async def work(ask: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    class Counted:
        profile = bidder("counted", [], concurrency=3).profile
        inner = bidder("counted", [Line(answer="spam")], concurrency=3)
        offer = inner.offer
        close = inner.close

        async def attempt(self, ask: object, plan: object) -> object:
            await work(ask)
            return await self.inner.attempt(ask, plan)  # type: ignore[arg-type]

    market = await opened(Counted())  # type: ignore[arg-type]

    outcomes = await asyncio.gather(*(market.run(spam, f"mail {n}") for n in range(40)))

    assert 3 == most
    assert {"spam"} == {one.answer for one in outcomes}
    assert {} == dict(market._shop.capacity.busy)


async def test_a_busy_bidder_is_passed_over_by_number_when_somebody_else_answers() -> None:
    busy = bidder("busy", [Line(answer="spam", seconds=0.05)], right=0.9, concurrency=1)
    market = await opened(busy, bidder("other", [Line(answer="ham", price=5)], right=0.7))

    outcomes = await asyncio.gather(*(market.run(spam, f"mail {n}") for n in range(3)))

    assert ["ham", "ham", "spam"] == sorted(str(one.answer) for one in outcomes)
    assert Reason.NO_CAPACITY in {reason for award in awards(market) for reason in reasons(market, award).values()}


async def test_waiting_for_a_busy_bidder_ends_with_the_deadline_and_with_cancelling() -> None:
    busy = bidder("busy", [Line(hangs=True)], concurrency=1)
    market = await opened(busy)
    terms = spam.terms.__class__(worth=2_000_000, max_price=2_000_000, deadline_ns=SECOND // 20, explore=False)
    first = asyncio.ensure_future(market.run(spam, "holds the place"))
    cancelled = asyncio.ensure_future(market.run(spam, "waits"))
    await until(lambda: bool(busy.attempts))

    late = await market.buy(spam("waits, too"), Trade(terms=terms))
    cancelled.cancel()
    first.cancel()
    await asyncio.wait({first, cancelled})

    assert late.refused
    assert cancelled.cancelled()


async def test_after_the_ledger_could_not_be_written_the_same_id_goes_on_and_waits_for_nobody(tmp_path: Path) -> None:
    """The claim could not be given back, either: without a second try the market would wait for itself for an hour."""
    slow = bidder("slow", [Line(answer="spam", price=5, seconds=0.1)])
    async with SqliteLedger.open(tmp_path / "market.db", timeout=0.1) as ledger:
        market = await opened(slow, ledger=ledger, clock=SystemClock())
        other = sqlite3.connect(tmp_path / "market.db", isolation_level=None)
        under_way = asyncio.create_task(market.buy(spam("x"), ONCE))
        await until(lambda: bool(slow.attempts))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLocked):
            await under_way
        other.execute("ROLLBACK")
        other.close()

        outcome = await asyncio.wait_for(market.buy(spam("x"), ONCE), 5)

        assert ("spam", 10) == (outcome.answer, outcome.cost)  # the first attempt counts as paid: nobody knows


async def test_an_input_that_does_not_fit_reaches_nobody() -> None:
    market = await opened(bidder("a", ["spam"]))

    with pytest.raises(TaskError, match="does not fit"):
        await market.run(spam, 5)  # type: ignore[arg-type]

    assert [] == events(market)


@pytest.mark.parametrize(
    "wrong", [{"label": "secret"}, {"numbers": {"x": math.nan}}, {"numbers": {"x": "7"}}, {"numbers": {"x": True}}]
)
async def test_options_that_could_never_be_read_again_reach_nobody(wrong: dict[str, Any]) -> None:
    market = await opened(bidder("a", ["spam"]))

    with pytest.raises(TaskError):
        await market.buy(spam("x"), Trade(**wrong))

    assert [] == events(market)


async def test_closing_twice_closes_every_bidder() -> None:
    one = bidder("a", ["spam"])
    market = await opened(one)
    await market.close()
    await market.close()

    assert 2 == one.closed

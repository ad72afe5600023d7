"""Under load requests wait in a bounded line, in fair turns, and are told when there is no place for them."""

from __future__ import annotations

import asyncio

from tests.market.shop import SECOND, awards, bidder, events, no_bids, opened, reasons, spam, until, waiting

from atomic.clock import FrozenClock
from atomic.market import Trade
from atomic.records import Award, Reason
from atomic.records.microtask import with_terms
from atomic.replay import replay
from atomic.testing import Line


async def test_a_full_queue_is_a_refusal_with_its_reason() -> None:
    gate = asyncio.Event()
    market = await opened(bidder("only", [Line(answer="spam", until=gate)], concurrency=1), queue=2)
    taken = [asyncio.ensure_future(market.run(spam, f"mail {n}")) for n in range(3)]
    await until(lambda: waiting(market) == 2)

    refused = await market.buy(spam("one too many"), Trade(request_id="last"))
    gate.set()

    assert "whoever could answer is busy, and too many requests wait already" == refused.why
    assert Reason.QUEUE_FULL == reasons(market, awards(market, request_id="last")[0])["only"]
    assert "1 attempts under way" == no_bids(market, awards(market, request_id="last")[0])["only"].detail
    assert ["spam"] * 3 == [one.answer for one in await asyncio.gather(*taken)]
    assert 0 == replay(market.ledger, deep=True).exit_code


async def test_a_tenant_that_floods_the_queue_takes_no_place_from_another() -> None:
    gate = asyncio.Event()
    market = await opened(bidder("only", [Line(answer="spam", until=gate)], concurrency=1), queue=3)
    flood = [asyncio.ensure_future(market.buy(spam(f"mail {n}"), Trade(tenant="big"))) for n in range(9)]
    await until(lambda: waiting(market) == 3)
    small = asyncio.ensure_future(market.buy(spam("mail"), Trade(tenant="small")))
    await asyncio.sleep(0)
    gate.set()
    turned_away = [one.refused for one in await asyncio.gather(*flood)]

    assert not (await small).refused
    assert 6 == sum(turned_away)


async def test_tenants_and_priorities_are_served_in_turn() -> None:
    gate = asyncio.Event()
    one = bidder("only", [Line(answer="spam", until=gate)], concurrency=1)
    market = await opened(one)
    urgent = with_terms(spam.terms, latency_price=1)
    first = asyncio.ensure_future(market.buy(spam("first"), Trade(tenant="big")))
    await until(lambda: bool(one.attempts))
    standing = [
        *(asyncio.ensure_future(market.buy(spam(f"big {n}"), Trade(tenant="big"))) for n in range(3)),
        asyncio.ensure_future(market.buy(spam("big urgent"), Trade(tenant="big", terms=urgent))),
        asyncio.ensure_future(market.buy(spam("small"), Trade(tenant="small"))),
    ]
    await until(lambda: waiting(market) == len(standing))
    gate.set()
    await asyncio.gather(first, *standing)

    order = ["first", "big urgent", "small", "big 0", "big 1", "big 2"]
    assert order == [ask.features.text for ask, _ in one.attempts]


async def test_how_long_a_round_waited_in_line_is_recorded() -> None:
    clock, gate = FrozenClock(), asyncio.Event()
    market = await opened(bidder("only", [Line(answer="spam", until=gate)], concurrency=1), clock=clock)
    first, second = (asyncio.ensure_future(market.run(spam, text)) for text in ("first", "second"))
    await until(lambda: waiting(market) == 1)
    clock.advance(3 * SECOND)
    gate.set()
    await asyncio.gather(first, second)
    waits = [one.payload.waited_ns for one in events(market, "award") if isinstance(one.payload, Award)]

    assert [0, 3 * SECOND] == sorted(set(waits))
    assert 0 == replay(market.ledger, deep=True).exit_code


async def test_who_waits_to_the_deadline_is_told_so() -> None:
    gate = asyncio.Event()
    market = await opened(bidder("only", [Line(answer="spam", until=gate)], concurrency=1))
    first = asyncio.ensure_future(market.run(spam, "first"))
    await until(lambda: waiting(market) == 0 and bool(events(market, "started")))
    outcome = await market.buy(spam("second"), Trade(terms=with_terms(spam.terms, deadline_ns=SECOND // 50)))
    gate.set()
    await first

    assert "whoever could answer was busy until the deadline" == outcome.why


async def test_one_slow_bidder_keeps_no_place_of_a_quick_one() -> None:
    """All free ones are asked at once; a quick one's only place is free while the slow one still thinks."""
    gate = asyncio.Event()
    slow = bidder("slow", [Line(answer="spam", until=gate)], concurrency=1)
    quick = [bidder(name, ["spam"], concurrency=1) for name in ("quick", "third")]
    market = await opened(slow, *quick)
    stuck = asyncio.ensure_future(market.run(spam, "first"))
    await until(lambda: bool(slow.attempts) and all(one.attempts for one in quick))

    assert "spam" == (await market.run(spam, "second")).answer
    assert not stuck.done()
    gate.set()
    await stuck

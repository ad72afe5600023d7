"""Caps stand before the first paid call and are never exceeded, whatever runs at once."""

from __future__ import annotations

import asyncio

import pytest
from tests.market.shop import SECOND, WORTH, awards, bidder, events, finished, opened, reasons, spam, urgent

from atomic.clock import FrozenClock
from atomic.market import Trade
from atomic.records import AttemptStarted, Reason
from atomic.records.microtask import Ask, with_terms
from atomic.testing import Line

DAY, NEXT = "2023-11-14", "2023-11-15"
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND


def spent(market: object, day: str = DAY) -> int:
    return market.ledger.spent(day)  # type: ignore[attr-defined, no-any-return]


async def test_a_requests_max_price_counts_ceilings_and_what_was_spent() -> None:
    """Three of 400 with ceilings of 500 fit under 1,000 only two at a time: after 400 there is room for one more."""
    lines = [
        bidder(name, [Line(answer=said, price=400, ceiling=500)], right=0.7)
        for name, said in zip("abc", ("spam", "ham", "spam"), strict=True)
    ]
    market = await opened(*lines)
    terms = with_terms(spam.terms, max_price=1000)

    outcome = await market.buy(spam("?"), Trade(terms=terms))

    assert 800 == outcome.cost <= 1000
    assert Reason.MAX_PRICE in reasons(market, awards(market)[-1]).values()


async def test_two_bought_at_once_fit_under_the_max_price_together() -> None:
    cheap = [
        bidder(name, [Line(answer=said, price=600, latency_ns=10**9)], right=0.7)
        for name, said in (("a", "spam"), ("b", "ham"))
    ]
    third = bidder("c", [Line(answer="ham", price=1, ceiling=1, latency_ns=10**9)], right=0.7)
    for limit in (10_000, 1000):
        market = await opened(*cheap, third)
        terms = with_terms(spam.terms, max_price=limit, latency_price=WORTH // 5)
        outcome = await market.buy(spam("?"), Trade(terms=terms))
        reserved = [
            one.payload.reserved for one in events(market, "started") if isinstance(one.payload, AttemptStarted)
        ]

        assert outcome.cost <= limit
        assert sum(reserved) <= limit


async def test_a_max_price_of_nothing_buys_from_the_free_alone() -> None:
    free, paid = bidder("free", ["spam"], right=0.6), bidder("paid", [Line(answer="ham", price=1)], right=0.99)
    market = await opened(free, paid)

    outcome = await market.buy(spam("?"), Trade(terms=with_terms(spam.terms, max_price=0)))

    assert ("spam", 0, 0) == (outcome.answer, outcome.cost, len(paid.attempts))
    assert Reason.MAX_PRICE == reasons(market, awards(market)[0])["paid"]


async def test_what_a_reservation_did_not_use_is_given_back() -> None:
    market = await opened(bidder("a", [Line(answer="spam", price=300, ceiling=1000, billed=250)]))

    outcome = await market.run(spam, "?")

    assert 250 == outcome.cost == spent(market)
    assert 1000 == events(market, "started")[0].payload.reserved  # type: ignore[union-attr]


async def test_what_an_outside_meter_charges_beyond_the_ceiling_is_recorded_whole_and_stops_what_comes_next() -> None:
    """A hosted model that ignores its limit is paid by the card, whatever was agreed to; the caps must know."""
    line = Line(answer="spam", price=300, ceiling=400, billed=5000)
    market = await opened(bidder("hosted", [line], right=0.95, metered=True), bidder("own", [line]), per_day=5500)

    outcome = await market.buy(spam("?"), Trade(terms=with_terms(spam.terms, max_price=5200)))

    assert {"hosted": (Reason.PRICE_OVER_OFFER, 5000)} == {
        one.bidder: (one.reason, one.price) for one in finished(market)
    }
    assert 5000 == outcome.cost == spent(market)
    assert Reason.MAX_PRICE == reasons(market, awards(market)[-1])["own"]
    assert (await market.run(spam, "once more")).refused
    assert 5400 == spent(market)


async def test_the_days_cap_holds_over_many_requests_at_once() -> None:
    """Each reserves 1,000 and is billed 700; at no moment is more reserved and spent than 5,000."""
    highest = 0

    def script(ask: Ask) -> Line:
        nonlocal highest
        highest = max(highest, spent(market))
        return Line(answer="spam", price=700, ceiling=1000, seconds=0.001)

    paid = bidder("paid", script, right=0.95)
    free = bidder("free", ["ham"], right=0.6)
    market = await opened(paid, free, per_day=5000)

    outcomes = await asyncio.gather(*(market.run(spam, f"mail {n}") for n in range(40)))

    assert 40 == len([one for one in outcomes if not one.refused])
    assert highest <= 5000
    assert 5000 >= spent(market) == sum(one.cost for one in outcomes) == 700 * len(paid.attempts)
    assert 5 <= len(paid.attempts) <= 7
    assert {Reason.DAILY_BUDGET} <= {reasons(market, award).get("paid") for award in awards(market)}


async def test_over_the_days_cap_nothing_paid_is_called_and_the_free_still_answer() -> None:
    paid, free = bidder("paid", [Line(answer="spam", price=700)], right=0.95), bidder("free", ["ham"], right=0.6)
    market = await opened(paid, free, per_day=699)

    outcome = await market.run(spam, "?")

    assert ("ham", 0) == (outcome.answer, len(paid.attempts))
    assert Reason.DAILY_BUDGET == reasons(market, awards(market)[-1])["paid"]
    assert 0 == spent(market)


async def test_a_task_has_its_part_of_the_day_and_others_go_on() -> None:
    paid = bidder("paid", lambda ask: Line(answer="spam" if ask.task.name == "spam" else True, price=700))
    market = await opened(paid, per_day=5000, per_task={"spam": 1500})

    refused = [(await market.run(spam, f"mail {number}")).refused for number in range(3)]
    refused.append((await market.run(urgent, "now")).refused)

    assert [False, False, True, False] == refused
    assert Reason.DAILY_BUDGET == reasons(market, awards(market)[-3])["paid"]
    assert (2100, 1400) == (spent(market), market.ledger.spent(DAY, "spam"))  # type: ignore[attr-defined]


async def test_over_the_days_cap_and_with_nobody_free_the_request_is_refused() -> None:
    market = await opened(bidder("paid", [Line(answer="spam", price=700)]), per_day=0)

    assert (await market.run(spam, "?")).refused
    assert 0 == spent(market)


async def test_a_new_day_has_a_new_cap_and_what_is_given_back_counts_for_the_day_it_was_reserved() -> None:
    clock = FrozenClock()  # 22:13:20 UTC
    clock.advance(HOUR + 46 * MINUTE + 39 * SECOND)

    calls = 0

    def script(ask: Ask) -> Line:
        nonlocal calls
        calls += 1
        if calls == 2:  # the offer came a second before midnight; this is the attempt
            clock.advance(SECOND + SECOND // 2)
        return Line(answer="spam", price=700, ceiling=1000)

    paid = bidder("paid", script)
    market = await opened(paid, per_day=1000, clock=clock)

    first, second = await market.run(spam, "around midnight"), await market.run(spam, "after")

    assert (700, 700) == (first.cost, second.cost)
    assert (700, 700) == (spent(market), spent(market, NEXT))


async def test_the_ledger_says_of_every_attempt_what_was_reserved_and_billed() -> None:
    market = await opened(bidder("a", [Line(answer="spam", price=300, ceiling=400)]))

    await market.run(spam, "?")
    (done,) = finished(market)

    assert (300, 300) == (done.price, done.expected_price)
    assert 0.8 == pytest.approx(done.probability)

"""The overview: sums by hour, task and winner, of what really happened in a market."""

from __future__ import annotations

from typing import Literal

from tests.market.shop import bidder, opened

import atomic
from atomic.clock import FrozenClock
from atomic.market import Market
from atomic.overview import HOUR_NS, Overview
from atomic.records import Reason
from atomic.testing import Line

START_NS = 480_000 * HOUR_NS


@atomic.microtask(worth="$0.01", explore=False)
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


async def traded(clock: FrozenClock, *texts: str) -> Market:
    """A market that answered these, an hour apart."""
    market = await opened(bidder("a", lambda ask: "spam"), clock=clock)
    for number, text in enumerate(texts):
        await market.buy(kind(text), atomic.Trade(request_id=f"r{number}"))
        clock.advance(HOUR_NS)
    return market


def seen(market: Market) -> Overview:
    overview = Overview()
    overview.follow(tuple(market.ledger.read()))
    return overview


def whole(*_: object) -> str:
    return "all"


async def test_requests_are_counted_by_the_hour_they_ended_in() -> None:
    overview = seen(await traded(FrozenClock(START_NS), "x", "y"))
    assert {key[0]: cell.requests for key, cell in overview.bought.items()} == {480_000: 1, 480_001: 1}


async def test_what_lies_outside_the_hours_asked_for_is_left_out() -> None:
    overview = seen(await traded(FrozenClock(START_NS), "x", "y", "z"))
    found = overview.bought_by(whole, since_ns=START_NS + HOUR_NS, until_ns=START_NS + 2 * HOUR_NS)
    assert found["all"].requests == 1


async def test_the_sum_of_costs_is_what_the_attempts_were_billed() -> None:
    market = await traded(FrozenClock(START_NS), "x", "y")
    overview = seen(market)
    assert overview.bought_by(whole)["all"].cost == overview.tried_by(whole)["all"].price


async def test_later_feedback_takes_the_place_of_earlier() -> None:
    market = await traded(FrozenClock(START_NS), "x")
    await market.feedback("r0", 1.0)
    await market.feedback("r0", 0.0)
    cell = seen(market).bought_by(whole)["all"]
    assert (cell.judged, cell.right) == (1, 0.0)


async def test_a_calibration_curve_counts_a_judged_answer_in_the_bin_of_its_probability() -> None:
    market = await traded(FrozenClock(START_NS), "x")
    await market.feedback("r0", 1.0)
    (curve,) = seen(market).curves.values()
    (one,) = [bin_ for bin_ in curve if bin_.judged]
    assert (one.judged, one.right) == (1, 1.0)
    assert curve.index(one) == int(one.probability * 10)


async def test_failed_attempts_are_told_apart() -> None:
    market = await opened(bidder("a", [Line(reason=Reason.REFUSED)] * 9), clock=FrozenClock(START_NS))
    await market.buy(kind("x"), atomic.Trade(request_id="r0"))
    found = seen(market).tried_by(whole)["all"]
    assert found.failed == found.attempts >= 1


async def test_taking_events_in_pieces_gives_the_same_sums() -> None:
    market = await traded(FrozenClock(START_NS), "x", "y", "z")
    pieces = Overview()
    for event in market.ledger.read():
        pieces.follow((event,))
    assert pieces.bought == seen(market).bought

"""The scripted bidder does what it is told."""

import asyncio

import pytest
from tests.bidders.tasks import SKETCH, plan_of, topic

from atomic.records.attempt import Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.testing import Line, ScriptedBidder, ask_for

ASK = ask_for(topic("football"))
PLAN = plan_of("wit")


async def test_lines_are_spoken_in_order_and_the_last_for_ever() -> None:
    bidder = ScriptedBidder("wit", ["sport", Line(answer="money", price=3)])

    assert ["sport", "money", "money"] == [(await bidder.attempt(ASK, PLAN)).value for _ in range(3)]
    assert 3 == len(bidder.attempts)


async def test_an_offer_is_of_the_line_that_an_attempt_would_get() -> None:
    bidder = ScriptedBidder("wit", [Line(price=1), Line(price=2, claim=0.9), Line(no_bid=Reason.DECLINED)])

    first = bidder.offer(ASK, SKETCH)
    await bidder.attempt(ASK, PLAN)
    second = bidder.offer(ASK, SKETCH)
    await bidder.attempt(ASK, PLAN)
    third = bidder.offer(ASK, SKETCH)

    assert Offer(bidder="wit", tactic="plain", price=1, ceiling=1) == first
    assert Offer(bidder="wit", tactic="plain", price=2, ceiling=2, claim=0.9) == second
    assert NoBid(bidder="wit", tactic="plain", reason=Reason.DECLINED) == third


async def test_a_script_may_be_a_function_of_the_ask() -> None:
    bidder = ScriptedBidder("wit", lambda ask: "sport" if "ball" in ask.features.text else Line(reason=Reason.FAILED))

    assert Reply(value="sport") == await bidder.attempt(ASK, PLAN)
    assert Reason.FAILED == (await bidder.attempt(ask_for(topic("bonds")), PLAN)).reason


async def test_it_bills_what_it_lies() -> None:
    assert 9 == (await ScriptedBidder("wit", [Line(price=1, billed=9)]).attempt(ASK, PLAN)).price


async def test_it_raises_and_hangs_when_told_and_counts_cancellations() -> None:
    bidder = ScriptedBidder("wit", [Line(raises=ZeroDivisionError()), Line(hangs=True)])
    with pytest.raises(ZeroDivisionError):
        await bidder.attempt(ASK, PLAN)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bidder.attempt(ASK, PLAN), 0.01)

    assert 1 == bidder.cancelled

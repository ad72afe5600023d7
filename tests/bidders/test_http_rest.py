"""Who is asked to wait abstains for as long, and says so."""

from collections.abc import AsyncIterator

import pytest

pytest.importorskip("httpx_sse")

from tests.bidders.hosted import ASK, DIALECTS, PLAN, hosted, sketch_of

from atomic.bidders.http import HttpModel
from atomic.bidders.http_rest import Rest
from atomic.clock import FrozenClock
from atomic.records.bid import NoBid, Offer, Reason
from atomic.testing import PLAYS, ModelServer, model_server

SECOND = 1_000_000_000


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


def refusal(model: HttpModel) -> tuple[Reason, str] | None:
    offer = model.offer(ASK, sketch_of(PLAN))
    return (offer.reason, offer.detail) if isinstance(offer, NoBid) else None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_bidder_abstains_for_as_long_as_it_was_asked_to_wait(server: ModelServer, dialect: str) -> None:
    clock = FrozenClock()
    model = hosted(server, "rate-limited", dialect=DIALECTS[dialect], clock=clock)

    reply = await model.attempt(ASK, PLAN)

    assert (Reason.NO_CAPACITY, "status 429, retry after 7 s", 0) == (reply.reason, reply.detail, reply.price)
    assert (Reason.NO_CAPACITY, "status 429; 7 s left") == refusal(model)
    clock.advance(4 * SECOND)
    assert (Reason.NO_CAPACITY, "status 429; 3 s left") == refusal(model)
    assert Reason.NO_CAPACITY == (await model.attempt(ASK, PLAN)).reason  # an earlier award is not sent, either
    assert 1 == len(server.asked)
    clock.advance(3 * SECOND)
    assert refusal(model) is None
    await model.close()


async def test_without_a_word_on_when_it_waits_twice_as_long_each_time_until_it_is_answered(
    server: ModelServer,
) -> None:
    clock = FrozenClock()
    model, waits = hosted(server, clock=clock), []
    for _ in range(4):
        server.play = PLAYS["rate-limited-silently"]
        await model.attempt(ASK, PLAN)
        waits.append(refusal(model))
        clock.advance(60 * SECOND)
    server.play = PLAYS["whole"]
    await model.attempt(ASK, PLAN)
    server.play = PLAYS["overloaded"]
    await model.attempt(ASK, PLAN)
    waits.append(refusal(model))
    await model.close()

    details = [f"status 429; {seconds} s left" for seconds in (1, 2, 4, 8)] + ["status 529; 1 s left"]
    assert [(Reason.NO_CAPACITY, detail) for detail in details] == waits


async def test_an_outage_that_says_how_long_is_waited_for_and_one_that_does_not_is_the_markets_to_judge(
    server: ModelServer,
) -> None:
    model = hosted(server, clock=FrozenClock())
    server.play = PLAYS["server-error"]
    await model.attempt(ASK, PLAN)
    assert isinstance(model.offer(ASK, sketch_of(PLAN)), Offer)
    server.play = PLAYS["unavailable"]

    reply = await model.attempt(ASK, PLAN)
    await model.close()

    assert (Reason.FAILED, "status 503, retry after 9 s") == (reply.reason, reply.detail)
    assert (Reason.NO_CAPACITY, "status 503; 9 s left") == refusal(model)


def test_refusals_of_calls_at_once_count_as_one_and_the_longest_wait_holds() -> None:
    clock = FrozenClock()
    rest = Rest(clock)
    for seconds in (None, 30.0, None, 5.0):
        rest.refused(seconds)
    rest.answered()  # begun before the refusals
    assert 30.0 == rest.seconds_left
    clock.advance(30 * SECOND)
    rest.refused(None)
    assert 2.0 == rest.seconds_left


def test_no_wait_is_longer_than_a_day_nor_a_back_off_than_a_minute() -> None:
    clock = FrozenClock()
    rest = Rest(clock)
    for _ in range(100):
        clock.advance(60 * SECOND)
        rest.refused(None)
        assert rest.seconds_left <= 60.0
    rest.refused(1e12)
    assert 24 * 3600.0 == rest.seconds_left

"""Any callable is a bidder, whatever it does to itself."""

import asyncio
import threading

from tests.bidders.tasks import SKETCH, length, plan_of, topic

from atomic.bidders.function import FunctionBidder
from atomic.protocols import Profile
from atomic.records.bid import NoBid, Reason
from atomic.testing import ask_for

ASK = ask_for(topic("a secret text about football"))
PLAN = plan_of("f")


async def test_a_plain_function_is_called_with_the_tasks_arguments_in_a_thread() -> None:
    threads: list[str] = []

    def count(text: str) -> int:
        threads.append(threading.current_thread().name)
        return len(text)

    reply = await FunctionBidder("f", count, price=5).attempt(ask_for(length("four")), PLAN)

    assert (4, 5) == (reply.value, reply.price)
    assert ["atomic f"] == threads


async def test_an_async_function_is_cancelled_with_the_attempt() -> None:
    ended = asyncio.Event()

    async def wait(text: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "sport"

    attempt = asyncio.ensure_future(FunctionBidder("f", wait).attempt(ASK, PLAN))
    await asyncio.sleep(0.01)
    attempt.cancel()
    await asyncio.wait([attempt])

    assert attempt.cancelled()
    assert ended.is_set()


async def test_a_blocking_function_does_not_block_the_loop() -> None:
    release = threading.Event()
    bidder = FunctionBidder("f", lambda text: release.wait(30) and "sport")
    attempt = asyncio.ensure_future(bidder.attempt(ASK, PLAN))
    for _ in range(3):
        await asyncio.sleep(0.01)
    assert not attempt.done()

    release.set()

    assert "sport" == (await attempt).value


async def test_what_it_raises_is_a_reason_without_its_words() -> None:
    def fail(text: str) -> str:
        raise ValueError(text)

    reply = await FunctionBidder("f", fail).attempt(ASK, PLAN)

    assert (Reason.CRASHED, "ValueError") == (reply.reason, reply.detail)


async def test_stopping_an_iteration_is_a_crash_like_any_other() -> None:
    reply = await FunctionBidder("f", lambda text: next(iter(()))).attempt(ASK, PLAN)

    assert Reason.CRASHED == reply.reason


async def test_none_declines_where_none_is_no_answer() -> None:
    assert Reason.DECLINED == (await FunctionBidder("f", lambda text: None).attempt(ASK, PLAN)).reason


def test_it_does_not_bid_for_other_tasks_than_its_own() -> None:
    no_bid = FunctionBidder("f", len, tasks=["length"]).offer(ASK, SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.DECLINED == no_bid.reason


async def test_calls_that_never_return_use_up_its_capacity_and_nothing_else() -> None:
    release = threading.Event()
    profile = Profile(name="f", kind="function", concurrency=2)
    bidder = FunctionBidder("f", lambda text: release.wait(30) and "sport", profile=profile)
    for _ in range(2):
        attempt = asyncio.ensure_future(bidder.attempt(ASK, PLAN))
        await asyncio.sleep(0)
        attempt.cancel()
        await asyncio.wait([attempt])

    no_bid = bidder.offer(ASK, SKETCH)
    assert isinstance(no_bid, NoBid)
    assert Reason.NO_CAPACITY == no_bid.reason
    assert Reason.NO_CAPACITY == (await bidder.attempt(ASK, PLAN)).reason
    release.set()
    for _ in range(2_000):
        if not isinstance(bidder.offer(ASK, SKETCH), NoBid):
            break
        await asyncio.sleep(0.01)
    assert "sport" == (await bidder.attempt(ASK, PLAN)).value

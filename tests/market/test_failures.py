"""A bidder that fails, hangs, lies or returns junk costs a bounded time and money, and comes back after a trial."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.market.shop import (
    SECOND,
    WORTH,
    awards,
    bidder,
    events,
    finished,
    hasty,
    no_bids,
    opened,
    reasons,
    slate_of,
    spam,
    unfinished,
)

from atomic.belief.examples import ExampleStore
from atomic.clock import FrozenClock
from atomic.errors import BidderFailed, BidderTimedOut, CutAnswer
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile, Sketch
from atomic.records import NoBid, Offer, Reason, Reply, Usage
from atomic.records.attempt import Plan
from atomic.records.event import decode_payload, encode_payload
from atomic.records.microtask import Ask
from atomic.tactics.plain import Plain
from atomic.testing import Line

PRICE = 1000
GOOD = Reply(value="spam", price=PRICE)


def good(**changes: Any) -> Reply:
    return replace(GOOD, **changes)


class Rogue:
    """Offers and answers whatever it is handed."""

    def __init__(self, offer: Any = None, reply: Any = GOOD, *, right: float = 0.95) -> None:
        self.profile = Profile(name="rogue", kind="rogue", right=right, prior_weight=100.0)
        self._offer = offer or (lambda offer: offer)
        self._reply = reply
        self.attempts = 0

    def offer(self, ask: Ask, sketch: Sketch) -> Any:
        return self._offer(Offer(bidder="rogue", tactic=sketch.tactic, price=PRICE, ceiling=PRICE))

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        self.attempts += 1
        return await self._reply() if callable(self._reply) else self._reply  # type: ignore[no-any-return]

    async def close(self) -> None:
        pass


async def bought_from(rogue: Rogue, task: Any = spam, **options: Any) -> tuple[Market, Any]:
    """One request to a market of a rogue and an honest but dearer runner-up."""
    honest = bidder("honest", [Line(answer="ham", price=2 * PRICE)], right=0.9)
    market = await opened(rogue, honest, **options)
    return market, await market.run(task, "the input")


def readable(market: Market) -> None:
    """What was recorded can be read again."""
    for event in events(market):
        assert event.payload == decode_payload(event.kind, event.version, encode_payload(event.payload))
        assert len(encode_payload(event.payload)) < 20_000


async def hang() -> Reply:
    await asyncio.Event().wait()
    raise NotImplementedError


async def hang_stubbornly() -> Reply:
    """Will not be cancelled, for a while."""
    ends = asyncio.get_running_loop().time() + 1.5
    while asyncio.get_running_loop().time() < ends:
        try:
            await asyncio.sleep(ends - asyncio.get_running_loop().time())
        except asyncio.CancelledError:
            continue
    raise NotImplementedError


async def cancel_itself() -> Reply:
    raise asyncio.CancelledError


def raising(error: BaseException) -> Callable[[], Any]:
    async def fail() -> Reply:
        raise error

    return fail


@pytest.mark.parametrize(
    ("reply", "reason", "cost"),
    [
        (raising(RuntimeError("boom")), Reason.CRASHED, 0),
        (raising(ExceptionGroup("several", [ValueError()])), Reason.CRASHED, 0),
        (cancel_itself, Reason.CRASHED, 0),
        (raising(BidderFailed("500")), Reason.FAILED, 0),
        (raising(BidderTimedOut("late")), Reason.TIMED_OUT, PRICE),
        (raising(CutAnswer("cut")), Reason.CUT, PRICE),
        (Reply(reason=Reason.REFUSED, price=7), Reason.REFUSED, 7),
        (Reply(value="neither of them", price=7), Reason.NOT_THE_TYPE, 7),
        (Reply(value={"spam": 1}, price=7), Reason.NOT_THE_TYPE, 7),
        (Reply(value="", price=7), Reason.EMPTY, 7),
        (Reply(price=7), Reason.EMPTY, 7),
        (Reply(value=object(), price=7), Reason.NOT_THE_TYPE, 7),
        (good(price=PRICE + 1), Reason.PRICE_OVER_OFFER, PRICE),
        (good(price=10**400), Reason.PRICE_OVER_OFFER, PRICE),
        (good(price=-5), Reason.NOT_THE_TYPE, PRICE),
        (good(price=math.nan), Reason.NOT_THE_TYPE, PRICE),
        (good(price="free"), Reason.NOT_THE_TYPE, PRICE),
        (good(reason="timeout"), Reason.NOT_THE_TYPE, PRICE),
        ("spam", Reason.NOT_THE_TYPE, PRICE),
        (None, Reason.NOT_THE_TYPE, PRICE),
    ],
    ids=lambda one: one.name if isinstance(one, Reason) else type(one).__name__,
)
async def test_whatever_a_bidder_does_the_runner_up_takes_over_at_a_bounded_cost(
    reply: Any, reason: Reason, cost: int
) -> None:
    market, outcome = await bought_from(Rogue(reply=reply))
    first = finished(market)[0]

    assert ("ham", "honest+plain") == (outcome.answer, outcome.winner)
    assert (reason, cost) == (first.reason, first.price)
    assert cost + 2 * PRICE == outcome.cost == market.ledger.spent("2023-11-14")  # type: ignore[attr-defined]
    assert (
        reason == reasons(market, awards(market)[-1])["rogue"]
        or reasons(market, awards(market)[-1])["rogue"] is Reason.UNHEALTHY
    )
    assert [] == unfinished(market)
    readable(market)


@pytest.mark.parametrize(
    "reply",
    [
        good(confidence=math.nan),
        good(confidence=7.0),
        good(confidence="very"),
        good(confidence=True),
        good(usage=Usage(seconds=math.nan)),
        good(usage=Usage(seconds=10**400)),
        good(usage=Usage(prompt_tokens=10**30)),
        good(usage="much"),
        good(detail="\ud800" * 10),
        good(detail="x" * 10**6),
        good(detail=b"bytes"),
    ],
    ids=lambda one: "junk",
)
async def test_junk_beside_an_answer_is_left_out_and_the_answer_counts(reply: Reply) -> None:
    market, outcome = await bought_from(Rogue(reply=reply))

    assert "spam" == outcome.answer
    assert finished(market)[0].confidence is None
    readable(market)


@pytest.mark.parametrize(
    "offer",
    [
        lambda offer: None,
        lambda offer: "an offer",
        lambda offer: replace(offer, bidder="honest"),
        lambda offer: replace(offer, tactic="another"),
        lambda offer: replace(offer, price=-1),
        lambda offer: replace(offer, price=1.5),
        lambda offer: replace(offer, price=True),
        lambda offer: replace(offer, price=offer.ceiling + 1),
        lambda offer: replace(offer, ceiling=math.nan),
        lambda offer: replace(offer, claim=math.nan),
        lambda offer: replace(offer, claim=1.01),
        lambda offer: replace(offer, claim="sure"),
        lambda offer: replace(offer, latency_ns=-1),
        lambda offer: replace(offer, latency_ns=10**400),
        lambda offer: replace(offer, price=10**400, ceiling=10**400),
    ],
)
async def test_an_offer_that_cannot_be_is_a_no_bid(offer: Any) -> None:
    rogue = Rogue(offer)
    market, outcome = await bought_from(rogue)

    assert ("ham", 0) == (outcome.answer, rogue.attempts)
    assert Reason.OFFER_INVALID == reasons(market, awards(market)[0])["rogue"]
    readable(market)


@pytest.mark.parametrize("detail", ["x" * 10**6, "\ud800", None, 7])
async def test_a_no_bid_speaks_for_its_own_bidder_and_is_short(detail: Any) -> None:
    market, outcome = await bought_from(
        Rogue(lambda _: NoBid(bidder="honest", tactic="x", reason=Reason.DECLINED, detail=detail))
    )
    no_bid = no_bids(market, awards(market)[0])["rogue"]

    assert "ham" == outcome.answer
    assert ("rogue", "plain", Reason.DECLINED) == (no_bid.bidder, no_bid.tactic, no_bid.reason)
    assert len(no_bid.detail) <= 500
    readable(market)


async def test_a_no_bid_without_a_numbered_reason_is_an_invalid_offer() -> None:
    market, _ = await bought_from(Rogue(lambda _: NoBid(bidder="rogue", tactic="plain", reason="tired")))  # type: ignore[arg-type]

    assert Reason.OFFER_INVALID == reasons(market, awards(market)[0])["rogue"]


@pytest.mark.parametrize("stuck", [hang, hang_stubbornly])
async def test_one_that_hangs_is_left_in_time_for_the_runner_up(stuck: Any) -> None:
    market, outcome = await bought_from(Rogue(reply=stuck), hasty)

    assert "ham" == outcome.answer
    assert Reason.TIMED_OUT == {one.bidder: one.reason for one in finished(market)}["rogue"]
    await market.run(spam, "the next")
    assert Reason.UNHEALTHY == reasons(market, awards(market)[-1])["rogue"]


async def test_one_that_blocks_the_loop_is_left_out_from_then_on() -> None:
    """Nothing can interrupt it once; but once is enough. The clock that stands still is moved by what blocks."""
    clock = FrozenClock()

    async def block() -> Reply:
        time.sleep(0.001)  # noqa: ASYNC251
        clock.advance(30 * SECOND)
        return GOOD

    market, outcome = await bought_from(Rogue(reply=block), clock=clock)
    first = finished(market)[0]

    assert (Reason.TIMED_OUT, "blocked the event loop") == (first.reason, first.detail)
    assert "ham" == outcome.answer
    assert Reason.UNHEALTHY == reasons(market, awards(market)[-1])["rogue"]


async def test_who_failed_is_left_out_by_number_until_its_pause_is_over_and_comes_back_by_an_answer() -> None:
    clock = FrozenClock()
    flaky = bidder("flaky", [Line(raises=RuntimeError()), "spam"], right=0.95, prior_weight=100.0)
    market = await opened(flaky, bidder("honest", [Line(answer="ham", price=10)]), clock=clock)

    said = [(await market.run(spam, "1")).answer, (await market.run(spam, "2")).answer]
    clock.advance(6 * SECOND)
    said += [(await market.run(spam, "3")).answer, (await market.run(spam, "4")).answer]

    assert ["ham", "ham", "spam", "spam"] == said
    assert 3 == len(flaky.attempts)
    paused = awards(market)[3]
    assert Reason.UNHEALTHY == reasons(market, paused)["flaky"]
    assert "crashed" in no_bids(market, paused)["flaky"].detail


async def test_on_trial_a_bidder_gets_one_attempt_at_a_time() -> None:
    clock, gate = FrozenClock(), asyncio.Event()

    async def slow() -> Reply:
        if rogue.attempts == 1:
            raise RuntimeError
        await gate.wait()
        return GOOD

    rogue = Rogue(reply=slow)
    honest = bidder("honest", [Line(answer="ham", price=2 * PRICE)], right=0.6)
    market = await opened(rogue, honest, clock=clock)
    await market.run(spam, "fails")
    clock.advance(6 * SECOND)

    trial = asyncio.ensure_future(market.run(spam, "trial"))
    await asyncio.sleep(0)
    others = await asyncio.gather(*(market.run(spam, f"other {n}") for n in range(5)))
    gate.set()

    assert ["ham"] * 5 == [one.answer for one in others]
    assert "spam" == (await trial).answer
    assert 2 == rogue.attempts


async def test_one_that_only_ever_timed_out_still_gets_its_trials() -> None:
    """Its record says that it never makes the deadline; without a trial it could never say otherwise."""
    clock = FrozenClock()
    calls = 0

    async def late() -> Reply:
        nonlocal calls
        calls += 1
        if calls <= 40:
            clock.advance(61 * SECOND)
            raise BidderTimedOut("late")
        return GOOD

    market = await opened(Rogue(reply=late), clock=clock)
    for number in range(40):
        await market.run(spam, f"mail {number}")
        clock.advance(601 * SECOND)

    assert 41 == calls + 1
    assert "spam" == (await market.run(spam, "at last")).answer


async def test_a_flood_of_offers_is_cut() -> None:
    """One bidder, one offer a tactic; a list of them is no offer."""
    market, outcome = await bought_from(Rogue(lambda offer: [offer] * 10**6))

    assert "ham" == outcome.answer
    assert 2 == len(awards(market))


async def test_a_clock_set_back_keeps_nobody_out() -> None:
    clock = FrozenClock()
    flaky = bidder("flaky", [Line(raises=RuntimeError()), "spam"])
    market = await opened(flaky, clock=clock)

    assert (await market.run(spam, "1")).refused
    clock.set_back(3600 * SECOND)
    assert "spam" == (await market.run(spam, "2")).answer


async def test_a_paid_request_that_fails_is_not_paid_twice_by_the_same_id() -> None:
    rogue = Rogue(reply=Reply(reason=Reason.REFUSED, price=PRICE))
    market = await opened(rogue)
    for _ in range(3):
        outcome = await market.buy(spam("x"), Trade(request_id="once"))

    assert (1, PRICE) == (rogue.attempts, outcome.cost)
    assert WORTH > outcome.cost


class Panic(BaseException):
    """As what a library in Rust raises: no Exception."""


@pytest.mark.parametrize("error", [SystemExit(3), Panic("index out of range")])
async def test_what_is_no_exception_ends_neither_the_loop_nor_the_request(error: BaseException) -> None:
    market, outcome = await bought_from(Rogue(reply=raising(error)))

    assert ("ham", Reason.CRASHED) == (outcome.answer, finished(market)[0].reason)
    assert [] == unfinished(market)


async def test_a_panic_in_an_offer_is_a_no_bid() -> None:
    def panic(offer: Offer) -> Offer:
        raise Panic

    market, outcome = await bought_from(Rogue(panic))

    assert ("ham", Reason.CRASHED) == (outcome.answer, reasons(market, awards(market)[0])["rogue"])


async def test_who_cannot_say_what_it_is_takes_no_part() -> None:
    class Shy(Rogue):
        forgotten = False

        @property
        def profile(self) -> Profile:
            if self.forgotten:
                raise RuntimeError
            return Profile(name="rogue", kind="rogue")

        @profile.setter
        def profile(self, profile: Profile) -> None:
            pass

    shy = Shy()
    market = await opened(shy, bidder("honest", ["ham"], right=0.9))
    shy.forgotten = True

    assert "ham" == (await market.run(spam, "x")).answer
    assert Reason.CRASHED == reasons(market, awards(market)[0])["rogue"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"right": 1.14},
        {"right": math.nan},
        {"right": "good"},
        {"prior_weight": 0.0},
        {"prior_weight": math.inf},
        {"accepts": "secret"},
        {"concurrency": -1},
        {"context_characters": math.nan},
        {"name": "honest"},
    ],
)
async def test_a_profile_that_cannot_be_is_a_no_bid_and_what_is_recorded_can_be_read(wrong: dict[str, Any]) -> None:
    rogue = Rogue()
    market = await opened(rogue, bidder("honest", ["ham"], right=0.9))
    rogue.profile = replace(rogue.profile, **wrong)

    assert "ham" == (await market.run(spam, "x")).answer
    assert Reason.OFFER_INVALID == reasons(market, awards(market)[0])["rogue"]


async def test_who_blocks_while_it_offers_is_left_out_for_ever_longer_and_comes_back() -> None:
    clock = FrozenClock()
    blocking = True

    def block(offer: Offer) -> Offer:
        clock.advance(2 * SECOND if blocking else 0)
        return offer

    market, first = await bought_from(Rogue(block), clock=clock)
    assert ("ham", Reason.TIMED_OUT) == (first.answer, reasons(market, awards(market)[0])["rogue"])
    for pause in (5, 10, 20):
        clock.advance((pause - 1) * SECOND)
        await market.run(spam, "still left out")
        assert Reason.UNHEALTHY == reasons(market, awards(market)[-1])["rogue"]
        clock.advance(2 * SECOND)
        blocking = pause < 20
        last = await market.run(spam, "tried again")

    assert "rogue+plain" == last.winner


async def test_a_text_with_methods_of_its_own_is_not_the_type() -> None:
    class Trap(str):
        def strip(self, *_: Any) -> str:
            raise RuntimeError

    market, outcome = await bought_from(Rogue(reply=Reply(value=Trap("spam"))))

    assert ("ham", Reason.NOT_THE_TYPE) == (outcome.answer, finished(market)[0].reason)


async def test_a_tactic_that_fails_costs_its_own_bids_alone() -> None:
    class Broken(Plain):
        name = "broken"

        def __init__(self, where: str) -> None:
            super().__init__()
            self._where = where

        def sketch(self, ask: Ask, profile: Profile, examples: Any) -> Any:
            if self._where == "sketch":
                raise RuntimeError
            return replace(super().sketch(ask, profile, examples), tactic="broken")  # type: ignore[type-var]

        def plan(self, ask: Ask, profile: Profile, examples: Any) -> Plan:
            raise RuntimeError

    for where in ("sketch", "plan"):
        market = Market(
            ledger=MemoryLedger(),
            bidders=[bidder("only", ["ham"])],
            tactics=[Broken(where), Plain()],
            examples=ExampleStore(),
        )
        await market.start()
        outcome = await market.run(spam, "x")

        assert "only+plain" == outcome.winner
        assert Reason.CRASHED in [one.reason for one in slate_of(market, awards(market)[0]).no_bids]


async def test_a_tactic_whose_plan_crashes_is_logged_by_the_kind_of_its_error_alone() -> None:
    class Broken(Plain):
        def plan(self, ask: Ask, profile: Profile, examples: Any) -> Plan:
            raise KeyError(ask.arguments["text"])

    market = await opened(bidder("a", ["x"]), tactics=[Broken()])
    with capture_logs() as logs:
        outcome = await market.run(spam, "a secret text")

    assert outcome.refused
    assert [("a tactic crashed", "plain", "KeyError")] == [(one["event"], one["tactic"], one["error"]) for one in logs]
    assert "secret" not in str(logs)

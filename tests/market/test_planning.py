"""Planning beside the requests: models are recorded, replayed, given up at close, and never waited for."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tests.market.shop import bidder, events, opened, until

from atomic.belief.lineups import OfTask
from atomic.clock import FrozenClock
from atomic.erasure import erase
from atomic.explain import explain
from atomic.explain.story import read_story
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Market, Trade
from atomic.planning import Planner, Planning
from atomic.protocols import Bidder
from atomic.records.microtask import Ask, microtask
from atomic.records.request import EVERYBODY
from atomic.records.responses import ModelFitted
from atomic.replay import replay
from atomic.rules.planner import plan
from atomic.testing import Line


@microtask(worth="$0.002", explore=False)
async def colour(text: str) -> Literal["red", "green", "blue", "grey"]:
    """Which colour?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False)
async def essay(text: str) -> str:
    """Say something."""
    raise NotImplementedError


SURVEY = replace(colour.terms, survey=EVERYBODY)
TRUTHS = ("red", "green", "blue", "grey")
Says = Callable[[Ask], Line]


def truth(text: str) -> str:
    return TRUTHS[random.Random(text).randrange(4)]


def often_right(name: str, right: float, price: int, **line: Any) -> Bidder:
    """A bidder that is right in this share of inputs, always the same ones."""

    def say(ask: Ask) -> Line:
        dice = random.Random(f"{name} {ask.features.text}")
        answer = truth(ask.features.text)
        if dice.random() >= right:
            answer = dice.choice([one for one in TRUTHS if one != answer])
        return Line(answer=answer, price=price, **line)

    return bidder(name, say, right=0.6)


def three() -> list[Bidder]:
    return [often_right(*one) for one in (("a", 0.6, 10_000), ("b", 0.7, 20_000), ("c", 0.8, 60_000))]


async def survey(market: Market, first: int = 0, count: int = 40) -> None:
    """Everybody is asked, of so many inputs."""
    for number in range(first, first + count):
        trade = Trade(request_id=f"r{number}", terms=SURVEY, subjects=(f"s{number}",))
        await market.buy(colour(f"input {number}"), trade)


@asynccontextmanager
async def planned_market(ledger: Any = None) -> AsyncIterator[Market]:
    """One that has a model."""
    market = await opened(*three(), ledger=ledger)
    market.planning.hold = True
    await survey(market)
    for number in range(20):
        await market.feedback(f"r{number}", truth=truth(f"input {number}"))
    await market.planning.done()
    yield market
    await market.close()


def fits(market: Market) -> list[ModelFitted]:
    return [one.payload for one in events(market, "fitted") if isinstance(one.payload, ModelFitted)]


def modelled(market: Market, request_id: str) -> list[bool]:
    """For each round of a request, whether it was valued by a model."""
    return [one.table.model is not None for one in read_story(market.ledger, request_id).rounds]


async def test_forty_line_ups_make_a_model_and_awards_are_made_by_it() -> None:
    async with planned_market() as market:
        await market.buy(colour("new"), Trade(request_id="new"))
        assert [True] == [one.model is not None for one in fits(market)]
        assert all(modelled(market, "new"))


async def test_awards_under_a_model_are_replayed_bit_for_bit() -> None:
    async with planned_market() as market:
        for number in range(100, 120):
            await market.buy(colour(f"input {number}"), Trade(request_id=f"r{number}"))
            if number % 3 == 0:
                await market.feedback(f"r{number}", truth=truth(f"input {number}"))
        for deep in (False, True):
            found = replay(market.ledger, deep=deep)
            assert (True, 0) == (found.awards > 100, found.differences)


async def test_in_a_file_opened_twice_they_are_what_they_were(tmp_path: Path) -> None:
    path, clock = tmp_path / "ledger.db", FrozenClock()
    ledger = SqliteLedger.open(path, clock=clock)
    async with planned_market(ledger) as market:
        digest = market.beliefs.digest()
    await ledger.close()
    again = SqliteLedger.open(path, clock=clock)
    market = await opened(*three(), ledger=again)
    assert digest == market.beliefs.digest()
    await market.buy(colour("new"), Trade(request_id="new"))
    assert (True, 0) == (all(modelled(market, "new")), replay(again, deep=True).differences)
    await market.close()
    await again.close()


async def test_two_processes_have_the_same_model() -> None:
    ledger = MemoryLedger(clock=FrozenClock(), secret=b"secret")
    async with planned_market(ledger) as market:
        other = await opened(*three(), ledger=ledger)
        assert market.beliefs.digest() == other.beliefs.digest()
        await survey(other, 100, 45)
        await asyncio.gather(market.planning.done(), other.planning.done())
        await market.record(())
        assert market.beliefs.digest() == other.beliefs.digest()
        await other.buy(colour("new"), Trade(request_id="new"))
        assert 0 == replay(ledger, deep=True).differences
        await other.close()


class HeldUp:
    """The planner, which waits until it may go on."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()

    def __call__(self, name: str, of: OfTask, seq: int) -> ModelFitted:
        self.begun.set()
        self.go.wait()
        return plan(name, of, seq)


async def planning_by(
    planner: Planner, *, ledger: Any = None, failures: list[Exception] | None = None, patience: float = 2.0
) -> Market:
    """A market that plans with another planner."""
    market = await opened(*three(), ledger=ledger)
    report = ([] if failures is None else failures).append
    market.planning = Planning(market.beliefs, market.record, FrozenClock(), report, planner=planner, patience=patience)
    return market


async def test_requests_settle_while_a_plan_is_under_way() -> None:
    planner = HeldUp()
    market = await planning_by(planner)
    await survey(market)
    assert await asyncio.to_thread(planner.begun.wait)
    outcome = await market.buy(colour("new"), Trade(request_id="new"))
    assert (False, [], False) == (outcome.refused, fits(market), any(modelled(market, "new")))
    planner.go.set()
    await market.planning.done()
    assert 1 == len(fits(market))
    await market.close()


async def test_a_plan_that_is_not_done_is_given_up_at_close() -> None:
    planner = HeldUp()
    market = await planning_by(planner, patience=0.01)
    await survey(market)
    assert await asyncio.to_thread(planner.begun.wait)
    await market.close()
    planner.go.set()
    assert [] == fits(market)


async def test_a_plan_that_fails_is_reported_and_the_market_goes_on() -> None:
    failures: list[Exception] = []

    def broken(name: str, of: OfTask, seq: int) -> ModelFitted:
        raise IndexError("no such row")

    market = await planning_by(broken, failures=failures)
    await survey(market)
    await market.planning.done()
    await survey(market, 100, 60)
    await market.planning.done()
    outcome = await market.buy(colour("new"), Trade(request_id="new"))
    assert (False, [IndexError]) == (outcome.refused, [type(one) for one in failures])
    await market.close()


async def test_an_erased_request_is_in_no_line_up_and_in_no_model_that_is_fitted_later(tmp_path: Path) -> None:
    ledger = SqliteLedger.open(tmp_path / "ledger.db")
    async with planned_market(ledger) as market:
        await erase(ledger, "s3")
        await market.record(())
        assert ("", "r3") not in market.beliefs.lineups.tasks["colour"].kept
        market.planning.hold = True
        await survey(market, 100, 45)
        await market.planning.done()
        models = [one.model for one in fits(market)]
        assert models[-1] is not None
        assert (84, 19) == (models[-1].lineups, models[-1].labelled)
        assert 0 == replay(ledger, deep=True).differences
    await ledger.close()


async def test_what_is_erased_while_a_plan_is_under_way_is_not_in_it(tmp_path: Path) -> None:
    planner = HeldUp()
    ledger = SqliteLedger.open(tmp_path / "ledger.db")
    market = await planning_by(planner, ledger=ledger)
    await survey(market, count=45)
    assert await asyncio.to_thread(planner.begun.wait)
    await erase(ledger, "s3")
    await market.record(())
    planner.go.set()
    await market.planning.done()
    assert [44] == [one.model.lineups for one in fits(market) if one.model is not None]
    await market.close()
    await ledger.close()


async def test_feedback_taken_back_is_taken_out_of_line_ups() -> None:
    market = await opened(*three())
    await survey(market, count=1)
    lineup = market.beliefs.lineups.tasks["colour"].kept["", "r0"]
    await market.feedback("r0", rights={"a+plain": 1.0, "b+plain": 0.0})
    assert {"a+plain": 1.0, "b+plain": 0.0} == {key: said[0] for key, said in lineup.rights.items() if key[0] in "ab"}
    others = [key for key, group in zip(lineup.keys, lineup.groups, strict=True) if group != lineup.groups[0]]
    await market.feedback("r0", rights={"a+plain": 0.0})
    assert 0.0 == lineup.rights["a+plain"][0]
    assert not set(others) & set(lineup.rights)
    await market.close()


async def test_answers_that_are_never_equal_are_bought_one_a_request() -> None:
    def of(name: str, price: int) -> Bidder:
        return bidder(name, lambda ask: Line(answer=f"{name} of {ask.features.text}", price=price), right=0.7)

    market = await opened(of("a", 1_000), of("b", 900_000))
    for number in range(40):
        await market.buy(essay(f"input {number}"), Trade(request_id=f"r{number}", terms=replace(SURVEY)))
    await market.planning.done()
    assert [True] == [one.apart for one in fits(market)]
    outcome = await market.buy(essay("new"), Trade(request_id="new"))
    assert (False, 1_000) == (outcome.refused, outcome.cost)
    assert 0 == replay(market.ledger, deep=True).differences
    await market.close()


async def test_where_answers_come_with_a_confidence_the_copying_model_stays() -> None:
    market = await opened(often_right("a", 0.6, 1_000, confidence=0.7), often_right("b", 0.8, 2_000))
    await survey(market)
    await market.planning.done()
    assert [(None, False)] == [(one.model, one.apart) for one in fits(market)]
    await market.close()


async def test_a_stranger_joins_a_task_that_has_a_model() -> None:
    ledger = MemoryLedger(clock=FrozenClock(), secret=b"secret")
    async with planned_market(ledger):
        pass
    market = await opened(
        *three(), bidder("z", lambda ask: Line(answer=truth(ask.features.text), price=1), right=0.9), ledger=ledger
    )
    await market.buy(colour("new"), Trade(request_id="new"))
    first = read_story(ledger, "new").rounds[0].award
    assert ("z+plain",) == first.chosen
    assert 0 == replay(ledger, deep=True).differences
    await market.close()


async def test_after_a_restart_a_request_stands_in_its_domain_and_for_its_worth() -> None:
    ledger = MemoryLedger(clock=FrozenClock(), secret=b"secret")
    trade = Trade(request_id="cut", domain="paint", terms=SURVEY)
    market = await opened(*three(), bidder("z", [Line(answer="red", hangs=True)]), ledger=ledger)
    running = asyncio.create_task(market.buy(colour("x"), trade))
    await until(lambda: len(events(market, "started")) == 4)
    await asyncio.sleep(0.5)  # the three that answer at once have answered, on a busy machine, too
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await market.close()
    again = await opened(*three(), ledger=ledger)
    await again.buy(colour("x"), trade)
    last = read_story(ledger, "cut").rounds[-1].award.position.state
    assert ("paint", SURVEY.worth, True) == (last.domain, last.worth, len(last.answered) >= 1)
    await again.close()


async def test_an_explanation_names_the_model_and_what_it_rests_on() -> None:
    async with planned_market() as market:
        await market.buy(colour("new"), Trade(request_id="new"))
        told = explain(market.ledger, "new")
        text = told.text()
        assert "line-ups" in told.brief()
        assert not told.rounds[0].unproven
        assert "Valued by a response model of 40 line-ups, 20 of them judged" in text
        assert "hidden classes" in text or "counts of who agreed" in text

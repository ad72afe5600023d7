"""Validators in a market: evidence against an answer, recorded, explained, and believed as far as their words hold."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.market.shop import WORTH, awards, bidder, events, finished, opened, until

from atomic.explain import explain
from atomic.market import Market, Trade
from atomic.records.attempt import AttemptFinished
from atomic.records.lesson import Lesson, LessonsLearned
from atomic.records.microtask import microtask
from atomic.records.outcome import OutcomeSettled
from atomic.records.validator import JUDGED
from atomic.replay import replay
from atomic.testing import Line
from atomic.validators import holds, judged_by, sql


@microtask(worth="$0.002", explore=False, validators=[sql("postgres")])
async def query(text: str) -> str:
    """Write a query for this."""
    raise NotImplementedError


@microtask(worth="$0.0005", explore=False)
async def good(text: str, answer: str) -> bool:
    """Does this answer what is asked?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False, validators=[judged_by(good)])
async def reply(text: str) -> str:
    """Answer this."""
    raise NotImplementedError


RIGHT, WRONG = "SELECT a FROM t", "SELECT FROM ) t"


def lessons(market: Market, source: str = "") -> list[Lesson]:
    found = [one.payload for one in events(market, "lessons")]
    return [
        lesson
        for one in found
        if isinstance(one, LessonsLearned) and source in ("", one.source)
        for lesson in one.lessons
    ]


async def test_an_answer_that_fails_is_still_an_answer_and_less_probable() -> None:
    market = await opened(bidder("cheap", [WRONG]))
    outcome = await market.run(query, "all a")
    (attempt,) = finished(market)

    assert WRONG == outcome.answer
    assert 0.3 < outcome.probability < 0.32  # 0.8 by Bayes with a word that holds in nine of ten
    assert [("sql", "validator", False, 0.9)] == [
        (one.name, one.source, one.holds, one.reliability) for one in attempt.verdicts
    ]


async def test_somebody_else_is_asked_when_an_answer_fails() -> None:
    cheap, dear = bidder("cheap", [WRONG]), bidder("dear", [Line(answer=RIGHT, price=300_000)])
    market = await opened(cheap, dear)

    assert RIGHT == (await market.run(query, "all a")).answer
    assert 1 == len(dear.attempts)


async def test_nobody_else_is_asked_when_it_passes() -> None:
    dear = bidder("dear", [Line(answer=RIGHT, price=300_000)], right=0.85)
    market = await opened(bidder("cheap", [RIGHT]), dear)
    outcome = await market.run(query, "all a")

    # That it parses is no proof that it is right.
    assert (RIGHT, 0.8) == (outcome.answer, round(outcome.probability, 9))
    assert 0 == len(dear.attempts)


async def test_who_fails_bids_lower_next_time() -> None:
    market = await opened(bidder("cheap", [WRONG]))
    for number in range(5):
        await market.run(query, f"all {number}")

    assert market.preview(query("more"), Trade())[0].bids[0].probability < 0.6


async def test_a_validator_that_fails_itself_says_nothing() -> None:
    def broken(answer: str) -> bool:
        raise RuntimeError(f"secret {answer}")

    @microtask(worth="$0.002", explore=False, validators=[holds(broken)])
    async def note(text: str) -> str:
        """Answer this."""
        raise NotImplementedError

    market = await opened(bidder("one", ["hello"]))
    outcome = await market.run(note, "hi")
    (verdict,) = finished(market)[0].verdicts

    assert ("hello", 0.8) == (outcome.answer, round(outcome.probability, 9))
    assert (None, "it failed: RuntimeError") == (verdict.holds, verdict.detail)


async def test_what_a_validator_taught_gives_way_to_a_person_and_it_is_believed_less() -> None:
    market = await opened(bidder("cheap", [WRONG]))
    outcome = await market.run(query, "all a")
    taught = [one for one in lessons(market, "validator") if one.kind == "right"]
    await market.feedback(outcome.id, 1.0)
    said = lessons(market, "person")

    assert [(0.0, 0.7)] == [(one.target, round(one.weight, 9)) for one in taught]
    assert [(1.0, 1.0), (0.0, -0.7)] == sorted(
        [(one.target, round(one.weight, 9)) for one in said if one.kind == "right"], reverse=True
    )
    assert [("validator/sql", 0.0)] == [
        (one.key, one.target) for one in said if one.kind == "source" and one.key.startswith("validator")
    ]
    assert market.beliefs.credit.reliability("validator/sql") < 0.9


async def test_a_validator_whose_words_do_not_hold_stops_counting() -> None:
    market = await opened(bidder("cheap", [WRONG]))
    for number in range(30):
        outcome = await market.run(query, f"all {number}")
        await market.feedback(outcome.id, 1.0, asked=True)
    last = await market.run(query, "more")

    assert market.beliefs.credit.reliability("validator/sql") < 0.5
    assert last.probability > 0.9


async def test_equal_answers_are_examined_once() -> None:
    looked: list[Any] = []

    def look(answer: str) -> bool:
        looked.append(answer)
        return False

    @microtask(worth="$0.002", explore=False, validators=[holds(look)])
    async def note(text: str) -> str:
        """Answer this."""
        raise NotImplementedError

    market = await opened(bidder("one", ["same"]), bidder("two", ["same"]), bidder("three", ["same"]))
    outcome = await market.run(note, "hi")

    assert ["same"] == looked
    assert 3 == len(finished(market))
    assert outcome.probability > 0.8  # counted once against, three times for


async def test_a_judge_is_bought_with_its_own_price_and_moves_the_probability() -> None:
    judge = bidder("judge", lambda ask: Line(answer="fine" in ask.features.text, price=50_000), right=0.9)
    writer = bidder("writer", lambda ask: Line(answer="fine" if "1" in ask.features.text else "bad", price=100_000))
    market = await opened(only(writer, "reply"), only(judge, "good"))
    good_one = await market.buy(reply("mail 1"), Trade(request_id="r1"))
    bad_one = await market.buy(reply("mail 2"), Trade(request_id="r2"))

    assert good_one.probability > 0.8 > bad_one.probability
    judged = events(market, "outcome")
    costs = {one.request_id: one.payload.cost for one in judged if isinstance(one.payload, OutcomeSettled)}
    assert 100_000 == good_one.cost
    assert [50_000, 50_000] == [cost for name, cost in costs.items() if JUDGED in name]
    (verdict,) = finished(market, request_id="r1")[0].verdicts
    assert (True, 50_000, 0.85) == (verdict.holds, verdict.price, verdict.reliability)
    assert verdict.request_id.startswith("r1~judge/good/")
    assert (
        f"The judge good finds it right (such words hold with 0.85, for $0.00005: {verdict.request_id})"
        in explain(market.ledger, "r1").text()
    )


def only(made: Any, task: str) -> Any:
    """A bidder for one task alone."""
    from atomic.records.bid import Reason

    inner = made._script
    made._script = lambda ask: inner(ask) if ask.task.name == task else Line(no_bid=Reason.DECLINED)
    return made


async def test_where_nobody_would_judge_nothing_changes() -> None:
    market = await opened(only(bidder("writer", lambda ask: Line(answer="fine")), "reply"))
    outcome = await market.run(reply, "mail")
    (verdict,) = finished(market)[0].verdicts

    assert ("fine", 0.8) == (outcome.answer, round(outcome.probability, 9))
    assert (None, "nobody would judge") == (verdict.holds, verdict.detail)


async def test_a_judge_who_is_wrong_is_believed_less_once_people_say_so() -> None:
    judge = bidder("judge", lambda ask: Line(answer=True))
    market = await opened(only(bidder("writer", lambda ask: Line(answer="fine")), "reply"), only(judge, "good"))
    for number in range(12):
        outcome = await market.run(reply, f"mail {number}")
        await market.feedback(outcome.id, 0.0, asked=True)

    assert market.beliefs.credit.reliability("judge/good") < 0.5


async def test_the_market_decides_the_same_again_with_verdicts_in_it() -> None:
    market = await opened(bidder("cheap", [WRONG]), bidder("dear", [Line(answer=RIGHT, price=300_000)]))
    for number in range(4):
        outcome = await market.run(query, f"all {number}")
        await market.feedback(outcome.id, truth=RIGHT)

    assert () == replay(market.ledger, deep=True).different


async def test_a_request_that_is_resumed_weighs_verdicts_as_it_did() -> None:
    again = asyncio.Event()
    slow = bidder("slow", [Line(answer=RIGHT, price=300_000, until=again)])
    market = await opened(bidder("cheap", [WRONG]), slow)
    work = asyncio.ensure_future(market.buy(query("all"), Trade(request_id="r")))
    await until(lambda: bool(slow.attempts))
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    again.set()
    outcome = await market.buy(query("all"), Trade(request_id="r"))
    first = awards(market, request_id="r")[-1].position.state.answered[0]
    recorded = next(one for one in finished(market, request_id="r") if one.bidder == "cheap")

    assert RIGHT == outcome.answer
    assert isinstance(recorded, AttemptFinished)
    assert recorded.probability == first.probability
    assert first.lift < 0.0
    assert outcome.cost <= WORTH

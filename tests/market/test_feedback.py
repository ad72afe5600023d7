"""Feedback: what somebody says of an outcome teaches at once, and a later word supersedes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.market.shop import bidder, careful, events, opened, spam, urgent, words

from atomic.errors import NotFound, TaskError
from atomic.ledger import SqliteLedger
from atomic.market import Market, Trade
from atomic.records import FeedbackGiven, Lesson, LessonsLearned
from atomic.testing import Line

ONCE = Trade(request_id="once")


def believed(market: Market, name: str, task: str = "spam") -> tuple[float, float]:
    """Right and total, as counted in the task."""
    seen = market.beliefs.evidence(f"{name}+plain", task, "", 2, market.bidders[name].profile)
    return round(seen.task_right, 2), round(seen.task_count, 2)


def given(market: Market) -> list[tuple[str, float]]:
    found = [one.payload for one in events(market, "feedback")]
    return [(one.source, one.value) for one in found if isinstance(one, FeedbackGiven)]


def lessons(market: Market) -> list[Lesson]:
    last = events(market, "lessons")[-1].payload
    assert isinstance(last, LessonsLearned)
    return list(last.lessons)


async def settled(*said: object, task: Any = spam, text: str = "x", **options: Any) -> Market:
    """A market that bought one answer each from bidders that say these, at 0.75 each."""
    market = await opened(
        *(bidder(name, [Line(answer=one, price=10)], right=0.75) for name, one in zip("abc", said, strict=False)),
        **options,
    )
    await market.buy(task(text), ONCE)
    return market


async def test_a_value_teaches_those_who_answered() -> None:
    market = await settled("spam")

    await market.feedback("once", 1.0)

    assert (1.0, 1.0) == believed(market, "a")
    assert [("person", 1.0)] == given(market)


async def test_of_two_possible_answers_the_other_is_right_to_the_rest() -> None:
    market = await settled("spam", "ham", "spam")

    await market.feedback("once", 0.25)

    assert [(0.25, 1.0), (0.75, 1.0), (0.25, 1.0)] == [believed(market, name) for name in "abc"]


async def test_a_truth_teaches_everybody_and_says_whether_ours_was_right() -> None:
    market = await settled("spam", "ham", "spam")

    await market.feedback("once", truth="ham")

    assert [(0.0, 1.0), (1.0, 1.0), (0.0, 1.0)] == [believed(market, name) for name in "abc"]
    assert [("person", 0.0)] == given(market)
    (event,) = events(market, "feedback")
    assert b'"ham"' == market.ledger.body(event.bodies[0])


async def test_a_truth_is_of_whom_the_input_was() -> None:
    market = await opened(bidder("a", ["spam"]))
    await market.buy(spam("x"), Trade(request_id="once", subjects=("ann@x", "bob@x")))

    await market.feedback("once", truth="ham")

    (event,) = events(market, "feedback")
    assert ("ann@x", "bob@x") == tuple(sorted(market.ledger.subjects(event.bodies[0])))


@pytest.mark.parametrize("order", [(1.0, 0.0), (0.0, 1.0), (1.0, 0.0, 1.0), (0.0, 0.5, 1.0)])
async def test_a_later_word_of_the_same_source_supersedes(order: tuple[float, ...]) -> None:
    market = await settled("spam")
    for value in order:
        await market.feedback("once", value)

    assert (order[-1], 1.0) == believed(market, "a")


@pytest.mark.parametrize(
    ("sources", "value"),
    [
        (("judge", "person"), 1.0),
        (("person", "judge"), 0.0),
        (("person", "judge", "person"), 1.0),
        (("agreement", "validator", "fact", "person"), 1.0),
        (("person", "fact", "validator", "judge", "agreement"), 0.0),
        (("fact", "judge", "fact", "judge"), 0.0),
    ],
)
async def test_the_best_source_stands_whatever_is_said_before_and_after(sources: tuple[Any, ...], value: float) -> None:
    """Words alternate between wrong and right in order; only what stands has taught."""
    market = await settled("spam")
    said = {}
    rank = {"person": 0, "fact": 1, "validator": 2, "judge": 3, "agreement": 4}
    best = 9
    for number, source in enumerate(sources):
        word = float(number % 2) if len(set(sources)) == len(sources) else float(number // 2)
        said[source] = word
        await market.feedback("once", word, source=source)
        if rank[source] <= best:
            best, stands = rank[source], word

    weight = {0: 1.0, 1: 1.0, 2: 0.7, 3: 0.5, 4: 0.2}[best]
    assert (round(weight * stands, 2), weight) == believed(market, "a")
    assert len(sources) == len(given(market))


async def test_a_lower_word_is_recorded_and_teaches_nothing_but_of_who_said_it() -> None:
    market = await settled("spam")
    await market.feedback("once", 1.0)

    await market.feedback("once", 0.0, source="judge")

    assert [("source", "judge", 0.0)] == [(one.kind, one.key, one.target) for one in lessons(market)]
    assert [("person", 1.0), ("judge", 0.0)] == given(market)


async def test_two_words_at_once_count_as_one_after_the_other(tmp_path: Path) -> None:
    """On a file, where an append takes a while."""
    ledger = SqliteLedger.open(tmp_path / "market.db")
    market = await settled("spam", ledger=ledger)

    await asyncio.gather(*(market.feedback("once", value) for value in (0.0, 1.0, 0.0, 1.0)))

    assert (1.0, 1.0) == believed(market, "a")
    await ledger.close()


async def test_two_words_at_once_from_two_processes_count_as_one_after_the_other(tmp_path: Path) -> None:
    ledgers = [SqliteLedger.open(tmp_path / "market.db") for _ in range(2)]
    markets = [await opened(bidder("a", ["spam"]), ledger=ledger) for ledger in ledgers]
    for number in range(10):
        await markets[0].buy(spam(str(number)), Trade(request_id=str(number)))
        await asyncio.gather(
            *(one.feedback(str(number), value) for one, value in zip(markets, (0.0, 1.0), strict=True))
        )
    await markets[0].record(())

    _, count = believed(markets[0], "a")
    assert count == pytest.approx(10.0, abs=0.1)  # older ones fade a little
    for ledger in ledgers:
        await ledger.close()


async def test_a_weaker_source_counts_less() -> None:
    market = await settled("spam")

    await market.feedback("once", 1.0, source="judge")

    assert (0.5, 0.5) == believed(market, "a")


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), True, "good"])
async def test_what_is_no_probability_is_refused_and_nothing_is_recorded(value: Any) -> None:
    market = await settled("spam")

    with pytest.raises(TaskError, match="no probability"):
        await market.feedback("once", value)

    assert [] == given(market)


@pytest.mark.parametrize("arguments", [{}, {"value": 1.0, "truth": "spam"}])
async def test_either_a_value_or_the_truth_is_needed(arguments: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match="either a value or the true answer"):
        await (await settled("spam")).feedback("once", **arguments)


@pytest.mark.parametrize("truth", ["junk", "Spam", 1, ["spam"], object(), float("nan")])
async def test_a_truth_that_is_no_answer_is_refused(truth: Any) -> None:
    market = await settled("spam")

    with pytest.raises(TaskError, match="no answer of spam"):
        await market.feedback("once", truth=truth)

    assert [] == given(market)


async def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(TaskError, match="no source of feedback"):
        await (await settled("spam")).feedback("once", 1.0, source="gossip")  # type: ignore[arg-type]


async def test_an_unknown_request_or_another_tenants_is_not_found() -> None:
    market = await settled("spam")

    with pytest.raises(NotFound):
        await market.feedback("never", 1.0)
    with pytest.raises(NotFound):
        await market.feedback("once", 1.0, tenant="other")


@pytest.mark.parametrize("truth", [True, "yes"])
async def test_the_truth_of_a_yes_or_no_may_be_spelled_either_way(truth: Any) -> None:
    market = await settled(True, False, True, task=urgent)

    await market.feedback("once", truth=truth)

    assert [(1.0, 1.0), (0.0, 1.0), (1.0, 1.0)] == [believed(market, name, "urgent") for name in "abc"]
    (event,) = events(market, "feedback")
    assert b"true" == market.ledger.body(event.bodies[0])


async def test_a_truth_is_compared_as_its_type_says() -> None:
    market = await settled({"b", "a"}, task=words)

    await market.feedback("once", truth=["a", "b"])

    assert (1.0, 1.0) == believed(market, "a", "words")


async def test_a_process_that_does_not_know_the_task_compares_truths_by_label() -> None:
    market = await settled(True, task=urgent)
    other = await opened(bidder("a", [True]), ledger=market.ledger)

    await other.feedback("once", truth="yes")

    assert (1.0, 1.0) == believed(other, "a", "urgent")
    (event,) = events(other, "feedback")
    assert b"true" == other.ledger.body(event.bodies[0])


async def test_on_a_refusal_a_value_teaches_nothing_and_a_truth_teaches() -> None:
    market = await settled("spam", task=careful)

    await market.feedback("once", 0.0)
    assert (0.0, 0.0) == believed(market, "a", "careful")
    await market.feedback("once", truth="spam")
    assert (1.0, 1.0) == believed(market, "a", "careful")


async def test_feedback_where_nobody_answered_is_recorded() -> None:
    market = await opened()
    await market.buy(spam("x"), ONCE)

    await market.feedback("once", truth="spam")

    assert [("person", 0.0)] == given(market)
    assert [] == lessons(market)


async def test_the_calibration_of_settled_answers_learns_from_feedback() -> None:
    market = await settled("spam", "ham", "spam")

    await market.feedback("once", 1.0)

    settle = [one for one in lessons(market) if one.kind == "settle"]
    assert [1.0, 2.0, 3.0] == [one.features[0] for one in settle]
    assert (1.0, 1.0) == (settle[0].target, settle[-1].target)  # two that differ leave either in the lead


async def test_beliefs_after_feedback_are_those_of_a_market_that_starts_anew() -> None:
    market = await settled("spam", "ham", "spam")
    for value, source in ((1.0, "judge"), (0.0, "person"), (1.0, "person")):
        await market.feedback("once", value, source=source)  # type: ignore[arg-type]

    assert market.beliefs.digest() == (await opened(ledger=market.ledger)).beliefs.digest()

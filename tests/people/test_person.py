"""A person bids, is asked, answers or not, and is learned of like anybody: on a ledger in memory."""

from __future__ import annotations

import asyncio
from typing import Any

from atomic.belief.examples import ExampleStore
from atomic.bidders.person import Person, PersonOptions
from atomic.clock import FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.outcome import Outcome
from atomic.records import Award, Body, Entry, Event, QuestionAnswered, QuestionTaken, Reason, Slate
from atomic.records.event import decode
from atomic.records.microtask import microtask
from atomic.records.request import DataLabel
from atomic.tactics import Plain
from atomic.testing import Line, ScriptedBidder, check_bidder

PRICE = 1_000_000


@microtask(worth="$1", explore=False, deadline=600)
async def length(text: str) -> int:
    """How many characters?"""
    raise NotImplementedError


async def opened(*people: Any, clock: FrozenClock | None = None) -> Market:
    clock = clock or FrozenClock()
    market = Market(
        ledger=MemoryLedger(clock=clock), bidders=people, tactics=(Plain(),), examples=ExampleStore(), clock=clock
    )
    await market.start()
    return market


async def asked(market: Market, count: int = 1) -> list[Event]:
    while len(found := list(market.ledger.read(kinds=("asked",)))) < count:  # noqa: ASYNC110 - another task asks
        await asyncio.sleep(0.001)
    return found


async def say(market: Market, question: Event, answer: str | None, *, who: str = "ann") -> None:
    name = question.payload.question  # type: ignore[union-attr]  # of an asked event
    taken = QuestionTaken(question=name, reviewer=who, until_ns=question.time_ns + 10**18)
    said = QuestionAnswered(question=name, reviewer=who, declined=answer is None)
    bodies = () if answer is None else (Body(name="answer", content=answer.encode()),)
    await market.record(
        [
            Entry(payload=taken, request_id=question.request_id),
            Entry(payload=said, request_id=question.request_id, bodies=bodies),
        ]
    )


async def bought(market: Market, text: str, *answers: str | None) -> Outcome[int]:
    buying = asyncio.ensure_future(market.buy(length(text), Trade(request_id=text)))
    seen = len(list(market.ledger.read(kinds=("asked",))))
    question = (await asked(market, seen + 1))[-1]
    for number, answer in enumerate(answers):
        await say(market, question, answer, who=f"reviewer {number}")
    return await buying


def reasons(market: Market) -> list[Reason | None]:
    return [one.payload.reason for one in market.ledger.read(kinds=("finished",))]  # type: ignore[union-attr]


def no_bids(market: Market, request_id: str) -> dict[str, Reason]:
    award = next(one.payload for one in market.ledger.read(request_id=request_id, kinds=("award",)))
    assert isinstance(award, Award)
    slate: Slate = decode(Slate, market.ledger.blob(award.slate))
    return {one.bidder: one.reason for one in slate.no_bids}


async def test_a_persons_answer_is_bought_typed_and_paid() -> None:
    market = await opened(Person("desk", PersonOptions(price=PRICE)))
    outcome = await bought(market, "four", "4")

    assert (4, PRICE, "desk+plain") == (outcome.answer, outcome.cost, outcome.winner)


async def test_quality_is_learned_like_anybodys() -> None:
    market = await opened(Person("desk", PersonOptions(price=PRICE, right=0.6)))
    before = market.beliefs.evidence("desk+plain", "length", "", 0, market.bidders["desk"].profile)
    for text in ("a", "bb", "ccc"):
        outcome = await bought(market, text, str(len(text)))
        await market.feedback(outcome.id, truth=len(text))
    after = market.beliefs.evidence("desk+plain", "length", "", 0, market.bidders["desk"].profile)

    assert (0.0, 3.0) == (before.task_count, round(after.task_right, 1))


async def test_an_answer_of_another_type_is_none() -> None:
    market = await opened(Person("desk", PersonOptions(price=PRICE)))
    outcome = await bought(market, "four", '"many"')

    assert outcome.refused
    assert [Reason.NOT_THE_TYPE] == reasons(market)


async def test_two_reviewers_who_agree_are_one_answer_and_both_are_paid() -> None:
    market = await opened(Person("desk", PersonOptions(price=PRICE, reviewers=2)))
    outcome = await bought(market, "four", "4", "4")

    assert (4, 2 * PRICE) == (outcome.answer, outcome.cost)


async def test_a_disagreement_is_neither_an_answer_nor_a_mistake_of_anybody() -> None:
    market = await opened(Person("desk", PersonOptions(price=PRICE, reviewers=2)))
    outcome = await bought(market, "four", "4", "5")

    assert outcome.refused
    assert [Reason.DISAGREED] == reasons(market)
    assert [] == list(market.ledger.read(kinds=("lessons",)))


async def test_a_question_nobody_answers_lapses_for_nothing_and_the_runner_up_takes_over() -> None:
    clock = FrozenClock()
    desk = Person("desk", PersonOptions(price=PRICE, deadline_ns=10**10))
    other = ScriptedBidder("mini", [Line(answer=5, price=PRICE)])
    market = await opened(desk, other, clock=clock)
    buying = asyncio.ensure_future(market.buy(length("four"), Trade(request_id="r")))
    await asked(market)
    clock.advance(10**10)
    outcome = await buying

    assert (5, PRICE) == (outcome.answer, outcome.cost)
    assert 1 == len(list(market.ledger.read(kinds=("lapsed",))))


async def test_beyond_the_capacity_nobody_is_asked() -> None:
    market = await opened(Person("desk", PersonOptions(price=PRICE, capacity=1)))
    first = asyncio.ensure_future(market.buy(length("one"), Trade(request_id="one")))
    (question,) = await asked(market)
    second = asyncio.ensure_future(market.buy(length("two"), Trade(request_id="two")))
    await asyncio.sleep(0.01)
    assert 1 == len(list(market.ledger.read(kinds=("asked",))))
    await say(market, question, "3")
    await first
    await say(market, (await asked(market, 2))[-1], "3")

    assert 3 == (await second).answer


async def test_a_cancelled_request_that_cannot_be_made_again_closes_its_question() -> None:
    desk = Person("desk", PersonOptions(price=PRICE))
    market = await opened(desk)
    buying = asyncio.ensure_future(market.run(length, "four"))
    await asked(market)
    buying.cancel()
    await asyncio.wait({buying})

    assert [Reason.CANCELLED] == reasons(market)


async def test_whose_data_label_is_too_high_for_a_person_is_not_shown_to_one() -> None:
    high: DataLabel = "confidential"
    market = await opened(Person("desk", PersonOptions(price=PRICE, accepts="internal")))
    outcome = await market.buy(length("four"), Trade(request_id="r", label=high))

    assert outcome.refused
    assert {"desk": Reason.LABEL_NOT_ACCEPTED} == no_bids(market, "r")


async def test_a_person_keeps_the_contract_of_bidders() -> None:
    await check_bidder(lambda: Person("desk"), length, [("four",)])

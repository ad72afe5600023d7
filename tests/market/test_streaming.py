"""Streams: what is heard, who goes on when a stream is cut, and what the ledger and explanations say of it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from tests.market.shop import bidder, opened

from atomic.market import Market, Trade
from atomic.outcome import Outcome
from atomic.protocols import Profile
from atomic.records import AttemptFinished, AttemptStarted, Plan, Reason, Reply
from atomic.records.event import decode
from atomic.records.microtask import Ask, microtask
from atomic.replay import replay
from atomic.testing import Line, ScriptedBidder

JSON: TypeAdapter[Any] = TypeAdapter(Any)
BEGINNING = "Once upon a time there was "


@microtask(worth="$0.01", explore=False)
async def tale(about: str) -> str:
    """Tell a tale."""
    raise NotImplementedError


@microtask(worth="$0.01", explore=False, refuse_below=0.5)
async def careful_tale(about: str) -> str:
    """Tell a tale, if you are sure of it."""
    raise NotImplementedError


def teller(name: str, script: Any, *, right: float = 0.8, continues: bool = True, **profile: Any) -> ScriptedBidder:
    declared = Profile(name=name, kind="scripted", right=right, continues=continues, **profile)
    return ScriptedBidder(name, script, profile=declared)


async def heard(market: Market, call: Any = None, **options: Any) -> tuple[list[str], Outcome[Any]]:
    async with market.stream(call or tale("a cat"), **options) as stream:
        pieces = [piece async for piece in stream]
        return pieces, stream.outcome


async def test_pieces_come_as_they_are_said_and_then_the_outcome() -> None:
    market = await opened(teller("a", [Line(answer="A cat sat.", says=["A cat ", "sat."])]))

    pieces, outcome = await heard(market)

    assert (["A cat ", "sat."], "A cat sat.", False) == (pieces, outcome.answer, outcome.refused)


async def test_the_first_piece_is_heard_before_the_answer_is_whole() -> None:
    whole = asyncio.Event()
    market = await opened(teller("a", [Line(answer="A cat sat.", says=["A cat "], until=whole)]))

    async with market.stream(tale("a cat")) as stream:
        first = await anext(aiter(stream))
        with pytest.raises(RuntimeError, match="read to the end"):
            _ = stream.outcome
        whole.set()

    assert "A cat " == first


async def test_who_speaks_all_at_once_is_heard_as_one_piece() -> None:
    market = await opened(teller("a", ["A cat sat."]))

    assert ["A cat sat."] == (await heard(market))[0]


async def test_a_stream_settles_for_the_first_answer_where_a_market_would_ask_on() -> None:
    first, second = (
        teller("a", [Line(answer="A cat.", says=["A cat."])], right=0.6),
        teller("b", ["A dog."], right=0.55),
    )
    market = await opened(first, second)

    pieces, outcome = await heard(market)

    assert (["A cat."], "A cat.") == (pieces, outcome.answer)
    assert (1, 0) == (len(first.attempts), len(second.attempts))


async def test_who_fails_before_a_word_is_followed_by_the_runner_up_from_the_beginning() -> None:
    market = await opened(
        teller("a", [Line(reason=Reason.FAILED)], right=0.9), teller("b", [Line(answer="A dog.", says=["A dog."])])
    )

    pieces, outcome = await heard(market)

    assert (["A dog."], "A dog.", "b+plain") == (pieces, outcome.answer, outcome.winner)


async def test_a_cut_stream_is_gone_on_with_by_the_runner_up() -> None:
    cut = teller("a", [Line(reason=Reason.CUT, says=["Once upon a time ", "there was "])], right=0.9)
    second = teller("b", [Line(answer="a cat.", says=["a ", "cat."])])
    market = await opened(cut, second)

    pieces, outcome = await heard(market)

    assert (BEGINNING + "a cat.", outcome.answer) == ("".join(pieces), "".join(pieces))
    assert (2, "b+plain", BEGINNING) == (len(outcome_rounds(market)), outcome.winner, second.attempts[0][1].begun)


def outcome_rounds(market: Market) -> list[AttemptStarted]:
    return [one.payload for one in market.ledger.read() if isinstance(one.payload, AttemptStarted)]


async def test_a_runner_up_that_says_the_beginning_again_is_not_heard_twice() -> None:
    again = BEGINNING + "a cat."
    market = await opened(
        teller("a", [Line(reason=Reason.CUT, says=[BEGINNING])], right=0.9),
        teller("b", [Line(answer=again, says=[again[:9], again[9:40], again[40:]])]),
    )

    pieces, outcome = await heard(market)

    assert (again, again) == ("".join(pieces), outcome.answer)


async def test_a_continuation_is_recorded_with_what_was_said_explained_and_replayed() -> None:
    market = await opened(
        teller("a", [Line(reason=Reason.CUT, says=[BEGINNING])], right=0.9),
        teller("b", [Line(answer="a cat.", says=["a cat."])]),
    )

    _, outcome = await heard(market)
    events = list(market.ledger.read())
    plans = [
        decode(Plan, market.ledger.body(one.bodies[0]) or b"")
        for one in events
        if isinstance(one.payload, AttemptStarted) and one.bodies
    ]
    report = replay(market.ledger)

    assert [BEGINNING] == [plan.begun for plan in plans]
    assert f"goes on after {len(BEGINNING)} characters that another said" in outcome.explain()
    assert (3, 0) == (report.awards, report.differences)


async def test_who_was_given_up_and_talks_on_is_not_heard() -> None:
    heard_later: list[Any] = []

    class Zombie(ScriptedBidder):
        async def attempt(self, ask: Ask, plan: Plan) -> Reply:
            heard_later.append(ask.hear)
            return await super().attempt(ask, plan)

    class Second(ScriptedBidder):
        async def attempt(self, ask: Ask, plan: Plan) -> Reply:
            heard_later[0]("a zombie")
            return await super().attempt(ask, plan)

    profile = Profile(name="a", kind="scripted", right=0.9, continues=True)
    market = await opened(
        Zombie("a", [Line(reason=Reason.CUT, says=[BEGINNING])], profile=profile),
        Second("b", [Line(answer="a cat.", says=["a cat."])], profile=replace(profile, name="b", right=0.8)),
    )

    pieces, outcome = await heard(market)

    assert (BEGINNING + "a cat.", BEGINNING + "a cat.") == ("".join(pieces), outcome.answer)


async def test_only_who_can_go_on_takes_part_in_a_continuation_and_without_anybody_it_is_refused() -> None:
    cut = teller("a", [Line(reason=Reason.CUT, says=[BEGINNING])], right=0.9)
    whole = teller("b", ["Another tale."], continues=False)
    market = await opened(cut, whole)

    pieces, outcome = await heard(market)

    assert ([BEGINNING], True, None) == (pieces, outcome.refused, outcome.answer)
    assert [] == whole.attempts
    assert "cannot go on" in outcome.explain()


@pytest.mark.parametrize("answer", [" ", BEGINNING[:9], BEGINNING])
async def test_a_continuation_that_adds_nothing_is_an_answer_only_where_it_says_all_again(answer: str) -> None:
    market = await opened(
        teller("a", [Line(reason=Reason.CUT, says=[BEGINNING])], right=0.9), teller("b", [Line(answer=answer)])
    )

    pieces, outcome = await heard(market)

    assert [BEGINNING] == pieces
    assert (BEGINNING.strip() if answer == BEGINNING else None) == outcome.answer


async def test_leaving_the_block_early_cancels_the_attempt_and_its_reservation_stays_spent() -> None:
    speaking = teller("a", [Line(says=["Once"], hangs=True, price=100)])
    market = await opened(speaking)

    async with market.stream(tale("a cat")) as stream:
        await anext(aiter(stream))
    ends = [one.payload for one in market.ledger.read() if isinstance(one.payload, AttemptFinished)]

    assert 1 == speaking.cancelled
    assert [(Reason.CANCELLED, 100)] == [(one.reason, one.price) for one in ends]


@pytest.mark.parametrize("call", [careful_tale("a cat"), tale("a cat")], ids=["held back", "buffered"])
async def test_nothing_is_said_before_it_is_settled_where_it_is_held_back_or_buffered(call: Any) -> None:
    first = teller("a", [Line(answer="A cat.", says=["A c"], seconds=0.0)], right=0.9)
    market = await opened(first)

    pieces, outcome = await heard(market, call, buffered=call.task is tale)

    assert (["A cat."], "A cat.") == (pieces, outcome.answer)
    assert first.attempts[0][0].hear is None


async def test_the_same_request_again_is_heard_as_one_piece_and_buys_nothing() -> None:
    speaking = teller("a", [Line(answer="A cat.", says=["A ", "cat."])])
    market = await opened(speaking)
    trade = Trade(request_id="r1")

    first, _ = await heard(market, trade=trade)
    again, outcome = await heard(market, trade=trade)

    assert (["A ", "cat."], ["A cat."], "A cat.") == (first, again, outcome.answer)
    assert 1 == len(speaking.attempts)


async def test_what_is_raised_reaches_who_reads() -> None:
    market = await opened(bidder("a", ["x"]))
    trade = Trade(request_id="r1")
    await heard(market, trade=trade)

    with pytest.raises(Exception, match="another input"):
        await heard(market, tale("a dog"), trade=trade)


@microtask(worth="$0.01", explore=False)
async def count(text: str) -> int:
    """How many?"""
    raise NotImplementedError


async def test_a_stream_of_no_text_says_its_answer_as_json_once_it_is_settled() -> None:
    market = await opened(teller("a", [Line(answer=3, says=["3"])]))

    pieces, outcome = await heard(market, count("x"))

    assert (["3"], 3) == (pieces, outcome.answer)


class Person(BaseModel):
    name: str
    age: int


@microtask(worth="$0.01", explore=False)
async def person(text: str) -> Person:
    """Who is it?"""
    raise NotImplementedError


async def partials(market: Market, call: Any = None) -> tuple[list[Any], Outcome[Any]]:
    async with market.stream(call or person("x")) as stream:
        values = [JSON.dump_python(one, exclude_unset=True) async for one in stream.partials()]
        return values, stream.outcome


async def test_typed_partials_come_as_the_answer_is_written_and_then_the_outcome() -> None:
    pieces = ['{"name": "An', 'na", "age": 4', "2}"]
    market = await opened(teller("a", [Line(answer="".join(pieces), says=pieces)]))

    values, outcome = await partials(market)

    assert [{"name": "An"}, {"name": "Anna"}, {"name": "Anna", "age": 42}] == values
    assert Person(name="Anna", age=42) == outcome.answer


async def test_a_partial_comes_before_the_answer_is_whole() -> None:
    whole = asyncio.Event()
    line = Line(answer='{"name": "Anna", "age": 42}', says=['{"name": "An'], until=whole)
    market = await opened(teller("a", [line]))

    async with market.stream(person("x")) as stream:
        first = await anext(stream.partials())
        whole.set()

    assert "An" == first.name


async def test_who_reads_slowly_is_told_fewer_partials_and_the_newest() -> None:
    said = asyncio.Event()
    says = ['{"name": "', *(f"{number} " for number in range(500)), '", "age": 4']
    market = await opened(teller("a", [Line(answer="".join(says) + "2}", says=says)]))

    async with market.stream(person("x")) as stream:
        asyncio.get_running_loop().call_later(0.2, said.set)
        await said.wait()
        values = [one async for one in stream.partials()]

    assert len(values) < 100
    assert values[-1].name.endswith("499 ")


async def test_who_follows_a_cut_typed_answer_begins_it_anew() -> None:
    second = teller("b", [Line(answer='{"name": "Bo", "age": 7}', says=['{"name": "Bo", "age": 7}'])])
    market = await opened(teller("a", [Line(reason=Reason.CUT, says=['{"name": "Anna", "a'])], right=0.9), second)

    values, outcome = await partials(market)

    assert [{"name": "Anna"}, {"name": "Bo", "age": 7}] == values
    assert (Person(name="Bo", age=7), "") == (outcome.answer, second.attempts[0][1].begun)


async def test_an_answer_that_fails_its_type_passes_for_nothing_although_its_partials_were_seen() -> None:
    market = await opened(teller("a", [Line(answer='{"name": "Anna", "age": "old"}', says=['{"name": "Anna", "age"'])]))

    values, outcome = await partials(market)

    assert ([{"name": "Anna"}], True) == (values, outcome.refused)


async def test_partials_of_a_text_are_all_of_it_so_far() -> None:
    market = await opened(teller("a", [Line(answer="A cat sat.", says=["A cat ", "sat."])]))

    assert ["A cat ", "A cat sat."] == (await partials(market, tale("a cat")))[0]

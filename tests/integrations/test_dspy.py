"""DSPy programs with the market beneath them."""

from __future__ import annotations

from typing import Literal

import dspy
import pytest
from tests.bidders.test_dspy import said

import atomic
from atomic.bidders.dspy_parts import StrictAdapter
from atomic.integrations.dspy import Refused, lm
from atomic.records.attempt import AttemptFinished
from atomic.records.microtask import Ask
from atomic.testing import Line, ScriptedBidder

MEMORY = {"market": {"ledger": ":memory:"}}


class Topic(dspy.Signature):  # type: ignore[misc] # DSPy ships no types
    """Sport or money?"""

    text: str = dspy.InputField()
    kind: Literal["sport", "money"] = dspy.OutputField()


def speaker(name: str, *, price: int = 5) -> ScriptedBidder:
    def script(ask: Ask) -> Line:
        talk = ask.conversation
        assert talk is not None
        return Line(answer=said(kind="sport" if "match" in talk.text else "money"), price=price)

    return ScriptedBidder(name, script, profile=atomic.Profile(name=name, kind="scripted", speaks=True))


def test_a_program_stays_as_it_is_and_the_market_answers() -> None:
    with atomic.open_sync(MEMORY, bidders=[speaker("one")]) as market:
        model = lm(market, name="topics")
        with dspy.context(lm=model, adapter=StrictAdapter()):
            assert "sport" == dspy.Predict(Topic)(text="a match").kind
        (attempt,) = [one.payload for one in market.ledger.read(kinds=("finished",))]
        (opened,) = [one.payload for one in market.ledger.read(kinds=("request",))]

    assert isinstance(attempt, AttemptFinished)
    assert ("one", 5) == (attempt.bidder, attempt.price)
    assert "topics" == opened.task  # type: ignore[union-attr] # a request


async def test_an_async_program_buys_from_an_async_market() -> None:
    async with atomic.open(MEMORY, bidders=[speaker("one")]) as market:
        with dspy.context(lm=lm(market), adapter=StrictAdapter()):
            assert "sport" == (await dspy.Predict(Topic).acall(text="a match")).kind


async def test_a_program_that_is_called_needs_a_market_that_waits() -> None:
    async with atomic.open(MEMORY, bidders=[speaker("one")]) as market:
        with dspy.context(lm=lm(market), adapter=StrictAdapter()), pytest.raises(Exception, match="acall it"):
            dspy.Predict(Topic)(text="a match")


def test_asking_twice_is_two_requests_with_two_prices() -> None:
    with atomic.open_sync(MEMORY, bidders=[speaker("one")]) as market:
        with dspy.context(lm=lm(market), adapter=StrictAdapter()):
            for _ in range(2):
                dspy.Predict(Topic)(text="a match")
        assert 2 == len(list(market.ledger.read(kinds=("outcome",))))


def test_a_refusal_reaches_the_program_with_its_reason() -> None:
    with (
        atomic.open_sync(MEMORY, bidders=[]) as market,
        dspy.context(lm=lm(market), adapter=StrictAdapter()),
        pytest.raises(Exception, match="the market refused: no bid is worth its price") as caught,
    ):
        dspy.Predict(Topic)(text="a match")

    assert any(isinstance(one, Refused) for one in (caught.value, caught.value.__cause__))


def test_a_response_says_who_answered_and_for_what_price() -> None:
    from dspy.lm15 import Message, Request

    with atomic.open_sync(MEMORY, bidders=[speaker("one"), speaker("two", price=9)]) as market:
        model = lm(market, bidder="two")
        response = model(Request(model=model.model, messages=(Message.user("a match"),)))
        (outcome,) = list(market.ledger.read(kinds=("outcome",)))

    told = response.provider_data["atomic"]
    assert (outcome.request_id, "two+conversation", 9e-9) == (response.id, told["winner"], told["cost_usd"])

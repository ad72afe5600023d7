"""A survey buys everybody's answer at once, and what it teaches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.market.shop import bidder, opened, spam

from atomic.errors import TaskError
from atomic.explain import explain
from atomic.market import Trade
from atomic.records import AttemptFinished, Award
from atomic.records.lesson import LessonsLearned
from atomic.records.request import EVERYBODY, RequestOpened
from atomic.replay import replay
from atomic.testing import Line

SURVEY = replace(spam.terms, survey=EVERYBODY)


async def test_a_survey_buys_every_bid_at_once_and_settles() -> None:
    market = await opened(
        bidder("a", ["spam"]), bidder("b", [Line(answer="ham", price=10)]), bidder("c", [Line(answer="spam", price=99)])
    )
    outcome = await market.buy(spam("x"), Trade(request_id="r", terms=SURVEY))
    awards = [event.payload for event in market.ledger.read(kinds=("award",)) if isinstance(event.payload, Award)]
    assert ("a+plain", "b+plain", "c+plain") == awards[0].chosen
    assert (1.0, ()) == (awards[0].propensity, awards[1].chosen)
    assert (2, 109) == (len(awards), outcome.cost)


async def test_a_survey_stays_within_its_price_the_cheapest_first() -> None:
    market = await opened(*(bidder(name, [Line(answer="spam", price=40)]) for name in "abc"))
    outcome = await market.buy(spam("x"), Trade(terms=replace(SURVEY, max_price=100)))
    assert 80 == outcome.cost


async def test_a_survey_asks_only_whom_it_names() -> None:
    market = await opened(*(bidder(name, ["spam"]) for name in "abc"))
    await market.buy(spam("x"), Trade(terms=replace(SURVEY, survey=("a", "c"))))
    asked = [one.payload.bidder for one in market.ledger.read() if isinstance(one.payload, AttemptFinished)]
    assert ["a", "c"] == asked


async def test_a_survey_is_replayed_bit_for_bit_and_explained() -> None:
    market = await opened(*(bidder(name, [answer]) for name, answer in (("a", "spam"), ("b", "ham"), ("c", "spam"))))
    await market.buy(spam("x"), Trade(request_id="r", terms=SURVEY))
    found = replay(market.ledger, deep=True)
    assert (2, 0) == (found.awards, found.differences)
    assert "b" in explain(market.ledger, "r").text()


async def test_each_answer_of_a_survey_can_be_judged_by_itself() -> None:
    market = await opened(*(bidder(name, ["spam"]) for name in "ab"))
    await market.buy(spam("x"), Trade(request_id="r", terms=SURVEY))
    await market.feedback("r", rights={"a+plain": 1.0, "b+plain": 0.25}, source="fact")
    learned = [one.payload for one in market.ledger.read() if isinstance(one.payload, LessonsLearned)][-1]
    assert {"a+plain": 1.0, "b+plain": 0.25} == {one.key: one.target for one in learned.lessons if one.kind == "right"}


async def test_who_did_not_answer_cannot_be_judged() -> None:
    market = await opened(bidder("a", ["spam"]))
    await market.buy(spam("x"), Trade(request_id="r", terms=SURVEY))
    with pytest.raises(TaskError, match="gave no answer"):
        await market.feedback("r", rights={"z+plain": 1.0})


async def test_a_request_has_its_own_domain() -> None:
    market = await opened(bidder("a", ["spam"]))
    await market.buy(spam("x"), Trade(request_id="r", domain="invoices"))
    await market.feedback("r", 1.0)
    payloads = [one.payload for one in market.ledger.read(request_id="r")]
    domains = {one.domain for one in payloads if isinstance(one, RequestOpened | LessonsLearned)}
    assert {"invoices"} == domains
    assert 0 == replay(market.ledger, deep=True).differences

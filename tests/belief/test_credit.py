"""Who speaks is believed as far as it holds against others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic.belief.counts import Count
from atomic.belief.credit import USUAL, Credit, reliability, surprise, weight
from atomic.records import FeedbackGiven, Lesson
from atomic.records.lesson import PRECEDENCE, Source


def record(*targets: float) -> Count:
    count = Count()
    for one in targets:
        count.add(one, 1.0, 0, 0)
    return count


def test_a_source_that_is_always_contradicted_weighs_less_and_less_until_nothing() -> None:
    weights = [weight("person/eve", record(*[0.0] * count)) for count in (0, 2, 5, 10, 20)]

    assert sorted(weights, reverse=True) == weights
    assert (1.0, 0.0) == (weights[0], weights[-1])


def test_a_judge_who_always_holds_against_people_comes_to_weigh_more() -> None:
    assert 0.5 < weight("judge", record(*[1.0] * 100)) < 0.8


def test_now_and_then_a_contradiction_costs_nothing() -> None:
    assert 1.0 == weight("person/ann", record(*([1.0] * 11 + [0.0]) * 10))


@settings(max_examples=50)
@given(st.sampled_from(PRECEDENCE), st.lists(st.floats(0.0, 1.0), max_size=40))
def test_whatever_was_compared_weight_and_reliability_are_shares(source: Source, targets: list[float]) -> None:
    assert 0.0 <= weight(source, record(*targets)) <= 1.0
    assert 0.0 <= reliability(source, record(*targets)) <= 1.0


@given(st.floats(0.01, 0.99))
def test_who_tells_the_truth_is_seldom_surprising(probability: float) -> None:
    usual = USUAL["person"]
    honest = probability * surprise(1.0, probability, usual) + (1 - probability) * surprise(0.0, probability, usual)
    liar = probability * surprise(0.0, probability, usual) + (1 - probability) * surprise(1.0, probability, usual)

    assert honest <= usual + 1e-4
    assert honest > 0.8
    assert liar <= honest + 1e-9


def test_who_alone_speaks_of_a_task_has_nobody_beside_it() -> None:
    credit = Credit()
    for _ in range(10):
        credit.spoke(FeedbackGiven(source="person", value=1.0, author="ann", task="spam"))
    assert 0.0 == credit.others("spam", "person/ann")[1]
    for _ in range(10):
        credit.spoke(FeedbackGiven(source="person", value=0.0, author="bob", task="spam"))

    share, beside = credit.others("spam", "person/ann")
    assert 0.0 == share
    assert 0.38 == pytest.approx(beside, abs=0.02)
    assert 0.0 == credit.others("tone", "person/ann")[1]


def test_a_word_of_half_the_weight_replaces_none_of_its_rank() -> None:
    credit = Credit()
    for n in range(30):
        credit.compared(Lesson(kind="source", key="person/eve", target=0.0, weight=1.0), n, n)
    eve, ann = (FeedbackGiven(source="person", value=0.0, author=one) for one in ("eve", "ann"))

    assert credit.may_replace(ann, [eve])
    assert not credit.may_replace(eve, [ann])
    assert not credit.may_replace(eve, [])

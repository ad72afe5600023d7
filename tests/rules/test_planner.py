"""Planning: line-ups become a model, or the reason why there is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.belief.lines import RIGHT, made

from atomic.belief.lineups import Lineup, OfTask
from atomic.records.award import Table
from atomic.records.event import decode, encode
from atomic.records.responses import ModelFitted, ResponseModel
from atomic.rules.planner import plan
from atomic.rules.states import structure


def task_of(lineups: list[Lineup], alternatives: int = 10) -> OfTask:
    found = OfTask(alternatives)
    found.kept.update({("", f"r{number}"): one for number, one in enumerate(lineups)})
    return found


def model_in(fitted: ModelFitted) -> ResponseModel:
    assert fitted.model is not None
    return fitted.model


def test_equal_line_ups_give_the_same_plan_bit_for_bit() -> None:
    one, other = (encode(plan("t", made(150, labelled=0.5).of_task(10), 7)) for _ in range(2))
    assert one == other


@settings(max_examples=5)
@given(st.integers(0, 1_000), st.sampled_from((0.0, 0.2, 1.0)))
def test_a_plan_survives_being_written_down(seed: int, labelled: float) -> None:
    fitted = plan("t", made(130, seed=seed, labelled=labelled).of_task(10), 7)
    assert fitted == decode(ModelFitted, encode(fitted))
    table = Table(alternatives=10, model=fitted.model)
    assert table == decode(Table, encode(table))


def test_a_model_says_of_how_many_line_ups_it_is_and_as_of_when() -> None:
    found = model_in(plan("t", made(100, labelled=0.0).of_task(10), 7))
    assert (7, 100, 0, tuple(RIGHT)) == (found.seq, found.lineups, found.labelled, found.keys)
    assert (100, 300, 50, 1_000) == found.prices


def test_a_level_has_a_shortlist_and_counts_of_its_states_where_they_did_better() -> None:
    for level in model_in(plan("t", made(400).of_task(10), 7)).levels:
        assert set(level.keys) <= set(RIGHT)
        assert len(level.keys) <= 6
        for one in level.seen:
            assert len(structure(len(level.keys), 3).names) == len(one.often) == len(one.right)


def test_counts_are_chosen_where_they_do_better() -> None:
    lineups = made(1_500, right={"ant+plain": (0.6, 0.6), "bee+plain": (0.6, 0.6)}, prices=(200, 100)).lineups
    for number, one in enumerate(lineups):  # who agree are wrong, and who differ are both right: no class says so
        ant, bee = one.groups
        differ, dog = float(ant != bee), 0 if number % 2 else 2
        one.keys, one.groups, one.prices = (*one.keys, "dog+plain"), (ant, bee, dog), (200, 100, 5_000)
        one.rights = {"ant+plain": (differ, 1.0, 1.0), "bee+plain": (differ, 1.0, 1.0), "dog+plain": (0.7, 1.0, 1.0)}
    assert any(level.seen for level in model_in(plan("t", task_of(lineups), 7)).levels)


def test_without_words_nothing_is_counted() -> None:
    assert not any(level.seen for level in model_in(plan("t", made(300, labelled=0.0).of_task(10), 7)).levels)


def test_answers_that_are_never_equal_say_nothing_of_each_other() -> None:
    lineups = made(60).lineups
    for one in lineups:
        one.groups = (0, 1, 2, 3)
    fitted = plan("t", task_of(lineups), 7)
    assert (None, True) == (fitted.model, fitted.apart)


def test_where_answers_come_with_a_confidence_the_copying_model_stays() -> None:
    lineups = made(60).lineups
    for one in lineups:
        one.confident = True
    fitted = plan("t", task_of(lineups), 7)
    assert (None, False) == (fitted.model, fitted.apart)
    assert "confidence" in fitted.why


@pytest.mark.parametrize("count", [1, 19])
def test_of_too_few_requests_with_several_answers_nothing_is_fitted(count: int) -> None:
    fitted = plan("t", made(count).of_task(10), 7)
    assert (None, False) == (fitted.model, fitted.apart)
    assert "too few" in fitted.why


@pytest.mark.parametrize(("labelled", "fits"), [(0.0, False), (1.0, True)])
def test_of_two_answers_without_a_word_nothing_is_fitted(labelled: float, fits: bool) -> None:
    lineups = made(200, labelled=labelled).lineups
    two = [one.without("ant+plain").without("bee+plain") for one in lineups]
    assert fits == (plan("t", task_of(two), 7).model is not None)


def test_line_ups_that_nobody_answered_do_no_harm() -> None:
    lineups = made(100, answers=0.6).lineups
    lineups[3].groups, lineups[3].rights = (-1,) * 4, {}
    assert 100 == model_in(plan("t", task_of(lineups), 7)).lineups


def test_bids_that_cost_nothing_can_be_planned_for() -> None:
    found = model_in(plan("t", made(100, prices=(0, 0, 0, 0)).of_task(10), 7))
    assert 1 == len(found.levels)

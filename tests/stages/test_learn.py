"""learn and settle: what happened becomes lessons and a hand of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.slates import bid, state

from atomic.records import Answered, AttemptFinished, Reason, State, Table
from atomic.records.lesson import PRECEDENCE
from atomic.records.microtask import microtask
from atomic.stages.learn import (
    Bought,
    Weight,
    from_agreement,
    from_failures,
    from_feedback,
    outranks,
    right_by_group,
    taken_back,
)
from atomic.stages.settle import EMPTY_HAND


@microtask(worth=1, step=0.01)
async def amount(text: str) -> float:
    """How much?"""
    raise NotImplementedError


def bought(name: str, group: int | None, reason: Reason | None = None, confidence: float | None = None) -> Bought:
    attempt = AttemptFinished(bidder=name, tactic="plain", group=group, reason=reason, confidence=confidence)
    return Bought(bid=bid(name, 0.8), attempt=attempt)


def test_every_pair_that_answered_teaches_agreement_and_nobody_with_itself() -> None:
    lessons = from_agreement(state(("a", 0, 0.8), ("b", 1, 0.7), ("a", 0, 0.8), ("c", 0, 0.6)), 2)

    found = {(one.key, one.target) for one in lessons}
    assert {("a+plain|b+plain", 0.0), ("a+plain|c+plain", 1.0), ("b+plain|c+plain", 0.0)} == found
    assert {"agree"} == {one.kind for one in lessons}


def test_failures_teach_but_for_those_that_say_nothing_of_quality() -> None:
    silent = {Reason.CANCELLED, Reason.INTERRUPTED, Reason.OVERTAKEN, Reason.FAILED, Reason.TIMED_OUT, Reason.DISAGREED}
    for reason in Reason:
        assert (0 if reason in silent else 1) == len(from_failures([bought("a", None, reason)]))
    assert [] == from_failures([bought("a", 0)])


def test_feedback_teaches_answers_claims_given_with_them_and_every_hand_on_the_way() -> None:
    lessons = from_feedback(
        [bought("a", 0, confidence=0.9), bought("b", 1)],
        {0: 1.0, 1: 0.0},
        state(("a", 0, 0.8), ("b", 1, 0.7)),
        Table(alternatives=2),
        Weight(0.5, 0.25),
    )

    found = [(one.kind, one.key, one.target, one.weight) for one in lessons]
    assert [
        ("right", "a+plain", 1.0, 0.5),
        ("answer", "a+plain", 1.0, 0.25),
        ("right", "b+plain", 0.0, 0.5),
        ("settle", "", 1.0, 0.25),
        ("settle", "", 1.0, 0.25),
    ] == found


def test_where_two_differed_it_is_learned_who_was_right_against_what_was_believed() -> None:
    def disputes(rights: dict[int, float], *, whole: bool = True) -> list[tuple[str, float, float, bool]]:
        held = state(("b", 0, 0.8), ("a", 1, 0.6), ("c", 0, 0.7))
        attempts = [bought("b", 0), bought("a", 1), bought("c", 0)]
        lessons = from_feedback(attempts, rights, held, Table(alternatives=9), Weight(1.0, 0.5), whole=whole)
        differ = [one for one in lessons if one.kind == "differ"]
        return [(one.key, one.target, one.weight, one.features[0] < 0.0) for one in differ]

    # Lessons name bids in order: a, who was wrong, was believed less than b and c.
    assert [("a+plain|b+plain", 0.0, 0.5, True), ("a+plain|c+plain", 0.0, 0.5, True)] == disputes({0: 1.0, 1: 0.0})
    assert [] == disputes({0: 0.0, 1: 0.0})
    assert [] == disputes({0: 1.0, 1: 0.0}, whole=False)  # who was wrong here would not be known had he been right


def test_what_is_taken_back_weighs_the_other_way_but_agreement_stands() -> None:
    lessons = from_feedback([bought("a", 0)], {0: 1.0}, state(("a", 0, 0.8)), Table(alternatives=2), Weight(1.0, 1.0))
    agreed = from_agreement(state(("a", 0, 0.8), ("b", 0, 0.8)), 2)

    assert [-one.weight for one in lessons] == [one.weight for one in taken_back([*lessons, *agreed])]


def test_the_ranks_of_sources_are_total() -> None:
    for better, one in enumerate(PRECEDENCE):
        for worse, other in enumerate(PRECEDENCE):
            assert (better <= worse) == outranks(one, other)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.floats(0.0, 1.0), st.sampled_from([0, 2, 5]))
def test_groups_are_never_right_together_to_more_than_1(said: list[int], value: float, alternatives: int) -> None:
    groups = [min(one, 1) if alternatives == 2 else one for one in said]
    answered = [Answered(key=str(n), group=group, probability=0.5) for n, group in enumerate(groups)]

    rights = right_by_group(answered, groups[0], value, alternatives)

    assert value == rights[groups[0]]
    assert sum(rights.values()) <= 1.0 + 1e-12


def test_equal_answers_join_one_group_as_their_type_says() -> None:
    hand = EMPTY_HAND
    for name, answer in (("a", 1.0), ("b", 1.001), ("c", 2.0), ("d", 1.0)):
        hand = hand.taking(amount, f"{name}+plain", answer, 0.5)

    assert [0, 0, 1, 0] == [one.group for one in hand.state.answered]
    assert [1.0, 2.0] == [group.answer for group in hand.groups]
    assert State() == EMPTY_HAND.state


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_with_many_possible_answers_others_are_known_wrong_only_where_ours_is_wholly_right(value: float) -> None:
    answered = [Answered(key="a", group=0, probability=0.5), Answered(key="b", group=1, probability=0.5)]

    assert ({0: 1.0, 1: 0.0} if value == 1.0 else {0: value}) == right_by_group(answered, 0, value, 0)

"""From who agrees with whom to the probability that an answer is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.slates import probabilities, state, states, tables

from atomic.records import State, Table
from atomic.rules.posterior import (
    NOTHING,
    Dependence,
    Posterior,
    after,
    best_after,
    calibrated,
    joint_probability,
    of_state,
    possible,
)


@given(st.data(), tables())
def test_a_posterior_sums_to_1(data: st.DataObject, table: Table) -> None:
    posterior = of_state(data.draw(states(table.alternatives)), table)

    assert 1.0 == pytest.approx(sum(posterior.groups) + posterior.unsaid, abs=1e-12)
    assert all(0.0 <= share <= 1.0 for share in (*posterior.groups, posterior.unsaid))


@given(st.data(), tables(), probabilities, st.floats(0.0, 0.95))
def test_the_chances_of_what_one_more_answer_says_sum_to_1(
    data: st.DataObject, table: Table, right: float, copy: float
) -> None:
    before = of_state(data.draw(states(table.alternatives)), table)
    source = data.draw(st.integers(0, max(0, len(before.groups) - 1)))

    chances, outcomes = after(before, Dependence(copy, right, source), possible(table.alternatives))

    assert len(before.groups) + 1 == len(chances) == len(outcomes)
    assert 1.0 == pytest.approx(sum(chances), abs=1e-12)


@given(st.data(), tables(), probabilities, st.floats(0.0, 0.95))
def test_an_answer_yet_to_come_does_not_change_what_is_expected_of_each_group(
    data: st.DataObject, table: Table, right: float, copy: float
) -> None:
    before = of_state(data.draw(states(table.alternatives)), table)

    chances, outcomes = after(before, Dependence(copy, right, 0), possible(table.alternatives))

    for group, share in enumerate(before.groups):
        expected = sum(chance * outcome.groups[group] for chance, outcome in zip(chances, outcomes, strict=True))
        assert share == pytest.approx(expected, abs=1e-9)


def test_when_every_possible_answer_was_said_nothing_new_can_be() -> None:
    before = of_state(state(("ant", 0, 0.9), ("bee", 1, 0.6)), Table(alternatives=2))

    chances, outcomes = after(before, Dependence(0.0, 0.7, 0), 2)

    assert 0.0 == chances[-1]
    assert 0.0 == before.unsaid == outcomes[0].unsaid


@given(st.sampled_from((0, 2, 3, 10)), st.floats(0.51, 0.99), st.floats(0.51, 0.99), st.floats(0.0, 0.9))
def test_agreeing_raises_and_differing_lowers(alternatives: int, first: float, second: float, copy: float) -> None:
    table = Table(alternatives=alternatives, copying=(("ant+plain|bee+plain", copy),))
    alone = of_state(state(("ant", 0, first)), table).groups[0]

    agreeing = of_state(state(("ant", 0, first), ("bee", 0, second)), table).groups[0]
    differing = of_state(state(("ant", 0, first), ("bee", 1, second)), table).groups[0]

    assert differing <= alone + 1e-12
    assert alone <= agreeing + 1e-12


@given(st.floats(0.51, 0.99), st.floats(0.51, 0.99))
def test_a_likely_copy_agreeing_says_less_than_an_independent_voice(first: float, second: float) -> None:
    def together(copy: float) -> float:
        table = Table(alternatives=3, copying=(("ant+plain|bee+plain", copy),))
        return of_state(state(("ant", 0, first), ("bee", 0, second)), table).groups[0]

    assert together(0.9) - 1e-12 <= together(0.5) <= together(0.0) + 1e-12
    assert together(0.9) < together(0.0) or first == second


@given(st.lists(st.tuples(st.integers(0, 1), probabilities), min_size=1, max_size=5), st.randoms())
def test_without_copying_the_order_of_answers_changes_nothing(answers: list[tuple[int, float]], random: object) -> None:
    names = [f"n{index}" for index in range(len(answers))]
    shares = tuple(sorted((f"{a}+plain|{b}+plain", 0.0) for a in names for b in names if a < b))
    table = Table(alternatives=2, copying=shares)

    def by_answer(order: list[int]) -> dict[int, float]:
        said: list[int] = []
        held: list[tuple[str, int, float]] = []
        for index in order:
            answer, probability = answers[index]
            if answer not in said:
                said.append(answer)
            held.append((names[index], said.index(answer), probability))
        return dict(zip(said, of_state(state(*held), table).groups, strict=True))

    forward, backward = by_answer(list(range(len(answers)))), by_answer(list(range(len(answers)))[::-1])

    assert set(forward) == set(backward)
    for answer, share in forward.items():
        assert share == pytest.approx(backward[answer], abs=1e-9)


def test_with_copying_the_order_of_answers_counts() -> None:
    """The later of two likely copies is discounted, whichever it is: a stated effect of order."""
    table = Table(alternatives=2, copying=(("ant+plain|bee+plain", 0.9),))

    strong_first = of_state(state(("ant", 0, 0.9), ("bee", 0, 0.6)), table).groups[0]
    weak_first = of_state(state(("bee", 0, 0.6), ("ant", 0, 0.9)), table).groups[0]

    assert weak_first < strong_first


@pytest.mark.parametrize("first", ["ant", "bee"])
def test_who_was_right_when_two_differed_is_believed_more_than_their_own_words(first: str) -> None:
    """Whoever comes first, and with a hundred possible answers as with two, down to a guess."""
    second = "bee" if first == "ant" else "ant"
    held = state((first, 0, 0.6 if first == "ant" else 0.7), (second, 1, 0.6 if second == "ant" else 0.7))
    claims = of_state(held, Table(alternatives=100)).groups
    record = of_state(held, Table(alternatives=100, differing=(("ant+plain|bee+plain", 2.0, 0.3),))).groups
    ant, bee = (0, 1) if first == "ant" else (1, 0)

    assert claims[ant] < claims[bee]
    assert record[ant] > record[bee]


def test_a_record_of_two_says_nothing_of_a_third() -> None:
    held = state(("ant", 0, 0.6), ("cat", 1, 0.7))

    assert of_state(held, Table(alternatives=9)) == of_state(
        held, Table(alternatives=9, differing=(("ant+plain|bee+plain", 2.0, 0.3),))
    )


def test_a_record_that_says_what_claims_say_changes_nothing() -> None:
    held = state(("ant", 0, 0.6), ("bee", 1, 0.7), ("cat", 0, 0.5))
    record = Table(alternatives=9, differing=(("ant+plain|bee+plain", 0.0, 1.0), ("ant+plain|cat+plain", 0.0, 1.0)))

    assert of_state(held, record).groups == pytest.approx(of_state(held, Table(alternatives=9)).groups, abs=1e-12)


def test_nothing_in_hand_is_nothing_known() -> None:
    assert NOTHING == of_state(State(), Table(alternatives=2))
    assert (0.0, -1) == joint_probability(State(), Table(alternatives=2))
    assert (0.4, 0) == Posterior((0.4, 0.4), 0.2).best


def test_calibration_is_of_the_number_of_answers_and_five_stand_for_more() -> None:
    settling = ((1, 0.0, 0.5), (5, -1.0, 1.0))

    assert 0.9 == calibrated(0.9, 2, settling)
    assert 0.5 < calibrated(0.9, 1, settling) < 0.9
    assert calibrated(0.9, 5, settling) == calibrated(0.9, 8, settling) < 0.9


@given(st.data(), tables(), probabilities, st.floats(0.0, 0.95))
def test_the_short_sums_of_the_lookahead_are_those_of_the_posteriors(
    data: st.DataObject, table: Table, right: float, copy: float
) -> None:
    before = of_state(data.draw(states(table.alternatives)), table)
    answers = possible(table.alternatives)

    chances, outcomes = after(before, Dependence(copy, right, 0), answers)
    short = best_after(before, Dependence(copy, right, 0), answers)

    for chance, outcome, (total, top) in zip(chances, outcomes, short, strict=True):
        assert chance == pytest.approx(total, abs=1e-12)
        assert chance * outcome.best[0] == pytest.approx(top, abs=1e-12)

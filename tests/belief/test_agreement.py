"""Copies are found, and so is independence, without a single label."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.belief.agreement import PRIOR, Pair, copying, copying_prior, expected_agreement, pair


def seen(copied: float, first: float, second: float, alternatives: int, cases: int = 2000) -> float:
    """What is believed after watching two bidders of these qualities, one of which copies so often."""
    random, found = Random(7), Pair()
    for _ in range(cases):
        one = 0 if random.random() < first else random.randrange(1, alternatives)
        if random.random() < copied:
            other = one
        else:
            other = 0 if random.random() < second else random.randrange(1, alternatives)
        found.add(float(one == other), expected_agreement(first, second, alternatives))
    return found.copying(PRIOR)


@pytest.mark.parametrize("copied", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("alternatives", [2, 5])
def test_the_share_of_copies_is_found(copied: float, alternatives: int) -> None:
    assert copied == pytest.approx(seen(copied, 0.7, 0.7, alternatives), abs=0.07)


def test_before_anything_is_seen_the_prior_holds_and_little_evidence_moves_it_little() -> None:
    assert PRIOR == Pair().copying(PRIOR)
    assert abs(seen(0.9, 0.7, 0.7, 2, cases=3) - PRIOR) < abs(seen(0.9, 0.7, 0.7, 2, cases=50) - PRIOR)


def test_those_who_could_hardly_disagree_say_little() -> None:
    sure, doubtful = Pair(), Pair()
    for _ in range(20):
        sure.add(1.0, expected_agreement(0.99, 0.99, 2))
        doubtful.add(1.0, expected_agreement(0.6, 0.6, 2))

    assert PRIOR < sure.copying(PRIOR) < 0.5 < doubtful.copying(PRIOR)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 50))
def test_expected_agreement_is_a_probability_and_symmetric(first: float, second: float, alternatives: int) -> None:
    expected = expected_agreement(first, second, alternatives)

    assert 0.0 <= expected <= 1.0 + 1e-12
    assert expected == pytest.approx(expected_agreement(second, first, alternatives), abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0)), max_size=50))
def test_a_share_of_copies_lies_between_0_and_95_in_100(history: list[tuple[float, float]]) -> None:
    found = Pair()
    for agreed, expected in history:
        found.add(agreed, expected)

    assert 0.0 <= found.copying(PRIOR) <= 0.95


def test_a_pair_has_one_name_and_a_bidder_errs_with_itself() -> None:
    assert pair("b+x", "a+x") == pair("a+x", "b+x") == "a+x|b+x"
    assert copying_prior("a+x", "b+x") < copying_prior("a+x", "a+y")
    assert 0.1 == copying({"a+x|b+x": 0.1}, "b+x", "a+x")
    assert copying_prior("a+x", "c+x") == copying({"a+x|b+x": 0.1}, "c+x", "a+x")

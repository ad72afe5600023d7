"""exp and log in plain operations: near the true value, monotone, and never out of range."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic.belief.arithmetic import exp, log, logit, moderated, sigmoid

finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=1000)
@given(st.floats(-700.0, 700.0))
def test_exp_is_within_two_units_in_the_last_place(x: float) -> None:
    assert abs(exp(x) - math.exp(x)) <= 2 * math.ulp(math.exp(x))


@settings(max_examples=1000)
@given(st.floats(min_value=5e-324, allow_infinity=False))
def test_log_is_within_two_units_in_the_last_place(x: float) -> None:
    assert abs(log(x) - math.log(x)) <= 2 * math.ulp(math.log(x))


def test_log_is_exact_enough_near_1_where_digits_cancel() -> None:
    for steps in range(-2000, 2000):
        x = 1.0 + steps * 2.0**-40
        assert abs(log(x) - math.log(x)) <= 2 * math.ulp(math.log(x))


@pytest.mark.parametrize(("function", "low", "high"), [(exp, -30.0, 30.0), (log, 1e-6, 1e6), (sigmoid, -40.0, 40.0)])
def test_they_rise_over_a_fine_grid(function: object, low: float, high: float) -> None:
    assert callable(function)
    values = [function(low + (high - low) * step / 20_000) for step in range(20_001)]

    assert all(one <= other for one, other in pairwise(values))


@given(finite, finite)
def test_sigmoid_never_falls_and_stays_in_0_to_1(first: float, second: float) -> None:
    low, high = sorted((first, second))

    assert 0.0 <= sigmoid(low) <= sigmoid(high) <= 1.0 or sigmoid(low) - sigmoid(high) < 1e-15


@given(st.floats(1e-6, 1 - 1e-6))
def test_logit_and_sigmoid_undo_each_other(p: float) -> None:
    assert p == pytest.approx(sigmoid(logit(p)), rel=1e-9)
    assert logit(p) == pytest.approx(math.log(p / (1 - p)), abs=1e-9)


def test_far_beyond_the_range_they_are_clipped() -> None:
    assert exp(1e308) == exp(700.0)
    assert exp(-1e308) == exp(-700.0) > 0.0
    assert logit(0.0) == logit(1e-6) == -logit(1.0) or abs(logit(0.0) + logit(1.0)) < 1e-9


@given(st.floats(-10.0, 10.0), st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_uncertainty_draws_a_probability_towards_a_half(mean: float, first: float, second: float) -> None:
    less, more = sorted((first, second))

    assert abs(moderated(mean, more) - 0.5) <= abs(moderated(mean, less) - 0.5) + 1e-15

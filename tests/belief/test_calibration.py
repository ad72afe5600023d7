"""What a claim is worth is learned from what earlier claims came to."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.belief.arithmetic import logit
from atomic.belief.calibration import Calibrator

shares = st.floats(0.0, 1.0)
odds = st.floats(-14.0, 14.0)


def fresh() -> Calibrator:
    return Calibrator(means=(0.0, 0.5, 0.5), variances=(0.25, 0.15, 0.15))


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-1.0, 0.5), (0.5, 0.0), (1.0, 2.0)])
def test_it_converges_to_the_known_truth(intercept: float, slope: float) -> None:
    random, calibrator = Random(3), Calibrator(means=(0.0, 1.0), variances=(4.0, 4.0))
    for _ in range(4000):
        claimed = random.uniform(-3.0, 3.0)
        true = 1.0 / (1.0 + math.exp(-(intercept + slope * claimed)))
        calibrator.update((1.0, claimed), float(random.random() < true))

    for claimed in (-2.0, 0.0, 2.0):
        true = 1.0 / (1.0 + math.exp(-(intercept + slope * claimed)))
        assert true == pytest.approx(calibrator.predict((1.0, claimed))[0], abs=0.05)


def test_a_boaster_is_soon_not_believed() -> None:
    calibrator, x = fresh(), (1.0, logit(0.5), logit(0.99))
    before, _ = calibrator.predict(x)
    for _ in range(30):
        calibrator.update(x, right=0.0)
        calibrator.update(x, right=1.0)

    assert 0.8 < before
    assert 0.5 == pytest.approx(calibrator.predict(x)[0], abs=0.12)


@given(st.lists(st.tuples(odds, odds, shares, st.sampled_from([1.0, 0.2, -1.0, -0.5])), max_size=60))
def test_whatever_is_learned_and_taken_back_it_stays_a_probability(
    lessons: list[tuple[float, float, float, float]],
) -> None:
    calibrator = fresh()
    for mean, claim, right, weight in lessons:
        calibrator.update((1.0, mean, claim), right, weight)
        probability, spread = calibrator.predict((1.0, mean, claim))
        assert 0.0 <= probability <= 1.0
        assert 0.0 <= spread <= 0.5
        assert all(math.isfinite(one) for row in calibrator.state() for one in row)


@given(odds, odds, shares)
def test_a_lesson_narrows_the_spread_and_moves_towards_what_was_seen(mean: float, claim: float, right: float) -> None:
    calibrator, x = fresh(), (1.0, mean, claim)
    variance = [calibrator.covariance[i][i] for i in range(3)]
    z = calibrator.mean[1] * mean + calibrator.mean[2] * claim
    seen = 1.0 / (1.0 + math.exp(-z))
    calibrator.update(x, right)
    moved = sum(weight * value for weight, value in zip(calibrator.mean, x, strict=True)) - z

    assert all(calibrator.covariance[i][i] <= variance[i] for i in range(3))
    assert moved * (right - seen) >= 0.0


@given(odds, odds, shares, shares, st.integers(0, 40))
def test_correcting_the_last_lesson_is_as_if_the_right_one_had_been_given(
    mean: float, claim: float, mistaken: float, true: float, earlier: int
) -> None:
    corrected, right_at_once, x = fresh(), fresh(), (1.0, mean, claim)
    for calibrator in (corrected, right_at_once):
        random = Random(earlier)
        for _ in range(earlier):
            calibrator.update((1.0, random.gauss(0, 1), random.gauss(0, 1)), float(random.random() < 0.7))
    corrected.update(x, mistaken, 0.5)
    corrected.correct(x, (mistaken, 0.5), (true, 0.5))
    right_at_once.update(x, true, 0.5)

    assert right_at_once.mean == pytest.approx(corrected.mean, abs=1e-9)
    assert right_at_once.covariance == corrected.covariance


def test_a_person_correcting_a_judge_weighs_what_a_person_weighs() -> None:
    corrected, alone, x = fresh(), fresh(), (1.0, 0.0, 0.5)
    corrected.update(x, 0.0, 0.5)
    corrected.correct(x, (0.0, 0.5), (1.0, 1.0))
    alone.update(x, 1.0, 1.0)

    assert alone.predict(x)[0] == pytest.approx(corrected.predict(x)[0], abs=0.01)


def test_somebody_who_changes_their_mind_a_thousand_times_leaves_the_trace_of_one() -> None:
    calibrator, once, x = fresh(), fresh(), (1.0, 1.0, 2.0)
    once.update(x, 0.0)
    calibrator.update(x, 0.0)
    for _ in range(500):
        calibrator.correct(x, (0.0, 1.0), (1.0, 1.0))
        calibrator.correct(x, (1.0, 1.0), (0.0, 1.0))

    assert once.mean == pytest.approx(calibrator.mean, abs=1e-9)

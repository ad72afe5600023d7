"""Bets whose capital is evidence: how often they are wrong, however often one looks, and how soon they are right."""

import random

import pytest

from atomic.rules.betting import Bet, interval, more_needed

ALPHA = 0.05


def paired(rng: random.Random, better: float, differ: float = 0.25) -> float:
    """A paired difference in [-1, 1] of right answers that differ so often, with this mean."""
    if rng.random() >= differ:
        return 0.0
    return 1.0 if rng.random() < 0.5 + better / (2.0 * differ) else -1.0


def first_crossing(seed: int, better: float, most: int) -> int | None:
    """After how many pairs the bet on "better" has won, looking after every one of them."""
    rng, bet = random.Random(seed), Bet()
    for count in range(1, most + 1):
        bet.add(paired(rng, better))
        if bet.capital >= 1.0 / ALPHA:
            return count
    return None


def test_looking_after_every_pair_is_wrong_less_often_than_alpha_when_nothing_is_better() -> None:
    runs = 160
    wrong = sum(first_crossing(seed, 0.0, 500) is not None for seed in range(runs))
    assert wrong / runs <= ALPHA


def test_somebody_slightly_worse_is_hardly_ever_taken_for_better() -> None:
    assert sum(first_crossing(seed, -0.03, 500) is not None for seed in range(60)) <= 1


def test_somebody_better_is_found() -> None:
    found = [first_crossing(seed, 0.1, 2_000) for seed in range(24)]
    assert None not in found
    assert sorted(one for one in found if one is not None)[12] < 400


def test_a_mean_drifting_back_to_nothing_is_not_taken_for_better() -> None:
    """The null holds at every step: what is worse first and no better later never wins more often than alpha."""
    wrong = 0
    for seed in range(80):
        rng, bet = random.Random(seed), Bet()
        for count in range(500):
            bet.add(paired(rng, -0.1 if count < 100 else 0.0))
            if bet.capital >= 1.0 / ALPHA:
                wrong += 1
                break
    assert wrong / 80 <= ALPHA


@pytest.mark.parametrize("mean", [0.02, 0.5, 0.97])
def test_the_interval_holds_the_mean_at_all_times_at_once(mean: float) -> None:
    runs, missed = 25, 0
    looks = (5, 20, 80, 200)
    for seed in range(runs):
        rng = random.Random(seed)
        values = [1.0 if rng.random() < mean else 0.0 for _ in range(looks[-1])]
        bounds = [interval([(one, 1.0) for one in values[:count]], 0.0, 1.0, ALPHA) for count in looks]
        missed += any(not low <= mean <= high for low, high in bounds)
    assert missed / runs <= ALPHA


def test_weights_known_beforehand_keep_the_interval_right() -> None:
    missed = 0
    for seed in range(25):
        rng = random.Random(seed)
        values = [(paired(rng, 0.05), rng.choice((0.25, 1.0))) for _ in range(300)]
        low, high = interval(values, -1.0, 1.0, ALPHA)
        missed += not low <= 0.05 <= high
    assert missed <= 1


def test_a_corrected_value_takes_the_place_of_what_it_was() -> None:
    corrected, plain = Bet(), Bet()
    for value in (1.0, -1.0, 0.5):
        corrected.add(value)
    corrected.add(-1.0, times=-1)
    corrected.add(1.0)
    for value in (1.0, 1.0, 0.5):
        plain.add(value)
    assert pytest.approx(plain.capital) == corrected.capital
    assert plain.count == corrected.count == 3


def test_fewer_pairs_are_needed_the_clearer_the_difference_is() -> None:
    assert more_needed(0, 0.2, 0.25, ALPHA) < more_needed(0, 0.05, 0.25, ALPHA) < more_needed(0, 0.05, 0.5, ALPHA)


def test_what_more_needed_says_is_about_what_it_takes() -> None:
    found = sorted(first_crossing(seed, 0.1, 4_000) or 4_000 for seed in range(24))
    said = more_needed(0, 0.1, 0.25 - 0.01, ALPHA)
    assert found[12] < said < 2 * found[18]

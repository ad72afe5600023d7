"""An example is retired when answers that repeat it are wrong more often than was believed, and seldom otherwise."""

import random

from atomic.rules.misleading import Doubt


def decided(rate: float, believed: float, *, seed: int, shown: int = 200) -> int | None:
    """After how many repeated answers the example is found to mislead."""
    draw, doubt = random.Random(seed), Doubt()
    for number in range(1, shown + 1):
        doubt.add(wrong=float(draw.random() < rate), expected=1.0 - believed)
        if doubt.misleading:
            return number
    return None


def test_honest_examples_are_retired_as_seldom_as_promised() -> None:
    retired = [seed for seed in range(1_000) if decided(0.2, 0.8, seed=seed) is not None]

    assert len(retired) <= 8  # of 1,000, where 5 are to be expected at most


def test_poisoned_examples_are_found_within_a_few_answers() -> None:
    found = [decided(0.95, 0.8, seed=seed) for seed in range(200)]

    assert all(one is not None and one <= 12 for one in found)


def test_where_errors_are_expected_an_example_is_not_blamed_for_them() -> None:
    assert all(decided(0.6, 0.4, seed=seed) is None for seed in range(50))


def test_what_is_taken_back_leaves_nothing() -> None:
    doubt = Doubt()
    for times in (1, -1):
        for _ in range(9):
            doubt.add(wrong=1.0, expected=0.1, times=times)

    assert not doubt.misleading
    assert (0, 0.0) == (doubt.shown, doubt.wrong)

"""Fitting finds planted classes, from labels, from none, from few, and where answers are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.belief.lines import RIGHT, SHARES, made

from atomic.belief.lines import lines
from atomic.belief.responses import Recipe, by_domain, fit, guess, told

PLANTED = np.array([sum(share * one for share, one in zip(SHARES, right, strict=True)) for right in RIGHT.values()])
TWO = Recipe(classes=2, popular=0.5, popular_weight=100.0)


@pytest.mark.parametrize(
    ("given", "most"),
    [({}, 0.04), ({"labelled": 0.1}, 0.05), ({"answers": 0.7}, 0.05), ({"labelled": 0.0}, 0.08)],
    ids=["all labelled", "one in ten", "missing answers", "none"],
)
def test_how_right_each_bid_is_is_found(given: dict[str, Any], most: float) -> None:
    found = lines(made(1_500, **given).lineups)
    model = fit(found, 10, TWO)
    assert np.abs(model.right @ model.whole - PLANTED).max() < most


def test_planted_classes_are_found() -> None:
    model = fit(lines(made(3_000).lineups), 10, TWO)
    order = np.argsort(-model.right.mean(axis=0))
    assert np.abs(model.right[:, order] - np.array(list(RIGHT.values()))).max() < 0.12
    assert np.abs(model.whole[order] - np.array(SHARES)).max() < 0.12


def test_equal_line_ups_give_an_equal_model() -> None:
    one, other = (fit(lines(made(300, labelled=0.3).lineups), 10, Recipe()) for _ in range(2))
    assert one.right.tobytes() == other.right.tobytes()
    assert one.popular.tobytes() == other.popular.tobytes()


def test_where_two_answers_are_possible_who_is_wrong_agrees() -> None:
    model = fit(lines(made(300, alternatives=2).lineups), 2, Recipe(labels=False, popular=0.7, popular_weight=1e5))
    assert (model.popular > 0.99).all()


def test_a_word_of_little_weight_moves_little() -> None:
    lied = made(400, labelled=0.0)
    for one, truth in zip(lied.lineups, lied.truths, strict=True):
        one.rights = {key: (float(group != truth), 0.05, 0.05) for key, group in zip(one.keys, one.groups, strict=True)}
    trusted, doubted = (fit(lines(one.lineups), 10, TWO) for one in (made(400, labelled=0.0), lied))
    assert np.abs(trusted.right @ trusted.whole - doubted.right @ doubted.whole).max() < 0.1


def test_complaints_alone_do_not_make_everybody_wrong() -> None:
    complained = made(600)
    for one, truth in zip(complained.lineups, complained.truths, strict=True):
        wrong = one.groups[0] != truth
        one.rights = {"ant+plain": (0.0, 1.0, 0.05)} if wrong else {}
    found = lines(complained.lineups)
    assert by_domain(found, fit(found, 10, TWO))[0, 0] > 0.5


def test_equal_answers_are_equally_right_where_only_one_was_judged() -> None:
    one = made(1, right={"ant+plain": (1.0, 1.0), "bee+plain": (1.0, 1.0)}, prices=(1, 1)).lineups[0]
    one.rights = {"ant+plain": (1.0, 0.5, 0.25)}
    found = lines([one])
    assert ([1.0, 1.0], [0.5, 0.5], [0.25, 0.25]) == (
        found.right[0].tolist(),
        found.word[0].tolist(),
        found.alone[0].tolist(),
    )


def test_who_answered_twice_counts_with_the_first_answer() -> None:
    one = made(1).lineups[0]
    one.keys, one.groups, one.prices, one.rights = ("a", "a"), (0, 1), (3, 9), {}
    found = lines([one])
    assert (0, 3.0) == (found.said[0, 0], found.price[0, 0])


def test_a_model_is_told_in_each_domain_and_in_all_together() -> None:
    several = made(200)
    for number, one in enumerate(several.lineups):
        one.domain = "mail" if number % 3 else "news"
    found = lines(several.lineups)
    model = fit(found, 10, TWO)
    assert ["", "mail", "news"] == [one.domain for one in told(model, by_domain(found, model), found.domains)]


def test_nobody_is_thought_worse_than_a_guess() -> None:
    found = lines(made(400, right={**RIGHT, "eel+plain": (0.0, 0.0)}, prices=(1, 1, 1, 1, 1)).lineups)
    chances = by_domain(found, fit(found, 10, TWO))
    assert guess(1 / 9) == chances[0, found.keys.index("eel+plain")]

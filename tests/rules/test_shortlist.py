"""Who matters at a worth, what a policy comes to, and counts of states beside hidden classes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.belief.lines import made
from tests.rules.models import model

from atomic.belief.lines import lines
from atomic.rules.shortlist import Classes, Counted, candidates, play, policy, shortlist, stands
from atomic.rules.states import structure

RIGHTS = {"ant": (0.95, 0.35), "bee": (0.9, 0.55), "cat": (0.8, 0.2), "dog": (0.97, 0.75)}
COSTS = np.array([[100.0, 300.0, 50.0, 1_000.0]])
MODEL = model(RIGHTS)
CLASSES = Classes(MODEL.domains, MODEL.popular, MODEL.accident)
QUALITY = np.array([0.71, 0.76, 0.56, 0.88])


def test_a_high_worth_has_the_best_on_the_list_and_a_low_one_the_cheap() -> None:
    dear = shortlist(CLASSES, COSTS, np.array([1.0]), QUALITY, 1e6, 2)
    cheap = shortlist(CLASSES, COSTS, np.array([1.0]), QUALITY, 200.0, 2)
    assert (True, False) == (3 in dear, 3 in cheap)


@given(st.lists(st.tuples(st.floats(0.1, 0.9), st.integers(0, 1_000)), min_size=1, max_size=40))
def test_candidates_have_the_best_the_cheapest_and_no_more_than_ten(bids: list[tuple[float, int]]) -> None:
    quality, prices = (np.array(one, dtype=np.float64) for one in zip(*bids, strict=True))
    found = candidates(quality, prices, 1_000.0)
    assert min(10, len(bids)) == len(set(found)) == len(found)
    assert {int(np.argsort(-quality, kind="stable")[0]), int(np.argsort(prices, kind="stable")[0])} <= set(found)


def test_who_is_not_to_be_asked_is_on_no_shortlist() -> None:
    asked = np.array([True, True, False, True])
    found = shortlist(CLASSES, COSTS, np.array([1.0]), QUALITY, 200.0, 4, asked)
    assert (0, 1, 3) == found


def test_every_row_stands_in_the_state_of_its_answers() -> None:
    shape, found = structure(3, 3), lines(made(40, answers=0.8).lineups)
    said = found.said[:, :3]
    for mask, where in stands(shape, said).items():
        who = [bid for bid in range(3) if mask >> bid & 1]
        for row, state in zip(said, where, strict=True):
            expected = -1 if any(row[bid] < 0 for bid in who) else shape.number({bid: int(row[bid]) for bid in who})[0]
            assert expected == state


def test_a_policy_that_buys_one_answer_pays_and_is_right_as_that_bid() -> None:
    items = lines(made(200).lineups)
    played = play(policy(CLASSES, (3,), 1, COSTS, 1e6), items)
    assert (items.right[:, 3].tolist(), {1_000.0}) == (played.right.tolist(), set(played.price))
    assert {1} == set(played.answers)


def test_who_has_no_answer_is_paid_and_not_right() -> None:
    one = made(1).lineups[0]
    one.groups, one.rights = (-1, -1, -1, -1), {}
    played = play(policy(CLASSES, (3,), 1, COSTS, 1e6), lines([one]))
    assert (0.0, 1_000.0) == (played.right[0], played.price[0])


def test_counts_come_to_what_was_seen_and_without_any_to_the_classes() -> None:
    keys, none, many = (0, 1, 3), lines(made(0).lineups[:0] or [made(1).lineups[0]]), lines(made(4_000).lineups)
    prior = CLASSES.odds(keys, 3, 0)[1]
    assert np.abs(Counted(none, CLASSES).seen(keys, 3)[0].right - prior.right).max() < 0.34
    seen = Counted(many, CLASSES).seen(keys, 3)[0]
    at = stands(structure(3, 3), many.said[:, list(keys)])[0b001]
    state = int(at[0])
    assert abs(float(np.nanmean(many.right[:, 0])) - seen.right[state, 0]) < 0.02


def test_judged_answers_count_as_much_as_their_word_weighs() -> None:
    lineups = made(300).lineups
    for one in lineups:
        one.rights = dict.fromkeys(one.keys, (0.0, 0.02, 0.02))
    seen = Counted(lines(lineups), CLASSES).seen((3,), 1)[0]
    assert 0.1 < seen.right[1, 0] < CLASSES.odds((3,), 1, 0)[1].right[1, 0]

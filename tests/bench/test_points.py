"""Operating points: what is spent comes out as asked, by buying at two worths where none alone does it."""

from __future__ import annotations

import pytest

from atomic.bench.routing.points import Point, hull
from atomic.bench.routing.rehearsal import Rehearsed

FOUND = {
    1: Rehearsed(1.0, 0.5, 0.5),
    2: Rehearsed(2.0, 0.6, 1.0),
    3: Rehearsed(5.0, 0.65, 1.0),
    4: Rehearsed(6.0, 0.8, 1.0),
    5: Rehearsed(7.0, 0.79, 1.0),
    6: Rehearsed(9.0, 0.85, 1.0),
}


def test_the_hull_has_what_no_mixture_of_others_beats() -> None:
    assert [2, 4, 6] == hull(list(FOUND), FOUND.__getitem__)


def test_what_leaves_items_without_an_answer_is_on_no_hull_unless_everything_does() -> None:
    assert [1] == hull([1], FOUND.__getitem__)
    assert 1 not in hull([1, 2], FOUND.__getitem__)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_items_is_bought_at_the_higher_worth_always_the_same(share: float) -> None:
    point = Point(10, 20, share)
    drawn = [point.worth(f"item {number}") for number in range(2_000)]
    assert drawn == [point.worth(f"item {number}") for number in range(2_000)]
    assert share == pytest.approx(sum(worth == 20 for worth in drawn) / 2_000, abs=0.03)
    assert 10 + 10 * share == pytest.approx(point.mean)


def test_who_is_bought_at_the_higher_worth_is_so_at_every_greater_share() -> None:
    few, more = Point(10, 20, 0.2), Point(10, 20, 0.6)
    assert all(more.worth(f"{n}") == 20 for n in range(500) if few.worth(f"{n}") == 20)

"""Operating points: what is spent comes out as asked, by buying at two worths where none alone does it."""

from __future__ import annotations

import pytest

from atomic.bench.routing.points import Point, mixed
from atomic.bench.routing.rehearsal import Rehearsed

FOUND = {
    1: Rehearsed(1.0, 0.5, 0.5),
    2: Rehearsed(2.0, 0.6, 1.0),
    3: Rehearsed(5.0, 0.65, 1.0),
    4: Rehearsed(4.0, 0.7, 1.0),
    5: Rehearsed(9.0, 0.8, 1.0),
}


def at(price: float) -> Point:
    return mixed(list(FOUND), FOUND.__getitem__, lambda found: found.price, price)


def test_what_lies_between_two_prices_is_a_share_of_the_items_at_each_of_their_worths() -> None:
    assert Point(2, 3, 0.5) == at(3.5)
    assert Point(4, 5, 0.6) == mixed([2, 4, 5], FOUND.__getitem__, lambda found: found.price, 7.0)


def test_what_lies_beyond_all_prices_is_the_first_or_last_worth_at_which_items_are_answered() -> None:
    assert (Point(2, 2), Point(5, 5)) == (at(1.5), mixed([4, 5], FOUND.__getitem__, lambda found: found.price, 99.0))


def test_where_no_worth_answers_all_items_the_highest_is_taken() -> None:
    assert Point(1, 1) == mixed([1], FOUND.__getitem__, lambda found: found.price, 3.0)


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

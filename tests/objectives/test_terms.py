"""What is wanted of a microtask: exactly one of worth, target and budget."""

from __future__ import annotations

from typing import Any

import pytest

from atomic import Budget, microtask
from atomic.errors import TaskError
from atomic.records import Terms, decode, encode
from atomic.records.microtask import Microtask, with_terms


def declared(**options: Any) -> Microtask[..., Any]:
    @microtask(**options)
    async def sums(text: str) -> int:
        """What is the sum?"""
        raise NotImplementedError

    return sums


def test_a_target_may_cost_up_to_a_dollar_unless_said_otherwise() -> None:
    terms = declared(target=0.95).terms
    assert (0, 0.95, 10**9) == (terms.worth, terms.target, terms.max_price)
    assert 500 == declared(target=0.95, max_price=5e-7).terms.max_price


def test_a_request_under_a_budget_may_cost_the_whole_of_it_unless_said_otherwise() -> None:
    terms = declared(budget="$2/1k").terms
    assert terms.budget == Budget(amount=2_000_000_000, requests=1_000, carry_over=True)
    assert 2_000_000_000 == terms.max_price


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"worth": 1, "target": 0.9},
        {"target": 0.9, "budget": "$1/day"},
        {"target": 0.0},
        {"target": 1.0},
        {"target": float("nan")},
        {"target": True},
        {"target": "0.9"},
        {"budget": "$2"},
        {"budget": "$2/fortnight"},
        {"budget": "$0/day"},
        {"budget": "$-1/day"},
        {"budget": "$2/0"},
        {"budget": "2€/day"},
        {"budget": 5},
    ],
    ids=str,
)
def test_no_objective_two_of_them_or_nonsense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TaskError):
        declared(**options)


@pytest.mark.parametrize(
    "options",
    [{"time_zone": "Mars/Olympus"}, {"when_spent": "panic"}, {"when_spent": "observe"}, {"incumbent": "mini"}],
)
def test_a_budget_that_cannot_be_kept_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TaskError):
        Budget.of("$2/day", **options)


def test_another_objective_takes_the_place_of_the_one_there_was() -> None:
    terms = declared(worth="$0.01").terms
    assert (0, 0.9) == ((changed := with_terms(terms, target=0.9)).worth, changed.target)
    assert (5, 0.0) == ((back := with_terms(changed, worth=5)).worth, back.target)
    with pytest.raises(TaskError):
        with_terms(terms, target=0.9, worth=5)


def test_terms_survive_the_ledger() -> None:
    terms = declared(budget=Budget.of("$20/week", time_zone="Europe/Berlin", when_spent="cheapest")).terms
    assert terms == decode(Terms, encode(terms))


def test_terms_of_an_earlier_release_are_read() -> None:
    assert decode(Terms, b'{"worth":5,"max_price":5}') == Terms(worth=5, max_price=5)


def test_windows_of_a_zone_begin_at_its_midnight_also_when_the_clocks_change() -> None:
    day = Budget.of("$1/day", time_zone="Europe/Berlin")
    begin, end = day.window(1_761_436_800_000_000_000)  # 2025-10-26, the day of 25 hours
    assert 25 * 3_600_000_000_000 == end - begin
    assert (begin, end) == day.window(end - 1)
    assert end == day.window(end)[0]


def test_a_month_ends_where_the_next_begins() -> None:
    month = Budget.of("$1/month")
    begin, end = month.window(1_709_000_000_000_000_000)  # February 2024
    assert 29 * 86_400_000_000_000 == end - begin
    assert end == month.window(end)[0]

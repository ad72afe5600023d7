"""Backward induction gives what a naive recursion over answers gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.models import few_bids

from atomic.rules.classes import Bids, odds
from atomic.rules.induction import chances, induced
from atomic.rules.states import structure

prices = st.lists(st.floats(0.0, 0.5), min_size=4, max_size=4)


def naive(
    often: dict[str, float], right: dict[str, float], costs: list[float], held: dict[int, int], depth: int
) -> float:
    """Settle, or the best next bid: each state by its name, each answer in turn."""
    best = right[_name(held)]
    if len(held) == depth:
        return best
    for bid, cost in enumerate(costs):
        if bid in held:
            continue
        ways = [{**held, bid: group} for group in range(len(set(held.values())) + 1)]
        total = sum(often[_name(way)] for way in ways)
        value = sum(often[_name(way)] / total * naive(often, right, costs, way, depth) for way in ways)
        best = max(best, value - cost)
    return best


def _name(held: dict[int, int]) -> str:
    known: dict[int, int] = {}
    return " ".join(f"{one}:{known.setdefault(held[one], len(known))}" for one in sorted(held))


@given(few_bids(), prices, st.integers(1, 4))
def test_values_are_those_of_a_naive_recursion(bids: Bids, costs: list[float], depth: int) -> None:
    found, every = odds(bids, depth)
    costs = costs[: found.bids]
    values = induced(found, every, chances(found, every), np.array(costs), 1.0)
    names = [_name(dict(zip(*one, strict=True))) for one in found.names]
    often = dict(zip(names, map(float, every.often), strict=True))
    right = dict(zip(names, map(float, every.right.max(axis=1)), strict=True))
    assert pytest.approx(naive(often, right, costs, {}, found.depth), abs=1e-9) == values.worth[0]


@given(few_bids(), prices, st.integers(0, 3), st.floats(0.0, 0.5))
def test_what_costs_more_is_never_worth_more(bids: Bids, costs: list[float], which: int, more: float) -> None:
    found, every = odds(bids, 4)
    which, costs = which % found.bids, costs[: found.bids]
    dearer = [cost + more * (number == which) for number, cost in enumerate(costs)]
    moves = chances(found, every)
    before, after = (induced(found, every, moves, np.array(one), 1.0) for one in (costs, dearer))
    assert (after.worth <= before.worth).all()
    assert (after.buying - np.array(dearer) <= before.buying - np.array(costs)).all()


@given(few_bids(), prices)
def test_what_may_not_be_bought_is_worth_nothing_to_know(bids: Bids, costs: list[float]) -> None:
    found, every = odds(bids, 3)
    nowhere = np.zeros((len(found.names), found.bids), dtype=np.bool_)
    values = induced(found, every, chances(found, every), np.array(costs[: found.bids]), 1.0, nowhere)
    assert (values.worth[:-1] == values.stopping).all()
    assert (values.best(np.array(costs[: found.bids])) == -1).all()


def test_chances_of_what_may_come_add_up_to_one() -> None:
    shape = structure(3, 2)
    _, every = odds(Bids((1.0,), ((0.8,), (0.6,), (0.7,)), (0.4,), 0.1), 2)
    moves = chances(shape, every)
    possible = shape.after[:, :, 0] < len(shape.names)
    assert np.allclose(1.0, moves.sum(axis=2)[possible])
    assert not moves[~possible].any()

"""The latent-class response model: posteriors and odds are those of Bayes' rule, by enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.models import chances, few_bids

from atomic.rules.classes import Bids, lifted, mean, odds, posterior
from atomic.rules.states import structure


def by_enumeration(bids: Bids, fell: tuple[int, ...]) -> tuple[float, list[float]]:
    """How often a state is met, and how probably each group is right: the formula as written, term by term."""
    groups = sorted(set(fell))
    joint = []
    for truth in [*groups, None]:
        total = 0.0
        for number, share in enumerate(bids.shares):
            product = share
            for bid, group in zip(bids.right, fell, strict=True):
                product *= bid[number] if group == truth else 1.0 - bid[number]
            wrong = [group for group in groups if group != truth]
            ways = 0.0
            for popular in [*wrong, None]:
                way = 1.0
                for group in wrong:
                    size = fell.count(group)
                    r = bids.popular[number]
                    way *= r**size if group == popular else (1.0 - r) ** size * bids.accident ** (size - 1)
                ways += way
            total += product * ways
        joint.append(total)
    whole = sum(joint)
    return whole, [one / whole for one in joint[:-1]]


@given(few_bids())
def test_every_state_is_met_and_right_as_enumeration_has_it(bids: Bids) -> None:
    found, every = odds(bids, 4)
    for number, (who, fell) in enumerate(found.names):
        often, rights = by_enumeration(
            Bids(bids.shares, tuple(bids.right[one] for one in who), bids.popular, bids.accident), fell
        )
        assert pytest.approx(often, rel=1e-9) == every.often[number]
        assert pytest.approx(rights, rel=1e-9, abs=1e-12) == list(every.right[number, : len(rights)])
        assert not every.right[number, len(rights) :].any()


@given(few_bids(), st.data())
def test_the_posterior_of_a_hand_is_that_of_its_state(bids: Bids, data: st.DataObject) -> None:
    _, fell = data.draw(st.sampled_from([one for one in structure(4, 4).names if len(one[0]) == len(bids.right)]))
    _, rights = by_enumeration(bids, fell)
    assert pytest.approx(rights, rel=1e-9, abs=1e-12) == list(posterior(bids, fell))


@given(few_bids())
def test_equal_bids_have_equal_odds_bit_for_bit(bids: Bids) -> None:
    _, one = odds(bids, 4)
    _, other = odds(replace(bids), 4)
    assert one.often.tobytes() == other.often.tobytes()
    assert one.right.tobytes() == other.right.tobytes()


@given(few_bids(most=1), chances)
def test_a_lifted_bid_is_right_as_often_as_wanted_and_no_class_changes_places(bids: Bids, wanted: float) -> None:
    right = bids.right[0]
    moved = lifted(bids.shares, right, wanted)
    assert pytest.approx(wanted, abs=1e-3) == mean(bids.shares, moved)
    order = np.argsort(right)
    assert all(moved[one] <= moved[other] for one, other in pairwise(order))


def test_nobody_in_hand_has_no_posterior() -> None:
    assert () == posterior(Bids((1.0,), (), (0.5,), 0.1), ())

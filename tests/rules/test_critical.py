"""The critical price: proven on both sides by the auction itself, and what asking too much or too little comes to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from tests.rules.slates import WORTH, bid, position, situations, slate, state

from atomic.records import Position, Slate, Table
from atomic.rules.critical import Round

TABLE = Table(alternatives=0)
ASKED = (0.25, 0.5, 0.8, 0.95, 1.05, 1.25, 2.0, 4.0)  # of its own cost


@settings(deadline=None)
@given(situations(explore=True))
def test_it_is_bought_at_the_critical_price_and_not_above(situation: tuple[Position, Slate, Table]) -> None:
    where, bids, table = situation
    for one in bids.bids[:3]:
        round = Round(where, bids, table, 0.3, one.key)
        found = round.critical(WORTH)
        if found is None:
            assert not round.bought_at(0)
        else:
            assert round.bought_at(found)
            assert found == max(WORTH, round.asked) or not round.bought_at(found + 1)


def test_what_the_market_makes_of_a_price_stays_in_proportion() -> None:
    cheap = replace(bid("ant", 0.9, 1_000), price=500)  # it was billed half of what it asked so far
    round = Round(position(), slate(cheap), TABLE, 0.5, "ant+plain")

    assert round.critical(10 * WORTH) == pytest.approx(2 * 0.9 * WORTH, rel=0.01)


def test_no_price_decides_under_a_mandate() -> None:
    where = position(mandate="ant")

    assert 7 == Round(where, slate(bid("ant", 0.9, 7)), TABLE, 0.5, "ant+plain").critical(WORTH)


def test_who_is_not_worth_anything_has_none() -> None:
    held = state(("bee", 0, 0.99))

    assert Round(position(held), slate(bid("ant", 0.01, 7)), TABLE, 0.5, "ant+plain").critical(WORTH) is None


def gains(streamed: bool, count: int) -> Iterator[tuple[float, float]]:
    """What a bidder earns by asking its cost, and the most that it earns by asking something else, in random rounds."""
    chance = random.Random(7)
    for _ in range(count):
        rivals = [
            bid(name, chance.uniform(0.3, 0.95), chance.randrange(1, WORTH // 2)) for name in ("bee", "cat", "dog")
        ]
        cost, right = chance.randrange(1, WORTH // 2), chance.uniform(0.3, 0.95)
        where = position(streamed=streamed)

        def earned(asked: int) -> int:
            bids = slate(bid("ant", right, asked), *rivals)  # noqa: B023 - used within its turn
            round = Round(where, bids, TABLE, 0.5, "ant+plain")  # noqa: B023
            paid = round.critical(10 * WORTH)
            return (paid or 0) - cost if round.bought_at(asked) else 0  # noqa: B023

        yield earned(cost), max(earned(max(1, int(cost * factor))) for factor in ASKED)


def test_where_one_bid_is_bought_nobody_earns_more_than_by_asking_its_cost() -> None:
    assert all(best <= true for true, best in gains(streamed=True, count=60))


def test_with_rounds_to_come_asking_its_cost_is_still_hardly_ever_beaten() -> None:
    found = list(gains(streamed=False, count=60))
    lost = sum(max(0.0, best - true) for true, best in found)

    assert lost <= 0.02 * sum(true for true, _ in found)

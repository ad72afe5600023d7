"""Every breakpoint that is reported flips the award when it is applied."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rules.slates import bid, position, slate, state

from atomic.counterfactual import (
    MILLIONTHS,
    WORTHS,
    Given,
    award_of,
    best,
    holds,
    price_breaks,
    probability_breaks,
    worth_points,
)
from atomic.records import Bid, Position, Table
from atomic.rules import auction

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "kite", "lynx")


@st.composite
def rounds(draw: st.DrawFn) -> Given:
    """Any round: up to twelve bids, answers in hand or none, exploration or not, waiting that costs or not."""
    count = draw(st.integers(1, len(NAMES)))
    bids: list[Bid] = [
        bid(
            name,
            draw(st.floats(0.05, 0.99)),
            draw(st.one_of(st.just(0), st.integers(1, 3_000_000))),
            latency_ns=draw(st.sampled_from((0, 10**7, 10**9))),
            task_count=draw(st.sampled_from((0.0, 20.0))),
        )
        for name in NAMES[:count]
    ]
    held = state(*draw(st.sampled_from(((), (("yak", 0, 0.8),), (("yak", 0, 0.8), ("zebu", 1, 0.6))))))
    where: Position = position(held, explore=draw(st.booleans()), latency_price=draw(st.sampled_from((0, 0, 50_000))))
    table = Table(alternatives=draw(st.sampled_from((0, 2, 3))))
    return Given(position=where, slate=slate(*bids), table=table, draw=draw(st.floats(0.0, 1.0, exclude_max=True)))


@settings(max_examples=40)
@given(rounds())
def test_a_proven_price_gives_the_named_award_and_one_nano_more_gives_the_other(given: Given) -> None:
    verdict = given.verdict()
    for found in price_breaks(given, [one.key for one in given.slate.bids]):
        assert (found.key in award_of(verdict, found.says)) == found.now
        if found.found != "proven":
            continue
        assert found.price is not None
        at, beyond = _with_price(given, found.key, found.price), _with_price(given, found.key, found.price + 1)
        assert found.at == award_of(at.verdict(), found.says)
        assert found.beyond == award_of(beyond.verdict(), found.says)
        assert found.key in found.at
        assert found.key not in found.beyond
        assert (found.price >= found.actual) == found.now


def _with_price(given: Given, key: str, price: int) -> Given:
    """By hand, not by the means of the module under test."""
    bids = tuple(replace(one, price=price) if one.key == key else one for one in given.slate.bids)
    return replace(given, slate=replace(given.slate, bids=bids))


@settings(max_examples=40)
@given(rounds())
def test_a_bid_said_to_lose_even_when_free_loses_when_free(given: Given) -> None:
    for found in price_breaks(given, [one.key for one in given.slate.bids]):
        if found.found == "not even free":
            assert found.key not in award_of(_with_price(given, found.key, 0).verdict(), found.says)


@settings(max_examples=25)
@given(rounds())
def test_a_proven_probability_wins_and_one_millionth_less_does_not(given: Given) -> None:
    for one in given.slate.bids:
        for found in probability_breaks(given, one.key):
            if found.millionths is None:
                continue
            at = given.at_probability(one.key, found.millionths / MILLIONTHS).verdict()
            below = given.at_probability(one.key, (found.millionths - 1) / MILLIONTHS).verdict()
            assert one.key in award_of(at, found.says)
            assert one.key not in award_of(below, found.says)


@settings(max_examples=25)
@given(rounds())
def test_every_point_of_the_grid_of_worths_is_the_auction_at_that_worth(given: Given) -> None:
    chosen = given.verdict().chosen
    points = worth_points(given)

    assert list(WORTHS) == [point.times for point in points]
    for point in points:
        terms = replace(given.position.terms, worth=point.worth)
        verdict = auction(replace(given.position, terms=terms), given.slate, given.table, given.draw)
        assert (verdict.chosen, best(verdict)) == (point.chosen, point.best)
        assert (verdict.chosen != chosen) == point.changes


def test_a_dear_bid_would_have_won_below_a_price() -> None:
    given = Given(
        position=position(),
        slate=slate(bid("ant", 0.9, 1_000_000), bid("bee", 0.8, 10_000)),
        table=Table(alternatives=2),
        draw=0.5,
    )

    ant, bee = price_breaks(given, ["ant+plain", "bee+plain"])

    assert ("proven", False, ("ant+plain",), ("bee+plain",)) == (ant.found, ant.now, ant.at, ant.beyond)
    assert ("proven", True) == (bee.found, bee.now)
    assert holds(given, ant)
    assert holds(given, bee)


def test_draw_and_score_are_told_apart_where_the_market_explored() -> None:
    given = Given(
        position=position(explore=True),
        slate=slate(bid("ant", 0.9, 0), bid("bee", 0.85, 100_000), bid("cat", 0.8, 200_000)),
        table=Table(alternatives=2),
        draw=0.999,
    )
    verdict = given.verdict()

    says = {found.says for found in price_breaks(given, ["bee+plain", "cat+plain"])}

    assert verdict.chosen != best(verdict)
    assert {"chosen", "best"} == says


def test_a_claim_that_does_not_hold_is_seen_not_to() -> None:
    given = Given(
        position=position(),
        slate=slate(bid("ant", 0.9, 1_000_000), bid("bee", 0.8)),
        table=Table(alternatives=2),
        draw=0.5,
    )
    (found,) = price_breaks(given, ["ant+plain"])
    assert found.price is not None

    assert not holds(given, replace(found, price=found.price + 1))
    assert not holds(given, replace(found, price=found.price - 1))
    assert not holds(given, replace(found, beyond=("ant+plain",)))

"""Every point of the declared grids is the auction with that one number changed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from tests.explain.test_counterfactual import rounds
from tests.rules.slates import bid, position, slate, state

from atomic.counterfactual import Given
from atomic.explain.gridded import gridded
from atomic.grids import HUNDREDTHS, SPEEDS, TIMES, GridPoint, grid_points
from atomic.records import NoBid, Reason, Slate, Table

SECOND = 1_000_000_000


def by_hand(given: Given, point: GridPoint) -> Given:
    """The round of a point, not by the means of the module under test."""
    terms, bids = given.position.terms, given.slate.bids
    if point.what == "deadline":
        terms = replace(terms, deadline_ns=int(point.at))
        bids = tuple(one for one in bids if one.latency_ns <= point.at - given.position.elapsed_ns)
    elif point.what == "budget":
        terms = replace(terms, max_price=int(point.at))
        bids = tuple(one for one in bids if given.position.spent + one.offer.ceiling <= point.at)
    elif point.what == "latency":
        bids = tuple(replace(one, latency_ns=int(point.at)) if one.key == point.key else one for one in bids)
    else:
        bids = tuple(replace(one, probability=point.at) if one.key == point.key else one for one in bids)
    return replace(given, slate=replace(given.slate, bids=bids), position=replace(given.position, terms=terms))


@settings(max_examples=15, deadline=None)
@given(rounds())
def test_every_point_is_the_auction_run_with_it(given: Given) -> None:
    keys = [one.key for one in given.slate.bids][:3]
    now = given.verdict().chosen
    for point in grid_points(given, keys):
        chosen = by_hand(given, point).verdict().chosen
        assert chosen == point.chosen
        assert (chosen != now) == point.changes
        assert not set(point.out) & set(point.chosen)


def test_the_grids_are_whole_and_latency_is_tried_only_where_waiting_has_a_price() -> None:
    free = Given(position=position(state()), slate=slate(bid("ant", 0.5, 0)), table=Table(alternatives=2), draw=0.5)
    dear = replace(free, position=position(state(), latency_price=50_000))

    counts = [[point.what for point in grid_points(one, ["ant+plain"])] for one in (free, dear)]
    for kinds, latencies in zip(counts, (0, len(SPEEDS)), strict=True):
        found = [kinds.count(what) for what in ("deadline", "budget", "latency", "probability")]
        assert [len(TIMES), len(TIMES), latencies, len(HUNDREDTHS)] == found


def test_who_was_left_out_by_deadline_or_budget_is_named_and_nothing_is_claimed_of_it() -> None:
    late = NoBid(bidder="owl", tactic="plain", reason=Reason.DEADLINE)
    dear = NoBid(bidder="pig", tactic="plain", reason=Reason.MAX_PRICE)
    bids = slate(bid("ant", 0.9, 1_000, latency_ns=SECOND))
    where = Given(
        position=position(state(), explore=False),
        slate=Slate(bids=bids.bids, no_bids=(late, dear)),
        table=Table(alternatives=2),
        draw=0.5,
    )
    points = grid_points(where, [])
    told = list(gridded(points))

    assert {("owl+plain",)} == {one.unknown for one in points if one.what == "deadline" and one.times[1] == 1}
    assert {("pig+plain",)} == {one.unknown for one in points if one.what == "budget" and one.times[1] == 1}
    assert {()} == {one.unknown for one in points if one.times[1] > 1}
    assert "With a later deadline owl+plain might have bid too: of what, nobody recorded." in told
    assert any("the market settles (ant+plain would not have bid)" in line for line in told)

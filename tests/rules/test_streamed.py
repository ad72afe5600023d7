"""Awards where the caller reads along: one bid at a time, for its own sake, and the first answer settles it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.rules.slates import bid, position, situations, slate, state

from atomic.records import Position, Slate, Table
from atomic.rules import auction

TEXT = Table(alternatives=0)
SECOND = 1_000_000_000


def streamed(where: Position) -> Position:
    return replace(where, terms=replace(where.terms, streamed=True))


@given(situations(explore=True), st.floats(0.0, 1.0, exclude_max=True))
def test_at_most_one_is_bought_and_nobody_where_there_is_an_answer(
    situation: tuple[Position, Slate, Table], draw: float
) -> None:
    where, bids, table = situation
    verdict = auction(streamed(where), bids, table, draw)

    assert len(verdict.chosen) <= (0 if where.state.answered else 1)
    assert all(len(one.action) == 1 for one in verdict.candidates)


def test_nobody_is_asked_beside_the_first_however_little_time_there_is() -> None:
    hasty = position(deadline_ns=2 * SECOND)
    bids = slate(bid("ant", 0.9, 1_000, latency_ns=SECOND), bid("bee", 0.8, 1_000, latency_ns=SECOND))

    assert 2 == len(auction(hasty, bids, TEXT, 0.5).chosen)
    assert ("ant+plain",) == auction(streamed(hasty), bids, TEXT, 0.5).chosen


def test_a_bid_is_worth_what_its_own_answer_is_and_not_what_could_be_made_of_it() -> None:
    where = position(state())
    weak, strong = bid("ant", 0.55, 1_000), bid("bee", 0.9, 600_000)
    binary = Table(alternatives=2)

    alone = {one.action: one.score for one in auction(where, slate(weak), binary, 0.5).candidates}
    beside = {one.action: one.score for one in auction(streamed(where), slate(weak, strong), binary, 0.5).candidates}

    assert alone[("ant+plain",)] == beside[("ant+plain",)]


def test_a_streamed_request_that_is_answered_settles_for_its_answer() -> None:
    held = position(state(("ant", 0, 0.6)))
    better = slate(bid("bee", 0.99))

    verdict = auction(streamed(held), better, Table(alternatives=2), 0.5)

    assert ((), 0) == (verdict.chosen, verdict.standing_group)
    assert auction(held, better, Table(alternatives=2), 0.5).chosen

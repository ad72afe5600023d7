"""The auction: a pure function of position, bids, table and draw."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rules.slates import NAMES, WORTH, bid, position, situations, slate, state

from atomic.records import Position, Slate, Table
from atomic.rules import auction, lookahead
from atomic.rules.auction import without
from atomic.rules.exploration import CANDIDATES, FLOOR, drawn, pick, propensities, sharpness
from atomic.rules.valuation import MOST_FREE, Remembering

BINARY = Table(alternatives=2)
KEYS = [f"{name}+plain" for name in NAMES]
Situation = tuple[Position, Slate, Table]
draws = st.floats(0.0, 1.0, exclude_max=True)


@given(situations(explore=True), draws, st.randoms())
def test_the_order_in_which_bids_arrive_changes_nothing(situation: Situation, draw: float, random: object) -> None:
    where, bids, table = situation
    shuffled = list(bids.bids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert auction(where, bids, table, draw) == auction(where, slate(*shuffled), table, draw)


@given(situations(explore=True))
def test_propensities_sum_to_1_where_anything_is_bought(situation: Situation) -> None:
    where, bids, table = situation
    verdict = auction(where, bids, table, 0.5)
    total = sum(one.propensity for one in verdict.candidates)

    assert (1.0 if verdict.chosen else 0.0) == pytest.approx(total, abs=1e-12)


@settings(max_examples=10)
@given(situations(explore=True))
def test_over_a_grid_of_draws_each_action_is_chosen_as_often_as_its_propensity_says(situation: Situation) -> None:
    where, bids, table = situation
    grid = 200
    found: dict[tuple[str, ...], int] = {}
    for step in range(grid):
        verdict = auction(where, bids, table, (step + 0.5) / grid)
        found[verdict.chosen] = found.get(verdict.chosen, 0) + 1
        said = {one.action: one.propensity for one in verdict.candidates}
        assert verdict.propensity == said.get(verdict.chosen, 1.0)

    for one in auction(where, bids, table, 0.0).candidates:
        assert one.propensity == pytest.approx(found.get(one.action, 0) / grid, abs=1.01 / grid)


@given(situations(), draws, draws)
def test_without_exploration_the_draw_changes_nothing(situation: Situation, first: float, second: float) -> None:
    where, bids, table = situation

    assert auction(where, bids, table, first) == auction(where, bids, table, second)
    assert 1.0 == auction(where, bids, table, first).propensity


@given(situations(explore=True), draws, draws)
def test_later_rounds_never_explore(situation: Situation, first: float, second: float) -> None:
    where, bids, table = situation
    where = replace(where, round=max(2, where.round))

    assert auction(where, bids, table, first) == auction(where, bids, table, second)


@given(situations(), draws)
def test_without_exploration_taking_away_a_bid_that_no_plan_uses_never_changes_the_award(
    situation: Situation, draw: float
) -> None:
    where, bids, table = situation
    verdict = auction(where, bids, table, draw)

    for one in bids.bids:
        if one.key not in verdict.considered:
            assert verdict == auction(where, without(bids, [one.key]), table, draw)


@given(situations(), st.data())
def test_a_higher_price_never_raises_a_bids_score(situation: Situation, data: st.DataObject) -> None:
    where, bids, table = situation
    if not bids.bids:
        return
    dearer = data.draw(st.sampled_from(bids.bids))
    rise = data.draw(st.integers(1, WORTH // 4))
    raised = slate(*(replace(one, price=one.price + rise) if one is dearer else one for one in bids.bids))

    def score(of: Slate) -> int | None:
        scores = {one.action: one.score for one in auction(where, of, table, 0.0).candidates}
        return scores.get((dearer.key,))

    before, later = score(bids), score(raised)

    assert later is None or (before is not None and later <= before)


@given(situations(explore=True), draws)
def test_scores_are_integers_in_the_total_order(situation: Situation, draw: float) -> None:
    where, bids, table = situation
    verdict = auction(where, bids, table, draw)
    prices = {one.key: one.price for one in bids.bids}
    order = [(-one.score, sum(prices[key] for key in one.action), one.action) for one in verdict.candidates]

    assert all(type(one.score) is int for one in verdict.candidates)
    assert sorted(order) == order


@given(situations(), draws)
def test_what_is_chosen_scores_above_the_standing_answer(situation: Situation, draw: float) -> None:
    where, bids, table = situation
    verdict = auction(where, bids, table, draw)
    best = max((one.score for one in verdict.candidates), default=0)

    assert bool(verdict.chosen) == (best > 0)


@given(situations())
def test_sets_are_bought_only_where_waiting_costs_or_answers_are_free(situation: Situation) -> None:
    where, bids, table = situation
    sizes = {len(one.action) for one in auction(where, bids, table, 0.0).candidates}

    free = {one.offer.bidder for one in bids.bids if one.price == one.offer.ceiling == 0}

    assert sizes <= {1} | ({2} if where.terms.latency_price else set()) | (
        {min(MOST_FREE, len(free))} if len(free) > 2 else set()
    )


def test_all_free_opinions_are_asked_for_at_once() -> None:
    """Each may be wrong by itself, together they are worth more than any order of two of them."""
    bids = slate(bid("ant", 0.7), bid("bee", 0.7), bid("cat", 0.7), bid("dog", 0.71, WORTH // 2))

    assert ("ant+plain", "bee+plain", "cat+plain") == auction(position(), bids, BINARY, 0.0).chosen


def test_a_pair_is_bought_when_waiting_is_dear_and_a_second_opinion_is_wanted() -> None:
    cheap = [bid("ant", 0.7, 10, latency_ns=10**9), bid("bee", 0.7, 10, latency_ns=10**9)]
    bids = slate(*cheap, bid("cat", 0.99, WORTH // 5, latency_ns=10**9))
    table = Table(alternatives=0, copying=tuple((f"{a}|{b}", 0.0) for a, b in combinations(KEYS[:3], 2)))

    assert ("ant+plain", "bee+plain") == auction(position(latency_price=150_000), bids, table, 0.0).chosen
    assert 1 == len(auction(position(latency_price=0), bids, table, 0.0).chosen)


def test_a_free_and_almost_certain_bid_wins() -> None:
    bids = slate(bid("ant", 0.999999), bid("bee", 0.9, 100), bid("cat", 0.99, WORTH // 3))

    assert ("ant+plain",) == auction(position(), bids, BINARY, 0.0).chosen


@pytest.mark.parametrize("explore", [True, False])
def test_the_market_settles_when_nothing_pays(explore: bool) -> None:
    dear = slate(bid("ant", 0.9, WORTH), bid("bee", 0.5, WORTH))

    for bids in (dear, slate()):
        verdict = auction(position(explore=explore), bids, BINARY, 0.99)

        assert () == verdict.chosen
        assert 1.0 == verdict.propensity
        assert [0.0] * len(verdict.candidates) == [one.propensity for one in verdict.candidates]


def test_an_opinion_that_could_not_change_the_answer_is_worth_nothing() -> None:
    """Standing at 0.9, a voice of 0.6 can only confirm or leave it in the lead: no price for that pays."""
    held = position(state(("ant", 0, 0.9)))

    verdict = auction(held, slate(bid("bee", 0.6, 1)), BINARY, 0.0)

    assert () == verdict.chosen
    assert [-1] == [one.score for one in verdict.candidates]


def test_an_opinion_that_could_change_the_answer_is_worth_what_it_changes() -> None:
    held = position(state(("ant", 0, 0.6)))
    table = Table(alternatives=2, copying=(("ant+plain|bee+plain", 0.0),))

    (one,) = auction(held, slate(bid("bee", 0.9, 1000)), table, 0.0).candidates

    # Afterwards bee's answer stands, right with 0.9 whatever ant said.
    assert round(WORTH * 0.9 - WORTH * 0.6) - 1000 == one.score


def test_an_opinion_is_worth_what_it_lets_one_decide_next() -> None:
    """Two cheap answers that agree are worth stopping at; two that differ are worth a third."""
    table = Table(alternatives=0, copying=tuple((f"{a}+plain|{b}+plain", 0.0) for a, b in combinations("abc", 2)))
    held = position(state(("a", 0, 0.8)))
    cheap, dear = bid("b", 0.8, WORTH // 100), bid("c", 0.99, WORTH // 5)

    alone = auction(held, slate(cheap), table, 0.0).candidates[0].score
    together = auction(held, slate(cheap, dear), table, 0.0)

    assert alone < 0 < together.candidates[0].score
    assert ("b+plain",) == together.chosen
    assert ("b+plain", "c+plain") == together.considered


def test_a_dearer_shadow_price_of_money_buys_less() -> None:
    bids = slate(bid("bee", 0.9, 3 * WORTH // 5))

    assert ("bee+plain",) == auction(position(), bids, BINARY, 0.0).chosen
    assert () == auction(position(shadow_price=1.0), bids, BINARY, 0.0).chosen


def test_ties_go_to_the_lower_price_and_then_to_the_key() -> None:
    """Equal scores; the dearer one is the faster."""
    quick = bid("ant", 0.8, 1000, latency_ns=0)
    slow = bid("bee", 0.8, 0, latency_ns=10**9)

    assert ("bee+plain",) == auction(position(latency_price=1000), slate(quick, slow), BINARY, 0.0).chosen
    assert ("ant+plain",) == auction(position(), slate(bid("cat", 0.8), bid("ant", 0.8)), BINARY, 0.0).chosen


def test_two_that_cost_nothing_are_one_action_where_waiting_costs_as_well() -> None:
    bids = slate(bid("cat", 0.8), bid("ant", 0.8), bid("bee", 0.7, 9))
    actions = [one.action for one in auction(position(latency_price=1000), bids, BINARY, 0.0).candidates]

    assert ("ant+plain", "cat+plain") in actions
    assert len(set(actions)) == len(actions)


def test_a_leader_with_more_lessons_behind_it_is_left_less_often() -> None:
    def kept(lessons: float) -> float:
        bids = slate(bid("ant", 0.9, task_count=lessons), bid("bee", 0.7, WORTH // 10))
        return auction(position(explore=True), bids, BINARY, 0.0).propensity

    assert kept(0.0) < kept(10.0) < kept(200.0) < 1.0


def test_exploration_is_over_five_candidates_at_most() -> None:
    bids = slate(*(bid(name, 0.7 + index / 50, 10 * index * index) for index, name in enumerate(NAMES)))
    chosen = {auction(position(explore=True), bids, BINARY, step / 100).chosen for step in range(100)}

    assert CANDIDATES == len(chosen)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=5), st.integers(0, 10**9), st.floats(0, 1e4))
def test_propensities_are_probabilities_with_a_floor(scores: list[int], worth: int, lessons: float) -> None:
    ordered = sorted(scores, reverse=True)

    shares = propensities(ordered, worth, sharpness(lessons))

    assert 1.0 == pytest.approx(sum(shares), abs=1e-12)
    assert all(share >= FLOOR for share in shares)
    assert max(shares) == pytest.approx(shares[0], abs=1e-12)


def test_a_draw_beyond_what_rounding_left_falls_on_the_leader() -> None:
    assert 0 == pick([0.5, 0.5 - 1e-9], 1.0 - 1e-12)


@given(st.text(max_size=8), st.text(max_size=8), st.integers(1, 9))
def test_draws_lie_in_0_to_1_and_depend_on_the_secret(tenant: str, request_id: str, number: int) -> None:
    draw = drawn(b"secret", tenant, request_id, number)

    assert 0.0 <= draw < 1.0
    assert draw != drawn(b"another", tenant, request_id, number)


@given(situations())
def test_a_valuation_is_pure(situation: Situation) -> None:
    assert lookahead(*situation) == lookahead(*situation)


@given(
    situations(), st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 2 * WORTH), st.integers(1, 9)), max_size=5)
)
def test_what_is_remembered_between_other_prices_and_worths_changes_no_bit(
    situation: Situation, changes: list[tuple[str, int, int]]
) -> None:
    where, bids, table = situation
    remembering = Remembering()
    for key, price, times in changes:
        dearer = slate(*(replace(one, price=price) if one.key == key else one for one in bids.bids))
        worth = replace(where, terms=replace(where.terms, worth=where.terms.worth * times))

        assert lookahead(where, dearer, table) == remembering(where, dearer, table)
        assert lookahead(worth, dearer, table) == remembering(worth, dearer, table)
        other = replace(table, alternatives=table.alternatives + 3)
        assert lookahead(where, dearer, other) == remembering(where, dearer, other)


def test_dear_bids_do_not_crowd_out_one_that_is_worth_more_for_its_price() -> None:
    """Neither most probable nor cheapest, and of less value than each dear one before prices: but best by one step."""
    dear = [bid(f"dear{n}", 0.9, price=WORTH * 85 // 100) for n in range(6)]
    cheap = [bid(f"cheap{n}", 0.02, price=WORTH // 1000) for n in range(2)]
    verdict = auction(
        position(), slate(*dear, *cheap, bid("good", 0.8, price=WORTH // 100)), Table(alternatives=0), 0.5
    )

    assert ("good+plain",) == verdict.chosen

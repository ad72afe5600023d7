"""Values under a response model: what they hang on, and what they never hang on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.rules.models import chances, model
from tests.rules.slates import NAMES, bid, position, slate, state

from atomic.records import Bid, Slate, State, Table
from atomic.records.responses import Level, ResponseModel, Seen
from atomic.rules.auction import auction, without
from atomic.rules.classes import Bids, odds, posterior
from atomic.rules.induction import chances as moves_of
from atomic.rules.induction import induced
from atomic.rules.planned import MOST_BIDS, planned, standing
from atomic.rules.states import structure

WORTH = 2_000_000
RIGHTS = {"ant": (0.95, 0.35), "bee": (0.9, 0.55), "cat": (0.8, 0.2), "dog": (0.97, 0.75)}
PRICES = {"ant": 40_000, "bee": 90_000, "cat": 10_000, "dog": 400_000}
MODEL = model(RIGHTS, prices=PRICES)
TABLE = Table(alternatives=10, model=MODEL)


def bids_of(**prices: int) -> list[Bid]:
    return [bid(name, 0.7, prices.get(name, price)) for name, price in PRICES.items()]


def counted(domain: str = "") -> ResponseModel:
    keys = MODEL.keys[:3]
    found, every = odds(Bids(MODEL.domains[0].shares, MODEL.domains[0].right[:3], MODEL.popular, MODEL.accident), 3)
    seen = Seen(
        domain=domain, often=tuple(map(float, every.often)), right=tuple(tuple(map(float, r)) for r in every.right)
    )
    assert len(found.names) == len(seen.often)
    return replace(MODEL, levels=(Level(worth=WORTH, keys=keys, seen=(seen,)),))


@st.composite
def rounds(draw: st.DrawFn) -> tuple[State, Slate, ResponseModel]:
    """A hand of up to three, the others' bids, and a model that knows some of them, with some on its shortlist."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=2, max_size=9))
    known = names[: draw(st.integers(2, len(names)))]
    prices = {name: draw(st.just(0) | st.integers(0, WORTH // 2)) for name in names}
    made = model({name: (draw(chances), draw(chances)) for name in known}, prices=prices)
    short = tuple(sorted(draw(st.sets(st.sampled_from(made.keys), max_size=6))))
    made = replace(made, levels=(replace(made.levels[0], keys=short),))
    held = draw(st.integers(0, min(3, len(names) - 1)))
    answers, groups = [], 0
    for name in names[:held]:
        group = draw(st.integers(0, groups))
        groups = max(groups, group + 1)
        answers.append((name, group, draw(chances)))
    offered = [
        bid(name, draw(chances), draw(st.just(prices[name]) | st.integers(0, WORTH // 2)))
        for name in sorted(names[held:])
    ]
    return state(*answers), slate(*offered), made


@given(rounds(), st.data(), st.sampled_from((0, 200_000)))
def test_a_higher_price_never_raises_a_score(
    found: tuple[State, Slate, ResponseModel], data: st.DataObject, waiting: int
) -> None:
    held, offered, made = found
    which = data.draw(st.sampled_from(offered.bids))
    more = which.price + data.draw(st.integers(1, WORTH))
    dearer = replace(which, price=more, offer=replace(which.offer, price=more, ceiling=more))
    after = slate(*(dearer if one is which else one for one in offered.bids))
    where = position(held, latency_price=waiting)
    scores, others = (
        {one.action: one.score for one in planned(where, one_slate, made)[2] if which.key in one.action}
        for one_slate in (offered, after)
    )
    assert all(score <= scores[action] for action, score in others.items() if action in scores and len(action) < 2)
    assert others.get((which.key,), scores.get((which.key,), 0)) <= scores.get((which.key,), 0)


@given(rounds())
def test_taking_away_a_bid_that_nobody_uses_changes_no_award(found: tuple[State, Slate, ResponseModel]) -> None:
    held, offered, made = found
    where, table = position(held), Table(alternatives=10, model=made)
    before = auction(where, offered, table, 0.5)
    idle = [one.key for one in offered.bids if one.key not in before.considered]
    assume(idle)
    assert before == auction(where, without(offered, idle), table, 0.5)


@given(rounds())
def test_equal_arguments_give_equal_values_in_any_order_of_bids(found: tuple[State, Slate, ResponseModel]) -> None:
    held, offered, made = found
    again = replace(made, seq=made.seq)  # equal, and not the same object: nothing that is remembered helps
    backwards = slate(*reversed(offered.bids))
    first, second = planned(position(held), offered, made), planned(position(held), backwards, again)
    assert first[:2] == second[:2]
    assert sorted(first[2], key=lambda one: one.action) == sorted(second[2], key=lambda one: one.action)


def test_scores_are_those_of_backward_induction() -> None:
    _, _, valued = planned(position(), slate(*bids_of()), MODEL)
    here = MODEL.domains[0]
    found, every = odds(Bids(here.shares, here.right, MODEL.popular, MODEL.accident), 4)
    costs = np.array([float(PRICES[key.partition("+")[0]]) for key in MODEL.keys])
    values = induced(found, every, moves_of(found, every), costs, float(WORTH))
    expected = {(key,): values.buying[0, number] - costs[number] for number, key in enumerate(MODEL.keys)}
    assert expected == pytest.approx({one.action: one.score for one in valued}, abs=1.0)


def test_a_hand_is_as_right_as_its_posterior() -> None:
    held = state(("ant", 0, 0.9), ("bee", 1, 0.7), ("dog", 0, 0.5))
    here = MODEL.domains[0]
    bids = Bids(here.shares, tuple(here.right[one] for one in (0, 1, 3)), MODEL.popular, MODEL.accident)
    assert posterior(bids, (0, 1, 0)) == standing(held, MODEL)


def test_the_same_bid_twice_is_a_hand_that_buys_no_more() -> None:
    held = state(("ant", 0, 0.9), ("ant", 1, 0.9))
    for one in (MODEL, counted()):
        assert 2 == len(standing(held, one))
        assert () == planned(position(held), slate(*bids_of()), one)[2]


def test_more_answers_than_can_be_planned_for_have_a_posterior_and_no_more_is_bought() -> None:
    held = state(*((name, number % 3, 0.6) for number, name in enumerate(NAMES[: MOST_BIDS + 2])))
    probability, group, valued = planned(position(held), slate(bid("zoo", 0.9, 1)), MODEL)
    assert (True, True, ()) == (0.0 < probability < 1.0, group in {0, 1, 2}, valued)


def test_six_answers_in_hand_leave_room_for_one_more() -> None:
    held = state(*((name, number % 2, 0.6) for number, name in enumerate(NAMES[4:10])))
    _, _, valued = planned(position(held), slate(*bids_of()), MODEL)
    assert 1 == len(valued)


def test_counts_hold_where_their_domain_was_seen_and_classes_elsewhere() -> None:
    sure = tuple(0.99 for _ in range(3))
    level = counted("mail").levels[0]
    seen = replace(level.seen[0], right=tuple(sure for _ in level.seen[0].right))
    made = replace(MODEL, levels=(replace(level, seen=(seen,)),))
    held = state(("ant", 0, 0.9))
    assert (0.99,) == standing(replace(held, domain="mail", worth=WORTH), made)
    assert standing(held, MODEL) == standing(replace(held, domain="news", worth=WORTH), made)
    assert planned(position(held), slate(*bids_of()[1:3]), made)[2]


def test_a_stranger_is_looked_at_beside_the_shortlist() -> None:
    _, _, valued = planned(position(), slate(*bids_of(), bid("new", 0.8, 1_000)), MODEL)
    assert ("new+plain",) in {one.action for one in valued}


def test_who_has_become_another_since_is_a_stranger() -> None:
    before = bids_of()
    changed = replace(before[0], probability=0.3, evidence=replace(before[0].evidence, changed=MODEL.seq + 1))
    scores = [
        {one.action: one.score for one in planned(position(), slate(*bids), MODEL)[2]}[("ant+plain",)]
        for bids in (before, [changed, *before[1:]])
    ]
    assert scores[1] < scores[0]


@pytest.mark.parametrize("known", [True, False], ids=["by the model", "by its record"])
def test_who_is_hardly_better_than_a_guess_is_not_looked_at(known: bool) -> None:
    made = model(RIGHTS | {"eel": (0.15, 0.1)} if known else RIGHTS, prices=PRICES | {"eel": 100})
    _, _, valued = planned(position(), slate(*bids_of(), bid("eel", 0.12, 100)), made)
    assert "eel+plain" not in {key for one in valued for key in one.uses}


def test_a_guesser_that_claims_to_be_sure_of_this_input_is_looked_at() -> None:
    made = model(RIGHTS | {"eel": (0.15, 0.1)}, prices=PRICES | {"eel": 100})
    sure = bid("eel", 0.9, 100)
    sure = replace(sure, offer=replace(sure.offer, claim=0.95), evidence=replace(sure.evidence, prior=0.12))
    _, _, valued = planned(position(), slate(*bids_of(), sure), made)
    assert ("eel+plain",) in {one.action for one in valued}


def test_who_is_not_on_the_shortlist_is_looked_at_when_its_price_fell() -> None:
    short = replace(MODEL, levels=(replace(MODEL.levels[0], keys=MODEL.keys[:2]),))
    for price, there in ((400_000, False), (330_000, False), (200_000, True)):
        _, _, valued = planned(position(), slate(*bids_of(dog=price)), short)
        assert there == (("dog+plain",) in {one.action for one in valued})


def test_who_bids_a_confidence_of_its_own_is_valued_by_it() -> None:
    before = bids_of()
    shy, bold = (
        [replace(before[0], probability=p, offer=replace(before[0].offer, claim=p)), *before[1:]] for p in (0.5, 0.9)
    )
    scores = [{one.action: one.score for one in planned(position(), slate(*bids), MODEL)[2]} for bids in (shy, bold)]
    assert scores[0][("ant+plain",)] < scores[1][("ant+plain",)]


def test_what_is_worth_nothing_is_not_bought() -> None:
    assert () == auction(position(worth=0), slate(*bids_of()), TABLE, 0.5).chosen


def test_free_opinions_are_bought_at_once() -> None:
    free = slate(*bids_of(ant=0, bee=0, cat=0, dog=0))
    _, _, valued = planned(position(worth=10), free, MODEL)
    assert ("ant+plain", "bee+plain", "cat+plain", "dog+plain") in {one.action for one in valued}


def test_two_at_once_must_fit_under_the_price() -> None:
    for most, there in ((49_999, False), (50_000, True)):
        where = position(latency_price=1_000_000, max_price=most)
        fitting = slate(*(one for one in bids_of() if one.offer.ceiling <= most))
        actions = {one.action for one in planned(where, fitting, MODEL)[2]}
        assert there == (("ant+plain", "cat+plain") in actions)


def test_what_the_price_forbids_to_buy_later_adds_no_value_now() -> None:
    offered = slate(*(one for one in bids_of() if one.offer.ceiling <= 90_000))
    tight, wide = (
        {one.action: one.score for one in planned(position(max_price=most), offered, MODEL)[2]}
        for most in (90_000, 10 * WORTH)
    )
    assert all(score <= wide[action] for action, score in tight.items())
    alone = WORTH * sum(s * r for s, r in zip(MODEL.domains[0].shares, RIGHTS["bee"], strict=True)) - 90_000
    assert pytest.approx(alone, abs=1.0) == tight[("bee+plain",)]


def test_waiting_costs() -> None:
    slow = [replace(one, latency_ns=10**10) for one in bids_of()]
    scores = [
        {one.action: one.score for one in planned(position(latency_price=price), slate(*slow), MODEL)[2]}
        for price in (0, 1_000)
    ]
    assert all(scores[1][action] < score for action, score in scores[0].items())


def test_answers_that_are_never_equal_are_as_right_as_the_best_of_them() -> None:
    table = Table(alternatives=0, apart=True)
    held = state(("ant", 0, 0.6), ("bee", 1, 0.8))
    found = auction(position(held), slate(bid("cat", 0.79, 1)), table, 0.5)
    assert (0.8, 1, ()) == (found.standing, found.standing_group, found.chosen)
    best = auction(position(), slate(bid("cat", 0.7, 10), bid("dog", 0.71, WORTH)), table, 0.5)
    assert ("cat+plain",) == best.chosen


def test_answers_that_turn_out_equal_after_all_are_one_group() -> None:
    found = auction(position(state(("ant", 0, 0.6), ("bee", 0, 0.8))), slate(), Table(alternatives=0, apart=True), 0.5)
    assert (0.8, 0) == (found.standing, found.standing_group)


def test_shapes_are_shared() -> None:
    assert structure(4, 4) is structure(4, 4)

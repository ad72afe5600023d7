"""Steering: what a target or a budget comes to on streams of questions."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from tests.objectives.streams import (
    HOUR,
    MIDNIGHT,
    PRICES,
    SECOND,
    buy,
    first_awards,
    market_of,
    parity,
    stream,
    truth,
)

from atomic.belief import Beliefs
from atomic.belief.snapshot import restore, snapshot
from atomic.clock import FrozenClock
from atomic.erasure import without_erased
from atomic.market import Market
from atomic.progress import progress
from atomic.records import Reason, Slate, Terms, decode
from atomic.records.budget import Budget
from atomic.records.microtask import with_terms
from atomic.replay import replay

PER_1K = Budget.of("$0.5/1k")


def under(**aim: object) -> Terms:
    return with_terms(with_terms(parity.terms, max_price=10**12), **aim)


def told(market: Market, terms: Terms, clock: FrozenClock) -> str:
    return next(one for one in progress(market.ledger, market.beliefs, clock.time_ns())).text()


async def test_a_budget_for_1000_requests_is_spent_to_within_five_per_cent() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    outcomes = await stream(market, under(budget=PER_1K), range(1_000))
    spent = sum(one.cost for one in outcomes)
    assert spent == pytest.approx(PER_1K.amount, rel=0.05)
    assert not any(one.refused for one in outcomes)
    assert "left" in told(market, under(budget=PER_1K), clock)


async def test_a_target_is_what_the_mean_probability_comes_to() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    terms = under(target=0.9)
    outcomes = await stream(market, terms, range(400))
    assert sum(one.probability for one in outcomes) / 400 == pytest.approx(0.9, abs=0.005)
    assert market.beliefs.paces.of("parity", terms).mean == pytest.approx(0.9, abs=0.005)


async def test_a_target_below_the_cheapest_buys_the_cheapest_and_refuses_nobody() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    outcomes = await stream(market, under(target=0.3), range(60))
    assert {100_000} == {one.cost for one in outcomes}
    assert not any(one.refused for one in outcomes)


async def test_a_target_that_nobody_reaches_is_called_not_attainable() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    terms = under(target=0.999)
    await stream(market, terms, range(60))
    assert "not attainable: the best that all bidders together reach is 0.9" in told(market, terms, clock)
    assert "estimated, unverified" in told(market, terms, clock)


async def test_a_target_within_reach_is_not_called_unattainable() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    terms = under(target=0.9)
    await stream(market, terms, range(60))
    assert "not attainable" not in told(market, terms, clock)


async def test_refusals_are_counted_apart() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    terms = with_terms(under(target=0.8), refuse_below=0.9)
    outcomes = await stream(market, terms, range(60))
    refused = sum(one.refused for one in outcomes)
    pace = market.beliefs.paces.of("parity", terms)
    assert 0 < refused
    assert (60, refused) == (pace.settled, pace.refused)
    assert 60 - refused == len(pace.recent)


async def test_feedback_on_outcomes_corrects_a_target_that_is_believed_to_be_met() -> None:
    boasters = {name: (price, 0.95) for name, (price, _) in PRICES.items()}  # each is believed to be right so often
    market = await market_of(FrozenClock(MIDNIGHT), boasters, really={"cheap": 0.7})
    terms = under(target=0.9)
    for number in range(300):
        await buy(market, terms, number)
        await market.feedback(f"r{number}", truth=truth(number))
    pace = market.beliefs.paces.of("parity", terms)
    assert pace.verified
    assert pace.mean == pytest.approx(0.9, abs=0.04)


async def test_a_later_word_of_an_outcome_takes_the_place_of_the_earlier() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    terms = under(target=0.9)
    await buy(market, terms, 1)
    await market.feedback("r1", 1.0)
    await market.feedback("r1", 0.0)
    pace = market.beliefs.paces.of("parity", terms)
    assert (1, -next(iter(pace.recent.values())).probability) == (pace.told, pace.gap)


async def test_steering_begins_where_the_terms_say() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    await buy(market, Terms(target=0.9, worth=12_345_678, max_price=10**12, explore=False), 1)
    assert 12_345_678 == first_awards(market)[0].position.terms.worth


async def test_two_objectives_of_one_task_are_steered_apart() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    low, high = under(target=0.7), under(target=0.94)
    for number in range(0, 80, 2):
        await buy(market, low, number)
        await buy(market, high, number + 1)
    worths = [one.position.terms.worth for one in first_awards(market)]
    assert worths[-2] < worths[-1]
    assert 2 == len(market.beliefs.paces.known)


async def test_all_rounds_of_a_request_have_one_worth() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    await stream(market, under(target=0.9), range(40))
    worths: dict[str, set[int]] = {}
    for event in market.ledger.read(kinds=("award",)):
        worths.setdefault(event.request_id, set()).add(event.payload.position.terms.worth)  # type: ignore[union-attr]
    assert {1} == {len(one) for one in worths.values()}


async def test_steered_awards_replay_exactly_from_bids_and_from_the_ledger() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    await stream(market, under(target=0.9), range(50))
    await stream(market, under(budget=PER_1K), range(50, 100))
    day = under(budget=Budget.of("$0.02/day", time_zone="Europe/Berlin", carry_over=True))
    await stream(market, day, range(100, 200), lambda _: clock.advance(HOUR // 2))
    found = replay(market.ledger, deep=True)
    assert 0 == found.differences
    assert 200 <= found.awards


async def test_paces_survive_a_snapshot_bit_for_bit() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    await stream(market, under(target=0.9), range(20))
    day = under(budget="$0.02/day")
    await stream(market, day, range(20, 60), lambda _: clock.advance(HOUR))
    restored = Beliefs()
    restore(restored, snapshot(market.beliefs))
    assert market.beliefs.digest() == restored.digest()
    assert market.beliefs.paces.of("parity", day).worth(clock.time_ns()) == restored.paces.of("parity", day).worth(
        clock.time_ns()
    )


async def test_a_fold_of_the_whole_ledger_gives_the_same_paces() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    await stream(market, under(budget="$0.02/day"), range(60), lambda _: clock.advance(HOUR))
    assert market.beliefs.paces.state() == without_erased(market.ledger).paces.state()


def uneven(rng: random.Random, count: int) -> list[int]:
    """Seconds of a day at which requests come: half of them within two hours."""
    rush = [round(rng.gauss(10 * 3_600, 1_800)) for _ in range(count // 2)]
    rest = [rng.randrange(86_000) for _ in range(count - count // 2)]
    return sorted(min(86_000, max(0, one)) for one in (*rush, *rest))


async def test_a_day_is_spent_to_within_one_per_cent_once_its_shape_is_known() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    terms, rng, number = under(budget="$0.25/day"), random.Random(1), 0
    spent = [0, 0, 0]
    for day in range(3):
        for second in uneven(rng, 400):
            clock.advance(max(0, MIDNIGHT + (day * 86_400 + second) * SECOND - clock.time_ns()))
            spent[day] += (await buy(market, terms, number)).cost
            number += 1
    assert spent[2] == pytest.approx(250_000_000, rel=0.01)
    assert all(one <= 253_000_000 for one in spent)


async def test_what_is_left_passes_on_only_where_declared() -> None:
    for carry, expected in ((True, 2 * 10**9), (False, 10**9)):
        market = await market_of(clock := FrozenClock(MIDNIGHT))
        terms = under(budget=Budget.of("$1/day", carry_over=carry))
        await buy(market, terms, 1)
        cost = market.beliefs.paces.of("parity", terms).spent
        clock.advance(24 * HOUR)
        assert market.beliefs.paces.of("parity", terms).left(clock.time_ns()) == expected - (cost if carry else 0)


async def spent_up(when_spent: str, incumbent: str = "") -> tuple[Market, Terms]:
    """A market whose budget of the day one request has spent."""
    market = await market_of(FrozenClock(MIDNIGHT))
    budget = Budget.of("$0.0001/day", when_spent=when_spent, incumbent=incumbent)  # type: ignore[arg-type]
    terms = under(budget=budget)
    assert 100_000 <= (await buy(market, terms, 1)).cost
    return market, terms


async def test_a_spent_budget_refuses_and_says_why() -> None:
    market, terms = await spent_up("refuse")
    outcome = await buy(market, terms, 2)
    slate: Slate = decode(Slate, market.ledger.blob(first_awards(market)[-1].slate))
    assert (True, 0) == (outcome.refused, outcome.cost)
    assert {Reason.BUDGET_SPENT} == {one.reason for one in slate.no_bids}


async def test_nobody_bids_who_is_dearer_than_what_is_left() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    terms = replace(under(budget=Budget.of("$0.0011/day")), worth=10**9)  # at which the dear one is bought first
    outcomes = await stream(market, terms, range(4))
    slates: list[Slate] = [decode(Slate, market.ledger.blob(one.slate)) for one in first_awards(market)]
    assert all("dear+plain" not in {bid.key for bid in slate.bids} for slate in slates)
    assert 1_000_000 == sum(one.cost for one in outcomes)
    assert {("dear", Reason.BUDGET_SPENT)} == {(one.bidder, one.reason) for one in slates[0].no_bids}


async def test_a_spent_budget_that_says_cheapest_buys_the_cheapest_alone() -> None:
    market, terms = await spent_up("cheapest")
    assert (100_000, "cheap+plain") == ((outcome := await buy(market, terms, 2)).cost, outcome.winner)


async def test_a_spent_budget_that_says_observe_lets_the_incumbent_answer() -> None:
    market, terms = await spent_up("observe", "middling")
    assert (400_000, "middling+plain") == ((outcome := await buy(market, terms, 2)).cost, outcome.winner)


async def test_the_next_window_buys_again() -> None:
    market = await market_of(clock := FrozenClock(MIDNIGHT))
    terms = under(budget="$0.0001/day")
    await buy(market, terms, 1)
    assert (await buy(market, terms, 2)).refused
    clock.advance(24 * HOUR)
    assert not (await buy(market, terms, 3)).refused


async def test_nobody_to_answer_does_not_wind_the_worth_up() -> None:
    market = await market_of(FrozenClock(MIDNIGHT))
    terms = with_terms(under(budget=PER_1K), jurisdictions=("nowhere",))
    await stream(market, under(budget=PER_1K), range(30))
    before = market.beliefs.paces.of("parity", terms).multiplier
    market.bidders.clear()
    await stream(market, terms, range(30, 60))
    assert before == market.beliefs.paces.of("parity", terms).multiplier


async def test_a_halved_price_is_acted_on_by_the_next_request() -> None:
    prices = {"cheap": (100_000, 0.75), "dear": (3_000_000, 0.95)}
    market = await market_of(clock := FrozenClock(MIDNIGHT), prices)
    terms = under(worth=12_000_000)
    assert "cheap+plain" == (await buy(market, terms, 1)).winner
    halved = await market_of(clock, prices | {"dear": (1_500_000, 0.95)})
    assert "dear+plain" == (await buy(halved, terms, 2)).winner

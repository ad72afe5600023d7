"""Rounds against the standing answer until nothing pays, and honest refusals."""

from __future__ import annotations

import pytest
from tests.market.shop import WORTH, awards, bidder, careful, events, explored, finished, no_bids, opened, reasons, spam

from atomic.market import Trade
from atomic.protocols import Profile
from atomic.records import Reason
from atomic.records.microtask import with_terms
from atomic.testing import Line


async def test_one_sure_and_cheap_answer_is_bought_and_nothing_more() -> None:
    sure, other = bidder("sure", ["spam"], right=0.99), bidder("other", [Line(answer="ham", price=WORTH // 10)])
    market = await opened(sure, other)

    outcome = await market.run(spam, "buy now")

    assert ("spam", "sure+plain", 2, 0) == (outcome.answer, outcome.winner, outcome.rounds, outcome.cost)
    assert 0.99 == pytest.approx(outcome.probability)
    assert "prior" == outcome.probability_source
    assert not outcome.refused
    assert 0 == len(other.attempts)
    kinds = ["request", "award", "started", "finished", "award", "outcome"]
    assert kinds == [event.kind for event in events(market)]


async def test_a_request_of_one_purchase_costs_two_commits() -> None:
    market = await opened(bidder("sure", ["spam"]))
    commits: list[int] = []
    market.ledger.follow(lambda told: commits.append(len(told)))

    await market.run(spam, "buy now")

    assert [3, 3] == commits


async def test_opinions_are_bought_until_no_more_would_change_the_answer() -> None:
    """Two cheap ones differ, a third decides."""
    cheap = [bidder(name, [Line(answer=said, price=10)], right=0.75) for name, said in (("a", "spam"), ("b", "ham"))]
    third = bidder("c", [Line(answer="ham", price=20)], right=0.75)
    market = await opened(*cheap, third)

    outcome = await market.run(spam, "?")

    assert "ham" == outcome.answer
    assert 40 == outcome.cost
    assert 4 == outcome.rounds
    assert "agreement" == outcome.probability_source


async def test_agreeing_answers_need_no_third_opinion() -> None:
    cheap = [bidder(name, [Line(answer="spam", price=10)], right=0.75) for name in "ab"]
    third = bidder("c", [Line(answer="ham", price=20)], right=0.75)
    market = await opened(*cheap, third)

    outcome = await market.run(spam, "?")

    assert ("spam", 20) == (outcome.answer, outcome.cost)
    assert 0 == len(third.attempts)


async def test_a_bidder_that_may_answer_otherwise_is_asked_at_most_three_times() -> None:
    free = bidder("dice", ["spam", "ham"], right=0.7, deterministic=False)
    market = await opened(free)

    await market.run(spam, "?")
    award = awards(market)[-1]

    assert 1 <= len(free.attempts) <= 3
    assert set(award.chosen) == set()


async def test_a_deterministic_bidder_is_asked_once_and_excluded_by_number() -> None:
    market = await opened(bidder("a", ["spam"]))

    await market.run(spam, "?")

    assert {"a": Reason.ALREADY_ANSWERED} == reasons(market, awards(market)[-1])


async def test_no_bidder_at_all_is_an_honest_refusal() -> None:
    outcome = await (await opened()).run(spam, "?")

    assert outcome.refused
    assert (None, 0.0, 0, "no bid is worth its price") == (
        outcome.answer,
        outcome.probability,
        outcome.cost,
        outcome.why,
    )


async def test_nobody_answering_is_an_honest_refusal() -> None:
    outcome = await (await opened(bidder("a", [Line(reason=Reason.REFUSED)]))).run(spam, "?")

    assert (None, "nobody answered") == (outcome.answer, outcome.why)


async def test_an_answer_below_the_callers_floor_is_refused_with_its_probability() -> None:
    outcome = await (await opened(bidder("a", ["spam"], right=0.8))).run(careful, "?")

    assert outcome.refused
    assert outcome.answer is None
    assert "0.80, below refuse_below=0.9" in outcome.why
    assert 0.8 == pytest.approx(outcome.probability)


async def test_a_price_above_its_worth_is_never_paid() -> None:
    dear = bidder("dear", [Line(answer="spam", price=WORTH)], right=0.9)
    outcome = await (await opened(dear)).run(spam, "?")

    assert outcome.refused
    assert 0 == len(dear.attempts)


async def test_labels_and_jurisdictions_exclude_by_number() -> None:
    public = bidder("public", ["spam"], accepts="public")
    abroad = bidder("abroad", ["spam"], jurisdictions=("us",))
    both = bidder("both", ["spam"], jurisdictions=("de", "us"))
    here = bidder("here", ["spam"])
    market = await opened(public, abroad, both, here)
    terms = with_terms(spam.terms, jurisdictions=("de",))

    await market.buy(spam("?"), Trade(terms=terms, label="confidential"))

    found = reasons(market, awards(market)[0])
    assert Reason.LABEL_NOT_ACCEPTED == found["public"]
    assert Reason.JURISDICTION == found["abroad"] == found["both"]
    assert "here" not in found
    assert [] == [one for one in (public, abroad, both) if one.attempts]
    assert {"confidential"} == {event.label for event in events(market)}


async def test_an_input_too_long_for_a_speaker_is_a_no_bid() -> None:
    small = bidder("small", ["spam"], speaks=True, context_characters=10)
    market = await opened(small)

    await market.run(spam, "x" * 100)

    assert {"small": Reason.INPUT_TOO_LONG} == reasons(market, awards(market)[0])


async def test_bidders_decline_with_a_reason_of_their_own() -> None:
    market = await opened(bidder("a", [Line(no_bid=Reason.NOT_CONFIGURED)]))

    await market.run(spam, "?")

    assert {"a": Reason.NOT_CONFIGURED} == reasons(market, awards(market)[0])


async def test_exploration_gives_others_a_chance_at_the_first_round_alone() -> None:
    market = await opened(
        *(bidder(name, [Line(answer="spam", price=10)], right=0.8 - n / 20) for n, name in enumerate("abc"))
    )

    for number in range(60):
        await market.run(explored, f"mail {number}")

    first = [award for award in awards(market) if award.position.round == 1]
    later = [award for award in awards(market) if award.position.round > 1]
    assert {("a+plain",), ("b+plain",), ("c+plain",)} == {award.chosen for award in first}
    assert {1.0} == {award.propensity for award in later}
    assert all(1.0 == pytest.approx(sum(one.propensity for one in award.candidates)) for award in first)


async def test_the_same_secret_and_request_draw_the_same_and_another_secret_does_not() -> None:
    async def draws(secret: bytes) -> list[float]:
        market = await opened(bidder("a", ["spam"]), secret=secret)
        for number in range(3):
            await market.buy(explored("x"), Trade(request_id=str(number)))
        return [award.draw for award in awards(market)]

    assert await draws(b"one") == await draws(b"one")
    assert await draws(b"one") != await draws(b"two")


async def test_what_an_award_says_of_claims_passed_through_calibration() -> None:
    boaster = bidder("boaster", [Line(answer="spam", claim=0.99, confidence=0.99)], right=0.5)
    market = await opened(boaster)

    outcome = await market.run(spam, "?")

    assert 0.5 < outcome.probability < 0.95
    assert 0.99 == finished(market)[0].confidence


async def test_profiles_are_what_no_bids_are_named_after() -> None:
    market = await opened(bidder("a", [Line(offer_raises=ValueError("secret text"))]))

    await market.run(spam, "?")
    (no_bid,) = no_bids(market, awards(market)[0]).values()

    assert (Reason.CRASHED, "ValueError") == (no_bid.reason, no_bid.detail)
    assert Profile(name="a", kind="scripted", right=0.8) == market.bidders["a"].profile

"""The semantic cache: what it reuses, how sure it is of that, and what it never gives to whom."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Literal

import pytest
from tests.market.shop import awards, bidder, no_bids, opened

from atomic.bidders.semantic_cache import FEWEST, SemanticCache
from atomic.protocols import Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Example, Microtask, microtask
from atomic.testing import Line, ask_for, check_bidder, check_learner, example_for
from atomic.trade import Trade

SKETCH = Sketch(tactic="plain", prompt_characters=0, max_tokens=0)
PLAN = Plan(bidder="semantic", tactic="plain", max_tokens=0)
ABOUT = {
    "delivery": "where is my parcel and when will it arrive at the address of order",
    "refund": "I want my money back because the thing that I bought is broken, order",
    "login": "I cannot sign in to my account since I forgot the password of user",
}


@microtask(worth="$0.002", explore=False)
async def intent(text: str) -> Literal["delivery", "refund", "login"]:
    """What does the customer want?"""
    raise NotImplementedError


@microtask(worth="$0.002", explore=False)
async def reply(text: str) -> str:
    """Write a reply."""
    raise NotImplementedError


def text(label: str, number: int) -> str:
    words = ABOUT[label].split()
    random.Random(number).shuffle(words)
    return " ".join(words[: len(words) - number % 4])


def examples(count: int = 60, task: Microtask[..., Any] = intent, **changes: Any) -> list[Example]:
    labels = list(ABOUT)
    return [
        example_for(task(text(labels[n % 3], n)), labels[n % 3], **{"request_id": f"e{n}", **changes})
        for n in range(count)
    ]


def taught(*examples: Example, **options: Any) -> SemanticCache:
    cache = SemanticCache(**options)
    for example in examples:
        cache.learn(example)
    return cache


def claim(cache: SemanticCache, about: str, **changes: Any) -> float:
    offer = cache.offer(ask_for(intent(about), **changes), SKETCH)
    assert isinstance(offer, Offer), offer
    assert offer.claim is not None
    return offer.claim


def refused(cache: SemanticCache, about: str, task: Microtask[..., Any] = intent, **changes: Any) -> Reason:
    found = cache.offer(ask_for(task(about), **changes), SKETCH)
    assert isinstance(found, NoBid)
    return found.reason


async def test_an_input_like_an_earlier_one_gets_its_answer() -> None:
    cache = taught(*examples())
    ask = ask_for(intent("my parcel, where is it and when will it arrive"))

    assert "delivery" == (await cache.attempt(ask, PLAN)).value


def test_the_nearer_the_input_the_surer_it_is() -> None:
    cache = taught(*examples())

    assert claim(cache, text("delivery", 0)) > claim(cache, "a parcel is a thing of beauty and a joy for ever") > 0.0


def test_where_reuse_was_wrong_it_is_not_sure_although_inputs_are_alike() -> None:
    honest, fooled = taught(*examples()), SemanticCache()
    for n, example in enumerate(examples()):
        fooled.learn(replace(example, answer=list(ABOUT)[n // 7 % 3]))

    assert claim(fooled, text("delivery", 0)) < 0.7 < 0.9 < claim(honest, text("delivery", 0))


def test_it_does_not_bid_before_reuse_was_tried_often_enough() -> None:
    cache = taught(*examples(FEWEST))

    assert Reason.NO_EXAMPLES is refused(cache, text("delivery", 0))
    cache.learn(examples(FEWEST + 1)[-1])
    assert claim(cache, text("delivery", 0))


def test_other_numbers_and_denials_make_it_less_sure() -> None:
    cache = taught(*examples())
    cache.learn(example_for(intent("please cancel order 17 for me today"), "refund", request_id="x"))

    same = claim(cache, "please cancel order 17 for me now")
    assert claim(cache, "please cancel order 18 for me now") < same
    assert claim(cache, "please do not cancel order 17 for me now") < same


@pytest.mark.parametrize("changes", [{"tenant": "other"}, {"label": "public"}, {"label": "confidential"}])
def test_what_is_of_another_tenant_or_data_label_is_never_found(changes: dict[str, Any]) -> None:
    assert Reason.NOTHING_SIMILAR is refused(taught(*examples()), text("delivery", 0), **changes)


def test_it_stays_away_from_tasks_that_are_off() -> None:
    assert Reason.DECLINED is refused(taught(*examples(), off=["intent"]), text("delivery", 0))


def test_what_was_written_for_one_person_is_not_shown_to_another() -> None:
    for_nobody = taught(*examples(task=reply))
    for_ann = taught(*examples(task=reply, subjects=("ann@example.com",)))

    assert isinstance(for_nobody.offer(ask_for(reply(text("delivery", 0))), SKETCH), Offer)
    assert Reason.NOTHING_SIMILAR is refused(for_ann, text("delivery", 0), task=reply)


def test_an_answer_that_was_found_to_be_wrong_is_not_given_again() -> None:
    cache = taught(*examples())
    odd = intent("a quite singular question of somebody unheard of")
    cache.learn(example_for(odd, "login", request_id="odd"))
    before = cache.offer(ask_for(odd), SKETCH)
    cache.learn(example_for(odd, "login", request_id="odd", probability=0.0))

    assert isinstance(before, Offer)
    assert cache.offer(ask_for(odd), SKETCH) != before


def test_what_was_erased_is_forgotten() -> None:
    cache = taught(*examples())
    cache.forget()

    assert Reason.NOTHING_SIMILAR is refused(cache, text("delivery", 0))


async def test_it_keeps_the_contracts_of_bidders_and_learners() -> None:
    found = await check_learner(SemanticCache, examples(), [ask_for(intent(text("refund", 90)))])
    await check_bidder(lambda: taught(*examples()), intent, [(text("delivery", 0),), ("xyzzy",)])

    assert isinstance(found[0], Offer)


async def test_in_a_market_it_takes_over_what_was_verified_often() -> None:
    dear = bidder("dear", lambda ask: Line(answer=_label(ask.features.text), price=1_000_000), right=0.95)
    market = await opened(SemanticCache(), dear, per_day=10**12)
    winners = []
    for n in range(90):
        label = list(ABOUT)[n % 3]
        outcome = await market.buy(intent(text(label, n)), Trade(request_id=f"r{n}"))
        await market.feedback(f"r{n}", truth=label)
        winners.append(outcome.winner)
    first = no_bids(market, awards(market)[0])["semantic"]

    assert Reason.NOTHING_SIMILAR is first.reason
    assert {"dear+plain"} == set(winners[:FEWEST])
    assert winners[-15:].count("semantic+plain") > 10


def _label(found: str) -> str:
    return max(ABOUT, key=lambda label: len(set(ABOUT[label].split()) & set(found.split())))

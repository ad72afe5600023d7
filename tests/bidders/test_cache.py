"""The cache answers what was answered before, to exactly the same input, and to nobody else."""

from dataclasses import replace

from tests.bidders.tasks import SKETCH, plan_of, topic, urgent

from atomic.bidders.cache import ExactCache
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Example
from atomic.testing import ask_for, example_for

CALL = topic("football")
PERSON = example_for(CALL, "sport")
MARKET = example_for(CALL, "money", source="market", probability=0.6)


def cache_of(*examples: Example, capacity: int = 10) -> ExactCache:
    cache = ExactCache(capacity=capacity)
    for example in examples:
        cache.learn(example)
    return cache


def claim_of(cache: ExactCache, **changes: object) -> float | None:
    offer = cache.offer(ask_for(CALL, **changes), SKETCH)
    return offer.claim if isinstance(offer, Offer) else None


async def test_a_verified_answer_is_given_again_for_nothing() -> None:
    cache = cache_of(PERSON)
    reply = await cache.attempt(ask_for(CALL), plan_of("cache"))

    assert ("sport", 0.999, 0) == (reply.value, reply.confidence, reply.price)
    assert Offer(bidder="cache", tactic="plain", claim=0.999, latency_ns=0) == cache.offer(ask_for(CALL), SKETCH)


def test_what_the_market_settled_is_claimed_with_its_probability() -> None:
    assert 0.6 == claim_of(cache_of(MARKET))


def test_what_somebody_verified_is_not_replaced_by_what_the_market_settled() -> None:
    assert 0.999 == claim_of(cache_of(MARKET, PERSON, MARKET))


def test_an_answer_found_wrong_is_forgotten() -> None:
    assert None is claim_of(cache_of(PERSON, example_for(CALL, "sport", probability=0.0)))


def test_another_tenant_data_label_version_or_input_is_another_question() -> None:
    cache = cache_of(PERSON)

    assert None is claim_of(cache, tenant="b")
    assert None is claim_of(cache, label="public")
    assert None is claim_of(cache, label="sovereign")
    assert None is claim_of(cache, input_json=b"{}")
    assert isinstance(cache.offer(ask_for(urgent("football")), SKETCH), NoBid)
    assert None is claim_of(cache_of(example_for(CALL, "sport", task_version="older")))


def test_it_stays_away_from_tasks_it_is_off_for() -> None:
    cache = ExactCache(off=["topic"])
    cache.learn(PERSON)
    no_bid = cache.offer(ask_for(CALL), SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.DECLINED == no_bid.reason


async def test_the_entries_used_last_are_kept() -> None:
    calls = [topic(str(number)) for number in range(3)]
    cache = cache_of(*(example_for(call, "sport") for call in calls[:2]), capacity=2)
    await cache.attempt(ask_for(calls[0]), plan_of("cache"))
    cache.learn(example_for(calls[2], "sport"))

    assert [True, False, True] == [isinstance(cache.offer(ask_for(call), SKETCH), Offer) for call in calls]


async def test_an_answer_that_is_no_longer_of_the_type_is_a_reason() -> None:
    reply = await cache_of(replace(PERSON, answer="weather")).attempt(ask_for(CALL), plan_of("cache"))

    assert (None, Reason.NOT_THE_TYPE) == (reply.value, reply.reason)

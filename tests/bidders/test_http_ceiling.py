"""The ceiling of a hosted model is a bound that no bill can exceed, so that the books hold what was billed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("httpx_sse")

from tests.bidders.endpoint import Played, completion, endpoint
from tests.bidders.hosted import ASK, PLAN, PRICE, sketch_of
from tests.bidders.tasks import folder, topic, urgent

import atomic
from atomic.bidders.http import HttpModel, HttpOptions
from atomic.bidders.http_reply import Counts, Said, bill
from atomic.protocols import Sketch
from atomic.records.attempt import AttemptFinished, Message, Usage
from atomic.records.bid import Offer, Reason
from atomic.records.event import Event
from atomic.records.microtask import Call
from atomic.records.price import Price
from atomic.tactics import NearestExamples, Plain
from atomic.testing import ModelServer, ask_for, example_for, model_server

FAR = HttpModel("far", HttpOptions(base_url="http://127.0.0.1:9/v1", model="m", price=PRICE))
COUNTS = st.integers(0, 10**6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server(answer="sport") as running:
        yield running


def ceiling(model: HttpModel, sketch: Sketch) -> int:
    offer = model.offer(ASK, sketch)
    assert isinstance(offer, Offer)
    assert offer.price <= offer.ceiling
    return offer.ceiling


@given(st.lists(TEXTS, min_size=1, max_size=6), st.integers(1, 2_000), st.integers(0, 3_000))
def test_a_token_for_each_byte_and_the_template_is_within_the_ceiling(
    texts: list[str], limit: int, reasoning: int
) -> None:
    options = HttpOptions(base_url="http://127.0.0.1:9", model="m", price=PRICE, reasoning_tokens=reasoning)
    model = HttpModel("far", options)
    plan = replace(PLAN, messages=tuple(Message(role="user", content=one) for one in texts), max_tokens=limit)
    size = sum(len(one.encode()) for one in texts)
    worst = Usage(
        prompt_tokens=size + 16 * len(texts) + 128,
        cache_write_tokens=size + 16 * len(texts) + 128,
        completion_tokens=limit + reasoning,
    )

    assert PRICE.of(worst) <= ceiling(model, sketch_of(plan))
    if len(texts) <= 2:
        unsaid = replace(sketch_of(plan), prompt_bytes=0, messages=0)
        assert ceiling(model, sketch_of(plan)) <= ceiling(model, unsaid)  # what a sketch does not say is the most


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.tuples(COUNTS, COUNTS, st.none() | COUNTS, st.none() | COUNTS))
def test_however_a_prompt_was_cached_its_price_is_within_the_most(
    fresh: int, cached: int, written: int, completion: int, prices: tuple[int, int, int | None, int | None]
) -> None:
    price = Price(input=prices[0], output=prices[1], cached=prices[2], cache_write=prices[3])
    counts = Counts(fresh=fresh, cached=cached, written=written, completion=completion)
    assert counts.usage is not None
    assert counts.prompt is not None

    assert price.of(counts.usage) <= price.most(counts.prompt, completion)


SOME = st.integers(0, 100)


@given(st.none() | SOME, SOME, SOME, st.none() | SOME)
def test_what_was_reported_in_part_is_billed_between_that_part_and_the_reservation(
    fresh: int | None, cached: int, written: int, completion: int | None
) -> None:
    counts = Counts(fresh=fresh, cached=cached, written=written, completion=completion)
    billed, reported = bill(Said(counts=counts), PRICE, most_prompt=300, most_completion=100)

    assert (None not in (fresh, completion)) == reported
    assert PRICE.of(Usage(completion_tokens=completion or 0)) <= billed <= PRICE.most(300, 100)


def test_the_tactics_say_what_their_plans_weigh() -> None:
    calls: list[Call[Any]] = [topic("größer als ein Fußballfeld 😀 " * 30), urgent("急いで"), folder("x"), topic("")]
    for call in calls:
        ask = ask_for(call)
        for tactic in (Plain(), NearestExamples()):
            examples = [(0.9, example_for(topic("Ärger " * 99), "sport")), (0.8, example_for(topic("💶"), "money"))]
            sketch = tactic.sketch(ask, FAR.profile, examples)
            if not isinstance(sketch, Sketch):
                continue
            plan = tactic.plan(ask, FAR.profile, examples)
            assert sketch_of(plan) == replace(sketch, examples=0)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
@pytest.mark.parametrize("bidder", ["http", "anthropic"])
async def test_the_densest_bill_is_kept_in_full_by_the_books(
    server: ModelServer, bidder: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", "s3cret")
    price = {"input": "$1", "output": "$10", "as_of": "2026-11-01"}
    far = {"kind": bidder, "url": server.url, "model": "dense", "key_env": "FAR_KEY", "stream": stream, "price": price}
    config = {"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": {"far": far}}
    seen: list[Event] = []
    async with atomic.open(config, followers=[seen.extend]) as market:
        outcome = await market.run(topic, "größer ⚽ " * 200)

    asked = server.asked[0]
    billed = (asked.size + 8 * asked.messages) * 1_000 + asked.limit * 10_000
    finished = [event.payload for event in seen if isinstance(event.payload, AttemptFinished)]
    assert ("sport", billed) == (outcome.answer, finished[0].price)
    assert [None] == [one.reason for one in finished]


async def test_a_bill_for_a_hidden_prompt_is_booked_whole_and_its_answer_refused() -> None:
    async with endpoint() as hiding:
        hiding.played = Played(body=completion(usage={"prompt_tokens": 50_000, "completion_tokens": 1}))
        price = {"input": "$1", "output": "$10", "as_of": "2026-11-01"}
        far = {"kind": "http", "url": hiding.url, "model": "m", "stream": False, "price": price}
        config = {"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": {"far": far}}
        seen: list[Event] = []
        async with atomic.open(config, followers=[seen.extend]) as market:
            outcome = await market.run(topic, "football")

    finished = [event.payload for event in seen if isinstance(event.payload, AttemptFinished)]
    assert [(Reason.PRICE_OVER_OFFER, 50_010_000)] == [(one.reason, one.price) for one in finished]
    assert outcome.refused

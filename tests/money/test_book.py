"""A price by tokens, its ceiling, and a hosted model that waits for the book."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("httpx")

from tests.bidders.hosted import ASK, PLAN, sketch_of

from atomic.bidders.http import HttpModel, HttpOptions
from atomic.errors import MissingPrice
from atomic.records import BookPrice, NoBid, Offer, Price, Reason, Usage

NANO = st.integers(0, 10**12)
COUNT = st.integers(0, 10**6)


@given(
    price=st.builds(
        Price,
        input=NANO,
        output=NANO,
        cached=st.none() | NANO,
        cache_write=st.none() | NANO,
        reasoning=st.none() | NANO,
        call=NANO,
    ),
    fresh=COUNT,
    cached=COUNT,
    written=COUNT,
    said=COUNT,
    thought=COUNT,
)
def test_no_usage_costs_more_than_the_most(
    price: Price, fresh: int, cached: int, written: int, said: int, thought: int
) -> None:
    usage = Usage(
        prompt_tokens=fresh + cached + written,
        completion_tokens=said + thought,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=thought,
    )

    assert price.call <= price.of(usage) <= price.most(usage.prompt_tokens, usage.completion_tokens)


def test_reasoning_and_a_call_are_billed_as_they_are_priced() -> None:
    price = Price(input=10**6, output=2 * 10**6, reasoning=3 * 10**6, call=100)

    assert 100 + 10 + 2 * 5 + 3 * 4 == price.of(Usage(prompt_tokens=10, completion_tokens=9, reasoning_tokens=4))


def offer(model: HttpModel) -> Offer | NoBid:
    return model.offer(ASK, sketch_of(PLAN))


def test_a_model_priced_by_the_book_does_not_bid_before_the_book_has_it() -> None:
    model = HttpModel("m", HttpOptions(base_url="http://127.0.0.1:9", model="m", price="book"))
    before = offer(model)
    model.reprice(BookPrice(bidder="m", as_of="2026-11-01", source="x", input=10**6, output=10**6, call=7))
    after = offer(model)

    assert isinstance(before, NoBid)
    assert (Reason.NOT_CONFIGURED, "no price yet: `atomic prices update` sets it") == (before.reason, before.detail)
    assert isinstance(after, Offer)
    assert 7 < after.price <= after.ceiling


def test_a_model_without_any_word_of_its_price_is_an_error() -> None:
    with pytest.raises(MissingPrice):
        HttpModel("m", HttpOptions(base_url="http://127.0.0.1:9", model="m", price=None))

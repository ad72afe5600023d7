"""A remote bidder in a market: what it is told and when, what it is paid, and what becomes of who is slow or lies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import JSONResponse
from tests.bidders.remote_service import BIDDER, MARKET, Service, playing, reference_bidder, remote
from tests.market.shop import awards, bidder, events, finished, hasty, no_bids, opened, reasons, slate_of, spam, words

from atomic.bidders.remote import RemoteBidder, RemoteOptions
from atomic.bidders.signatures import Key
from atomic.clock import Clock, SystemClock
from atomic.counterfactual import Given, price_breaks
from atomic.market import Market
from atomic.protocols import Bidder
from atomic.records import Reason
from atomic.records.award import Table
from atomic.records.event import decode
from atomic.records.microtask import microtask
from atomic.replay import replay
from atomic.testing import Line, check_bidder
from atomic.trade import Trade

TEXT = "Cheap pills, buy now, before all of them are gone"


@asynccontextmanager
async def market_of(*bidders: Bidder, clock: Clock | None = None) -> AsyncIterator[Market]:
    market = await opened(*bidders, clock=clock or SystemClock(), per_day=10**10)
    for one in bidders:
        if isinstance(one, RemoteBidder):
            await one.warm()  # as `atomic.open` does
    try:
        yield market
    finally:
        await market.close()


async def until_told(service: Service, step: str, count: int = 1) -> list[dict[str, Any]]:
    while len(service.told(step)) < count:  # noqa: ASYNC110 - told by another task
        await asyncio.sleep(0.005)
    return service.told(step)


async def test_it_bids_without_the_content_and_answers_with_it() -> None:
    async with playing(Service()) as service, market_of(remote(service)) as market:
        outcome = await market.run(spam, TEXT)

    assert ("spam", "far+plain") == (outcome.answer, outcome.winner)
    asked = service.told("bid")
    assert 1 == len(asked)
    assert "pills" not in json.dumps(asked)
    assert ("en", len(TEXT), "internal") == (asked[0]["language"], asked[0]["characters"], asked[0]["label"])
    assert {"name", "version", "domain", "labels", "schema"} == set(asked[0]["task"])
    assert {"text": TEXT} == service.told("award")[0]["input"]
    assert spam.instruction == service.told("award")[0]["task"]["instruction"]


@pytest.mark.parametrize(("shows", "label", "shown"), [("public", "internal", False), ("internal", "internal", True)])
async def test_the_content_goes_out_with_the_invitation_only_up_to_a_data_label(
    shows: Any, label: Any, shown: bool
) -> None:
    async with playing(Service()) as service, market_of(remote(service, shows=shows)) as market:
        await market.buy(spam(TEXT), Trade(label=label))

    assert shown == ("input" in service.told("bid")[0])


async def test_who_may_not_see_an_input_is_not_told_that_there_is_one() -> None:
    async with playing(Service()) as service, market_of(remote(service, accepts="public")) as market:
        await market.run(spam, TEXT)
        (award,) = awards(market)

        assert {"far": Reason.LABEL_NOT_ACCEPTED} == reasons(market, award)
    assert [] == service.heard


async def test_the_winner_is_paid_the_critical_price_and_the_ledger_proves_it() -> None:
    rival = bidder("rival", [Line(answer="spam", price=40_000)], right=0.8)
    async with (
        playing(Service(price=10_000, claim=None)) as service,
        market_of(remote(service, right=0.8), rival) as market,
    ):
        await market.run(spam, TEXT)
        (paid,) = await until_told(service, "settlement")
        award = awards(market)[0]
        table: Table = decode(Table, market.ledger.blob(award.table))
        given = Given(position=award.position, slate=slate_of(market, award), table=table, draw=award.draw)
        proven = price_breaks(given, ["far+plain"])[0]
        (done,) = finished(market)

        assert 10_000 < done.price == paid["payment"] == proven.price
        assert done.price == done.expected_price
        assert 0 == replay(market.ledger, deep=True).differences
    assert paid["answered"]


async def test_what_is_paid_above_the_price_does_not_make_it_dearer() -> None:
    rival = bidder("rival", [Line(answer="spam", price=40_000)], right=0.8)
    async with (
        playing(Service(price=10_000, claim=None)) as service,
        market_of(remote(service, right=0.8), rival) as market,
    ):
        for _ in range(5):
            await market.run(spam, TEXT)
        bids = [one for one in slate_of(market, awards(market)[-2]).bids if one.offer.bidder == "far"]

    assert [10_000] == [one.price for one in bids]


async def test_nobody_is_paid_more_than_the_most_that_the_owner_says() -> None:
    async with playing(Service(price=10_000)) as service, market_of(remote(service, most=12_000)) as market:
        await market.run(spam, TEXT)
        (done,) = finished(market)

    assert 12_000 == done.price


async def test_a_loser_hears_at_which_price_it_would_have_won() -> None:
    rival = bidder("rival", [Line(answer="spam", price=20_000)], right=0.9)
    async with (
        playing(Service(price=300_000, claim=None)) as service,
        market_of(remote(service, right=0.9), rival) as market,
    ):
        await market.run(spam, TEXT)
        (lost,) = await until_told(service, "loss")
        award = awards(market)[0]
        table: Table = decode(Table, market.ledger.blob(award.table))
        given = Given(position=award.position, slate=slate_of(market, award), table=table, draw=award.draw)

        assert price_breaks(given, ["far+plain"])[0].price == lost["critical_price"]
        assert given.at_price("far+plain", lost["critical_price"]).verdict().chosen == ("far+plain",)
    assert 300_000 == lost["price"]
    assert [] == service.told("award") == service.told("settlement")


async def test_a_no_bid_keeps_its_reason() -> None:
    steps = {"bid": lambda _: {"no_bid": {"reason": "no_capacity", "detail": "two hours"}}}
    async with playing(Service(steps=steps)) as service, market_of(remote(service)) as market:
        await market.run(spam, TEXT)
        (award,) = awards(market)

        assert (Reason.NO_CAPACITY, "two hours") == (
            no_bids(market, award)["far"].reason,
            no_bids(market, award)["far"].detail,
        )


async def test_a_late_bid_is_none_and_the_next_requests_do_not_wait_for_it() -> None:
    near = bidder("near", ["spam"] * 9)
    async with (
        playing(Service(seconds={"bid": 0.5})) as service,
        market_of(remote(service, bid_seconds=0.05), near) as market,
    ):
        outcomes = [await market.run(spam, TEXT) for _ in range(5)]
        found = [no_bids(market, award)["far"] for award in awards(market) if award.position.round == 1]

    assert {"near+plain"} == {one.winner for one in outcomes}
    assert Reason.TIMED_OUT == found[0].reason
    assert {Reason.NO_CAPACITY} == {one.reason for one in found[1:]}
    assert 1 == len(service.told("bid"))


async def test_who_is_given_little_time_is_not_kept_waiting_for_bids() -> None:
    near = bidder("near", ["spam"])
    async with (
        playing(Service(seconds={"bid": 5.0})) as service,
        market_of(remote(service, bid_seconds=2.0), near) as market,
    ):
        outcome = await market.run(hasty, TEXT)

    assert "near+plain" == outcome.winner


async def test_who_lies_about_its_chance_is_believed_less_and_less_and_then_not_bought() -> None:
    liar = Service(price=1_000, claim=0.99, answer="ham")
    honest = bidder("honest", ["spam"] * 200, right=0.7)
    async with playing(liar) as service, market_of(remote(service), honest) as market:
        winners = []
        for number in range(40):
            outcome = await market.buy(spam(f"{TEXT} {number}"), Trade(request_id=f"r{number}"))
            await market.feedback(f"r{number}", truth="spam")
            winners.append(outcome.winner)
        bids = [bid for bid in slate_of(market, awards(market)[-1]).bids if bid.offer.bidder == "far"]

    assert 0.99 == (bids[0].offer.claim if bids else 0.99)
    assert {"honest+plain"} == set(winners[-10:])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("perhaps", Reason.NOT_THE_TYPE), (["spam"], Reason.NOT_THE_TYPE), (None, Reason.NOT_THE_TYPE)],
)
async def test_an_answer_that_is_not_of_the_type_is_not_paid(answer: object, reason: Reason) -> None:
    async with playing(Service(answer=answer)) as service, market_of(remote(service)) as market:
        await market.run(spam, TEXT)
        (done,) = finished(market)
        (paid,) = await until_told(service, "settlement")

    assert (reason, 0) == (done.reason, done.price)
    assert (0, False, reason.name.lower()) == (paid["payment"], paid["answered"], paid["reason"])


async def test_a_late_answer_is_not_paid() -> None:
    @microtask(worth="$0.002", explore=False, deadline=2.0)
    async def quick(text: str) -> bool:
        """Is it urgent?"""
        raise NotImplementedError

    async with playing(Service(answer=True, seconds={"award": 20.0})) as service, market_of(remote(service)) as market:
        await market.run(quick, TEXT)
        (done,) = finished(market)

    assert (Reason.TIMED_OUT, 0) == (done.reason, done.price)


WRONG: dict[str, tuple[Any, Reason]] = {
    "a price that is no whole number": ({"bid": {"id": "b", "price": 1.5}}, Reason.OFFER_INVALID),
    "a price below 0": ({"bid": {"id": "b", "price": -1}}, Reason.OFFER_INVALID),
    "a claim that is no probability": ({"bid": {"id": "b", "price": 1, "claim": 1.0}}, Reason.OFFER_INVALID),
    "neither bid nor no-bid": ({}, Reason.OFFER_INVALID),
    "both": ({"bid": {"id": "b", "price": 1}, "no_bid": {"reason": "declined"}}, Reason.OFFER_INVALID),
    "a bid for another request": ({"id": "x", "bid": {"id": "b", "price": 1}}, Reason.OFFER_INVALID),
    "another version": ({"protocol": "atomic-bidding/2", "bid": {"id": "b", "price": 1}}, Reason.OFFER_INVALID),
    "a reason that nobody knows": ({"no_bid": {"reason": "moody"}}, Reason.OFFER_INVALID),
    "more than it may be paid": ({"bid": {"id": "b", "price": 2_000_001}}, Reason.MAX_PRICE),
    "a refusal for now": (JSONResponse({}, 503, {"retry-after": "7"}), Reason.NO_CAPACITY),
    "a page in place of a bid": (JSONResponse("hello"), Reason.FAILED),
    "an error": (JSONResponse({}, 500), Reason.FAILED),
    "a redirect": (JSONResponse({}, 307, {"location": "http://127.0.0.1:9"}), Reason.FAILED),
}


@pytest.mark.parametrize("played", WRONG)
async def test_what_is_no_bid_is_a_no_bid_with_its_reason(played: str) -> None:
    said, reason = WRONG[played]
    async with playing(Service(steps={"bid": lambda _: said})) as service, market_of(remote(service)) as market:
        await market.run(spam, TEXT)
        (award,) = awards(market)

        assert {"far": reason} == reasons(market, award)


async def test_a_bid_that_somebody_else_signed_is_none() -> None:
    async with playing(Service(signs=Key(bytes(32)))) as service, market_of(remote(service)) as market:
        await market.run(spam, TEXT)
        (award,) = awards(market)

        assert "signature" in no_bids(market, award)["far"].detail


async def test_a_bidder_that_is_not_there_costs_a_no_bid() -> None:
    async with market_of(remote(Service(url="http://127.0.0.1:9")), bidder("near", ["spam"])) as market:
        outcome = await market.run(spam, TEXT)

        assert "near+plain" == outcome.winner
        assert Reason.FAILED == reasons(market, awards(market)[0])["far"]


async def test_without_our_key_it_does_not_bid_and_says_so() -> None:
    from atomic.errors import ConfigError

    def none() -> Key:
        raise ConfigError("the key of far: the environment variable FAR holds none")

    far = RemoteBidder("far", RemoteOptions(url="http://127.0.0.1:9", key=none, public_key=BIDDER.public, most=1))
    async with market_of(far) as market:
        await market.run(spam, TEXT)

        assert Reason.NOT_CONFIGURED == reasons(market, awards(market)[0])["far"]


async def test_many_requests_at_once_are_kept_apart() -> None:
    def award(message: dict[str, Any]) -> Any:
        return {"answer": message["input"]["text"].split()}

    async with (
        playing(Service(steps={"award": award})) as service,
        market_of(remote(service, concurrency=50)) as market,
    ):
        found = await asyncio.gather(*(market.run(words, f"only {number}") for number in range(50)))
        await until_told(service, "settlement", 50)

    assert [{"only", str(number)} for number in range(50)] == [one.answer for one in found]
    assert 50 == len({one["id"] for one in service.told("settlement")})


async def test_a_price_is_asked_for_again_for_every_request_and_never_within_one() -> None:
    async with playing(Service(claim=0.55)) as service, market_of(remote(service), bidder("b", ["ham"])) as market:
        await market.run(spam, TEXT)
        await market.run(spam, TEXT)

        assert len(events(market, "award")) > 2
    assert 2 == len(service.told("bid"))


async def test_a_preview_asks_nobody() -> None:
    async with playing(Service()) as service, market_of(remote(service)) as market:
        slate, _ = market.preview(spam(TEXT), Trade())

    assert [Reason.NOT_ASKED] == [one.reason for one in slate.no_bids]
    assert [] == service.heard


async def test_it_keeps_the_contract_of_bidders() -> None:
    async with playing(Service()) as service:
        await check_bidder(lambda: remote(service), spam, [(TEXT,)])


async def test_the_reference_bidder_is_bought_in_a_market() -> None:
    async with reference_bidder() as url:
        options = RemoteOptions(
            url=url, key=lambda: MARKET, public_key=BIDDER.public, most=100_000, bid_seconds=2.0, right=0.7
        )
        async with market_of(RemoteBidder("far", options)) as market:
            outcome = await market.run(spam, "This is ham.")

    assert ("ham", "far+plain") == (outcome.answer, outcome.winner)


async def test_what_a_bidder_says_of_its_failure_is_not_kept_since_it_may_quote_the_input() -> None:
    steps = {"award": lambda message: {"failed": {"reason": "refused", "detail": message["input"]["text"]}}}
    async with playing(Service(steps=steps)) as service, market_of(remote(service)) as market:
        await market.run(spam, TEXT)
        (done,) = finished(market)

    assert (Reason.REFUSED, "", 0) == (done.reason, done.detail, done.price)


@pytest.mark.parametrize("model", ["two words", "x" * 101, TEXT])
async def test_the_name_of_a_model_is_a_name(model: str) -> None:
    steps = {"award": lambda _: {"answer": "spam", "model": model}}
    async with playing(Service(steps=steps)) as service, market_of(remote(service)) as market:
        await market.run(spam, TEXT)
        (done,) = finished(market)

    assert (Reason.FAILED, "") == (done.reason, done.model)

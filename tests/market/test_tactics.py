"""Tactics at work in a market: drawn answers, variants that are stopped, poisoned examples that are retired."""

from __future__ import annotations

from tests.market.shop import bidder, finished, opened, spam

from atomic.market import Market
from atomic.records.attempt import Plan
from atomic.records.event import decode
from atomic.tactics import Plain, Sampled


def plans_of(market: Market, request_id: str) -> list[Plan]:
    started = market.ledger.read(request_id=request_id, kinds=("started",))
    contents = [market.ledger.body(event.bodies[0]) for event in started if event.bodies]
    return [decode(Plan, content) for content in contents if content is not None]


async def test_asking_again_is_another_draw_by_a_bid_of_its_own() -> None:
    draws = [Sampled(Plain(), draw=draw) for draw in (1, 2, 3)]
    market = await opened(bidder("model", ["spam", "ham", "spam"], right=0.7, speaks=True), tactics=draws)

    outcome = await market.run(spam, "Win a prize")

    assert "spam" == outcome.answer
    assert {1: 0.8, 2: 0.8, 3: 0.8} == {plan.seed: plan.temperature for plan in plans_of(market, outcome.id)}
    assert {"plain-sampled1", "plain-sampled2", "plain-sampled3"} == {one.tactic for one in finished(market)}

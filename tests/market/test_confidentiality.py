"""Nobody is shown what it may not see, examples included, and the ledger proves it."""

from __future__ import annotations

from typing import Any

from tests.market.shop import awards, bidder, slate_of, spam
from tests.market.test_learning import Pupil

from atomic.belief.examples import ExampleStore
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.protocols import Bidder, Profile
from atomic.records import AttemptStarted, Reason, RequestOpened
from atomic.records.microtask import with_terms
from atomic.records.request import accepts
from atomic.tactics import NearestExamples, Plain
from atomic.testing import ScriptedBidder

ABROAD = Profile(name="abroad", kind="scripted", right=0.9, speaks=True, accepts="internal", jurisdictions=("us",))
EUROPE = with_terms(spam.terms, jurisdictions=("eu",))


class Guest(ScriptedBidder):
    """A speaker that works elsewhere."""

    def __init__(self) -> None:
        super().__init__("abroad", ["spam"], profile=ABROAD)


async def a_market(*bidders: Bidder) -> Market:
    market = Market(
        ledger=MemoryLedger(), bidders=bidders, tactics=(NearestExamples(), Plain()), examples=ExampleStore()
    )
    await market.start()
    return market


async def verified(market: Market, text: str, **options: Any) -> None:
    """A request that was answered by "here", with its truth."""
    outcome = await market.buy(spam(text), Trade(**options))
    await market.feedback(outcome.id, truth="spam")


async def test_an_example_bound_to_a_jurisdiction_is_shown_to_nobody_abroad() -> None:
    here = bidder("here", ["spam"], right=0.6)
    market = await a_market(here)
    await verified(market, "cheap pills from Europe", request_id="bound", terms=EUROPE)
    await verified(market, "cheap pills from anywhere", request_id="free")
    abroad = Guest()
    market = Market(
        ledger=market.ledger,
        bidders=(abroad,),
        tactics=(NearestExamples(), Plain()),
        examples=ExampleStore(),
    )
    await market.start()

    for number in range(4):
        await market.run(spam, f"cheap pills, number {number}")

    shown = [plan for _, plan in abroad.attempts]
    assert {("free",), ()} >= {plan.examples for plan in shown}
    assert any(plan.examples for plan in shown)
    assert not [message for plan in shown for message in plan.messages if "Europe" in message.content]


async def test_where_no_example_may_be_shown_the_tactic_of_examples_does_not_bid() -> None:
    market = await a_market(bidder("here", ["spam"], right=0.6), Guest())
    await verified(market, "cheap pills from Europe", terms=EUROPE)

    await market.run(spam, "cheap pills again")

    slate = slate_of(market, awards(market)[-1])
    assert ("abroad+examples", Reason.NO_EXAMPLES) in {(one.key, one.reason) for one in slate.no_bids}


async def test_a_learner_is_taught_only_what_it_may_see() -> None:
    pupil = Pupil()
    pupil.profile = Profile(name="pupil", kind="pupil", accepts="internal", jurisdictions=("us",))
    market = await a_market(pupil, bidder("here", ["spam"]))

    await verified(market, "secret", label="confidential")
    await verified(market, "at home", terms=EUROPE)
    await verified(market, "anybody's")

    assert {"anybody's"} == {example.text for example in pupil.examples}


async def test_the_ledger_proves_that_nobody_saw_more_than_it_declared_to_accept() -> None:
    speaks = {"speaks": True}
    internal = bidder("internal", ["spam"], right=0.9, accepts="internal", jurisdictions=("us",), **speaks)
    here = bidder("here", ["spam"], right=0.7, **speaks)
    market = await a_market(internal, here)
    for number, label in enumerate(("public", "internal", "confidential", "sovereign") * 3):
        await verified(
            market, f"pills {number}", request_id=str(number), label=label, terms=EUROPE if number % 2 else None
        )

    opened = {one.request_id: one for one in market.ledger.read(kinds=("request",))}
    started = list(market.ledger.read(kinds=("started",)))
    assert {"here", "internal"} == {one.payload.bidder for one in started}  # type: ignore[union-attr]
    for event in started:
        attempt = event.payload
        assert isinstance(attempt, AttemptStarted)
        assert attempt.cleared is not None
        for seen in (event.request_id, *attempt.examples):
            request = opened[seen].payload
            assert isinstance(request, RequestOpened)
            assert accepts(attempt.cleared, opened[seen].label)
            bound = request.terms.jurisdictions
            assert not bound or {*attempt.jurisdictions} <= {*bound, "here"}

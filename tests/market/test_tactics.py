"""Tactics at work in a market: drawn answers, variants that are stopped, poisoned examples that are retired."""

from __future__ import annotations

from tests.market.shop import awards, bidder, explored, finished, opened, slate_of, spam

from atomic.market import Market
from atomic.protocols import Profile, Sketch
from atomic.records import Reason
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer
from atomic.records.event import decode
from atomic.records.lesson import ExampleRetired, VariantDecided
from atomic.records.microtask import Ask
from atomic.tactics import NearestExamples, Plain, Sampled, Variant


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


class Parrot:
    """A model that says what its nearest example says, as small models do."""

    profile = Profile(name="parrot", kind="model", right=0.8, speaks=True)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        return Offer(bidder="parrot", tactic=sketch.tactic)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        return Reply(value=plan.messages[-2].content)

    async def close(self) -> None:
        pass


async def taught(market: Market, text: str, truth: str) -> str:
    """Buy an answer, say what was right, and return the request's id."""
    outcome = await market.run(spam, text)
    await market.feedback(outcome.id, truth=truth)
    return outcome.id


async def test_what_somebody_said_is_shown_to_the_next_request() -> None:
    market = await opened(Parrot(), bidder("first", ["ham"], right=0.51), tactics=[NearestExamples()])
    before = await market.run(spam, "win a prize today")
    assert not any(plan.examples for plan in plans_of(market, before.id))

    await market.feedback(before.id, truth="spam")
    after = await market.run(spam, "win a prize tomorrow")

    assert (before.id,) in {plan.examples for plan in plans_of(market, after.id)}
    assert "spam" == after.answer


WORDS = "cheap watches gold silver luxury replica discount bargain deal offer prize winner".split()
LATER = [f"{one} {two} number {at}{at}" for at, (one, two) in enumerate(zip(WORDS[::2], WORDS[1::2], strict=True))]
POISON = " ".join(WORDS)


async def poisoned() -> tuple[Market, str]:
    """A market where somebody gave one wrong truth, and its id; sixteen right ones lie around it."""
    market = await opened(Parrot(), bidder("first", ["ham"], right=0.51), tactics=[NearestExamples(count=3)])
    for word in ("invoice", "meeting", "lunch", "report"):
        for number in range(4):
            await taught(market, f"please see the {word} of day {number}", "ham")
    return market, await taught(market, POISON, "ham")


async def test_a_poisoned_example_is_retired_and_the_ledger_says_why() -> None:
    market, poison = await poisoned()

    for text in LATER:
        await taught(market, text, "spam")

    (retired,) = [one.payload for one in market.ledger.read(kinds=("retired",))]
    assert isinstance(retired, ExampleRetired)
    assert (poison, "spam") == (retired.example, retired.task)
    assert retired.wrong > retired.expected
    outcome = await market.run(spam, POISON)
    assert all(poison not in plan.examples for plan in plans_of(market, outcome.id))


async def test_a_market_that_starts_anew_shows_no_retired_example_and_retires_it_once() -> None:
    market, poison = await poisoned()
    for text in LATER:
        await taught(market, text, "spam")

    anew = await opened(Parrot(), ledger=market.ledger, tactics=[NearestExamples(count=3)])
    outcome = await anew.run(spam, POISON)

    assert [poison] == [
        one.payload.example for one in market.ledger.read(kinds=("retired",)) if isinstance(one.payload, ExampleRetired)
    ]
    assert all(poison not in plan.examples for plan in plans_of(anew, outcome.id))


async def test_a_retired_example_that_somebody_verifies_again_is_shown_again() -> None:
    market, poison = await poisoned()
    for text in LATER:
        await taught(market, text, "spam")

    await market.feedback(poison, truth="spam")

    outcome = await market.run(spam, POISON)
    assert any(poison in plan.examples for plan in plans_of(market, outcome.id))


async def test_a_variant_that_lost_makes_no_bid_and_the_ledger_says_so() -> None:
    worse = Variant(Plain(), task="explored", name="short", instruction="Spam?")
    model = bidder("model", lambda ask: "ham", speaks=True)

    class Moody(type(model)):  # type: ignore[misc]
        """Right only when it is asked at length."""

        async def attempt(self, ask: Ask, plan: Plan) -> Reply:
            return Reply(value="ham" if "short" in plan.tactic else "spam")

    market = await opened(Moody("model", ["x"], profile=model.profile), tactics=[Plain(), worse])
    for number in range(400):
        outcome = await market.run(explored, f"text {number}")
        await market.feedback(outcome.id, truth="spam")
        if found := [one.payload for one in market.ledger.read(kinds=("decided",))]:
            break

    (decided,) = found
    assert isinstance(decided, VariantDecided)
    assert ("model+plain~short", "model+plain") == (decided.stopped, decided.by)
    await market.run(explored, "one more")
    said = [one for one in slate_of(market, awards(market)[-1]).no_bids if one.key == "model+plain~short"]
    assert [Reason.DECIDED_AGAINST] == [one.reason for one in said]

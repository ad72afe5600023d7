"""The contract suite: what every bidder, learner and tactic must keep, as plain asserts to be called from any test."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from atomic.output import Refusal, typed
from atomic.protocols import Bidder, Learner, Profile, Sketch, Tactic
from atomic.records.attempt import Message, Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask, Example, Microtask
from atomic.testing.asks import ask_for

OFFER_LIMIT_NS = 250_000_000  # an offer takes microseconds; this only catches one that waits for something
CANCEL_LIMIT_S = 5.0  # a cancelled attempt ends within a token or a packet; this only catches one that does not


async def check_bidder(
    make: Callable[[], Bidder],
    task: Microtask[..., Any],
    inputs: Sequence[tuple[Any, ...]],
    *,
    plan_for: Callable[[Ask, Profile], Plan] | None = None,
) -> list[Reply]:
    """Hold a bidder to its contract over some inputs (the positional arguments of calls), and return its replies.

    `make` gives a fresh one each time. Without `plan_for` a speaking bidder is handed the instruction and the input's
    text as messages. Raises AssertionError that says which promise is broken.
    """
    bidder = make()
    profile = bidder.profile
    _check_profile(profile)
    assert make().profile == profile, "two bidders made alike must have equal profiles"
    replies = []
    try:
        for one in inputs:
            ask = ask_for(task(*one))
            plan = (plan_for or _plain_plan)(ask, profile)
            offer = _check_offer(bidder, ask, plan)
            if isinstance(offer, Offer):
                replies.append(_check_reply(ask, offer, await bidder.attempt(ask, plan)))
        if inputs:
            ask = ask_for(task(*inputs[0]), request_id="to be cancelled")
            await _check_cancel(bidder, ask, (plan_for or _plain_plan)(ask, profile))
    finally:
        await bidder.close()
        await bidder.close()  # twice is fine
    return replies


def _check_profile(profile: Profile) -> None:
    assert profile.name, "a bidder has a name"
    assert "+" not in profile.name, "'+' parts bidder and tactic in a bid's key"
    assert 0.0 < profile.right < 1.0, "the prior probability of being right lies inside (0, 1)"
    assert 0.0 < profile.prior_weight < math.inf, "the prior has a finite weight"
    assert profile.concurrency >= 1, "a bidder that takes nothing at a time never answers"
    assert profile.jurisdictions, "a bidder works somewhere"
    assert profile.context_characters >= 0, "0 means no limit, less means nothing"
    assert profile.speaks or not profile.scores_labels, "scoring labels asks for messages"


def _check_offer(bidder: Bidder, ask: Ask, plan: Plan) -> Offer | NoBid:
    sketch = Sketch(
        tactic=plan.tactic,
        prompt_characters=sum(len(message.content) for message in plan.messages),
        max_tokens=plan.max_tokens if plan.messages else 0,
    )
    fastest = OFFER_LIMIT_NS
    for _ in range(3):  # the best of three: one alone may have been waiting for a busy machine
        started = time.perf_counter_ns()
        offer = bidder.offer(ask, sketch)
        fastest = min(fastest, time.perf_counter_ns() - started)
    assert not inspect.isawaitable(offer), "offer is not async: it answers at once"
    assert fastest < OFFER_LIMIT_NS, "an offer takes microseconds and waits for nothing"
    assert isinstance(offer, Offer | NoBid), f"an offer is an Offer or a NoBid, not a {type(offer).__name__}"
    assert offer.bidder == bidder.profile.name, "an offer names its bidder"
    assert offer.tactic == sketch.tactic, "an offer names the tactic that was asked for"
    if isinstance(offer, NoBid):
        assert isinstance(offer.reason, Reason), "a no-bid has a numbered reason"
        return offer
    assert type(offer.price) is int, "prices are whole nano-USD"
    assert type(offer.ceiling) is int, "ceilings are whole nano-USD"
    assert 0 <= offer.price <= offer.ceiling, "0 <= price <= ceiling"
    assert offer.claim is None or 0.0 < offer.claim < 1.0, "a claim lies inside (0, 1), or is None"
    assert offer.latency_ns is None or offer.latency_ns >= 0, "a latency is not negative, or None"
    return offer


def _check_reply(ask: Ask, offer: Offer, reply: Reply) -> Reply:
    assert isinstance(reply, Reply), f"an attempt gives a Reply, not a {type(reply).__name__}"
    assert type(reply.price) is int, "prices are whole nano-USD"
    assert 0 <= reply.price <= offer.ceiling, f"billed {reply.price} beyond the ceiling {offer.ceiling}"
    assert reply.confidence is None or 0.0 <= reply.confidence <= 1.0, "a confidence lies in [0, 1], or is None"
    usage = reply.usage
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)
    for count in (*counts, usage.cache_write_tokens, usage.reasoning_tokens, usage.seconds):
        assert 0 <= count < math.inf, "usage is finite and not negative"
    if reply.reason is not None:
        assert isinstance(reply.reason, Reason), "a failure has a numbered reason"
        assert reply.value is None, "a reply has an answer or a reason, not both"
        text = ask.features.text
        assert len(text) < 20 or text not in reply.detail, "a reason never quotes the input"
    else:
        answer = typed(ask.task, reply.value)
        if not isinstance(reply.value, str):
            assert not isinstance(answer, Refusal), f"not the declared type: {answer}"
    return reply


async def _check_cancel(bidder: Bidder, ask: Ask, plan: Plan) -> None:
    attempt = asyncio.ensure_future(bidder.attempt(ask, plan))
    await asyncio.sleep(0)
    attempt.cancel()
    done, _ = await asyncio.wait([attempt], timeout=CANCEL_LIMIT_S)
    assert done, "a cancelled attempt ends"
    if not attempt.cancelled():
        # It may have been done already, which a cache is.
        assert isinstance(attempt.exception() or attempt.result(), Reply), "cancelling is not a failure of its own"


def _plain_plan(ask: Ask, profile: Profile) -> Plan:
    if not profile.speaks:
        return Plan(bidder=profile.name, tactic="plain", max_tokens=0)
    messages = (
        Message(role="system", content=ask.task.instruction),
        Message(role="user", content=ask.features.text),
    )
    return Plan(bidder=profile.name, tactic="plain", messages=messages, max_tokens=16)


async def check_learner(
    make: Callable[[], Bidder], examples: Sequence[Example], asks: Sequence[Ask]
) -> list[Offer | NoBid]:
    """Hold a bidder that learns to its contract: the same examples give the same learner. Returns its offers.

    What it offers before it learned anything must be a no-bid or an offer, too.
    """
    bidders = [make(), make()]
    sketch = Sketch(tactic="plain", prompt_characters=0, max_tokens=0)
    try:
        for ask in asks:
            assert isinstance(bidders[0].offer(ask, sketch), Offer | NoBid), "an untaught learner bids or says why not"
        for bidder in bidders:
            assert isinstance(bidder, Learner), "a learner has a method `learn`"
            for example in examples:
                bidder.learn(example)
        first, second = ([bidder.offer(ask, sketch) for ask in asks] for bidder in bidders)
        assert first == second, "the same examples in the same order give the same learner, bit for bit"
        plan = Plan(bidder=bidders[0].profile.name, tactic="plain", max_tokens=0)
        for ask, offer in zip(asks, first, strict=True):
            if isinstance(offer, Offer):
                replies = [await bidder.attempt(ask, plan) for bidder in bidders]
                assert replies[0] == replies[1], "and the same answers"
                _check_reply(ask, offer, replies[0])
        return first
    finally:
        for bidder in bidders:
            await bidder.close()


def check_tactic(
    tactic: Tactic, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]
) -> Plan | Reason | None:
    """Hold a tactic to its contract for one ask and bidder; returns the plan, or why there is none."""
    sketch = tactic.sketch(ask, profile, examples)
    assert sketch == tactic.sketch(ask, profile, examples), "a tactic is pure: the same sketch for the same ask"
    if sketch is None or isinstance(sketch, Reason):
        return sketch
    assert isinstance(sketch, Sketch), "a sketch is a Sketch, a Reason or None"
    assert sketch.tactic == tactic.name, "a sketch names its tactic"
    plan = tactic.plan(ask, profile, examples)
    assert plan == tactic.plan(ask, profile, examples), "a tactic is pure: the same plan for the same ask"
    assert (profile.name, tactic.name) == (plan.bidder, plan.tactic), "a plan names its bidder and tactic"
    characters = sum(len(message.content) for message in plan.messages)
    assert characters <= sketch.prompt_characters, "a plan is not larger than its sketch"
    size = sum(len(message.content.encode()) for message in plan.messages)
    assert not sketch.prompt_bytes or size <= sketch.prompt_bytes, "a plan has no more bytes than its sketch"
    assert not sketch.messages or len(plan.messages) <= sketch.messages, "a plan has no more messages than its sketch"
    assert plan.max_tokens <= sketch.max_tokens, "a plan asks for no more tokens than its sketch"
    assert len(plan.examples) == sketch.examples, "a plan uses the examples that its sketch counted"
    limit = profile.context_characters
    assert not limit or characters <= limit, f"{characters} characters do not fit into a context of {limit}"
    assert not plan.labels or profile.scores_labels, "labels are scored only by those who can"
    for used in plan.examples:
        assert used in {example.request_id for _, example in examples}, "a plan uses only examples it was handed"
    assert bool(plan.messages) == profile.speaks, "messages go to bidders that speak, and to no others"
    return plan

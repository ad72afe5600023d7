"""collect: offers become bids as the market appraises them, or no-bids with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from atomic.belief import Beliefs
from atomic.protocols import Bidder, Profile, Sketch
from atomic.records import AttemptFinished, Event, NoBid, Plan, Reason, Slate
from atomic.records.microtask import Ask, Example, microtask
from atomic.stages.collect import Round, collect
from atomic.tactics.plain import Plain
from atomic.testing import Line, ScriptedBidder, ask_for

SECOND = 1_000_000_000


@microtask(worth="$0.002")
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


class Only:
    """A tactic for those that speak; it has no examples for short inputs."""

    name = "only"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        if not profile.speaks:
            return None
        if ask.features.characters < 5:
            return Reason.NO_EXAMPLES
        return Sketch(tactic="only", prompt_characters=100, max_tokens=5)

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        raise NotImplementedError


def bidder(name: str, line: Line | None = None, **profile: Any) -> ScriptedBidder:
    return ScriptedBidder(name, [line or Line(answer="spam")], profile=Profile(name=name, kind="scripted", **profile))


def slate(*bidders: Bidder, beliefs: Beliefs | None = None, text: str = "buy now", **changes: Any) -> Slate:
    this: dict[str, Any] = {
        "terms": spam.terms,
        "spent": 0,
        "now_ns": 100 * SECOND,
        "busy": {},
        "excluded": {},
        "examples": (),
    }
    time_left_ns = changes.pop("time_left_ns", 60 * SECOND)
    ask = ask_for(spam(text), time_left_ns=time_left_ns)
    by_name = {one.profile.name: one for one in bidders}
    return collect(ask, by_name, (Plain(), Only()), beliefs or Beliefs(), Round(**{**this, **changes}))


def why(found: Slate) -> dict[str, Reason]:
    return {no_bid.key: no_bid.reason for no_bid in found.no_bids}


def seen(*attempts: AttemptFinished) -> Beliefs:
    beliefs = Beliefs()
    for seq, one in enumerate(attempts, 1):
        event = Event(
            seq=seq,
            kind="finished",
            version=1,
            tenant="",
            label="internal",
            request_id="r",
            round=1,
            time_ns=seq,
            payload=one,
        )
        beliefs.fold([event])
    return beliefs


def test_bids_come_in_the_order_of_their_keys_whatever_the_order_of_bidders() -> None:
    bidders = [bidder(name, speaks=True) for name in "cab"]

    keys = [bid.key for bid in slate(*bidders).bids]

    assert ["a+only", "a+plain", "b+only", "b+plain", "c+only", "c+plain"] == keys
    assert slate(*bidders) == slate(*reversed(bidders))


def test_a_tactic_that_does_not_apply_is_silent_and_one_that_cannot_now_says_why() -> None:
    assert [] == list(why(slate(bidder("mute"))))
    assert {"speaker+only": Reason.NO_EXAMPLES} == why(slate(bidder("speaker", speaks=True), text="hi"))


def test_a_bidder_that_is_barred_says_so_once_and_is_not_asked() -> None:
    barred = bidder("barred", accepts="public", speaks=True)

    assert {"barred+*": Reason.LABEL_NOT_ACCEPTED} == why(slate(barred))
    assert 0 == barred.offers


def test_no_time_left_bars_everybody() -> None:
    assert {"a+*": Reason.DEADLINE} == why(slate(bidder("a"), time_left_ns=0))


def test_a_bidder_at_its_limit_has_no_capacity() -> None:
    assert {"a+*": Reason.NO_CAPACITY} == why(slate(bidder("a", concurrency=2), busy={"a": 2}))
    assert {} == why(slate(bidder("a", concurrency=2), busy={"a": 1}))


def test_a_pause_bars_and_says_for_how_long() -> None:
    beliefs = seen(AttemptFinished(bidder="a", tactic="plain", reason=Reason.FAILED))

    (no_bid,) = slate(bidder("a"), beliefs=beliefs, now_ns=SECOND).no_bids

    assert (Reason.UNHEALTHY, "breaker open: 3 failures, last: failed; 4 s left") == (no_bid.reason, no_bid.detail)
    assert {} == why(slate(bidder("a"), beliefs=beliefs))
    assert {"a+*": Reason.UNHEALTHY} == why(slate(bidder("a"), beliefs=beliefs, busy={"a": 1}))


def test_excluded_bids_keep_their_reason_and_are_not_asked_again() -> None:
    one = bidder("a")

    assert {"a+plain": Reason.ALREADY_ANSWERED} == why(slate(one, excluded={"a+plain": Reason.ALREADY_ANSWERED}))
    assert 0 == one.offers


def test_a_ceiling_above_what_is_left_of_the_price_is_no_bid() -> None:
    line = Line(answer="spam", price=10, ceiling=100)

    assert {} == why(slate(bidder("a", line), spent=spam.terms.max_price - 100))
    assert {"a+plain": Reason.MAX_PRICE} == why(slate(bidder("a", line), spent=spam.terms.max_price - 99))


def test_known_slowness_beyond_the_deadline_is_no_bid_and_ignorance_is_not() -> None:
    slow = seen(AttemptFinished(bidder="a", tactic="plain", group=0, latency_ns=5 * SECOND))

    assert {"a+plain": Reason.DEADLINE} == why(slate(bidder("a"), beliefs=slow, time_left_ns=SECOND))
    assert {"a+plain": Reason.DEADLINE} == why(slate(bidder("a", Line(latency_ns=2 * SECOND)), time_left_ns=SECOND))
    assert {} == why(slate(bidder("a"), time_left_ns=SECOND // 100))


def test_a_bid_shows_what_the_market_believes_beside_what_was_offered() -> None:
    attempts = [
        AttemptFinished(bidder="a", tactic="plain", group=0, price=50, expected_price=100, latency_ns=SECOND)
        for _ in range(40)
    ]
    line = Line(answer="spam", price=100, claim=0.99, latency_ns=9 * SECOND)

    (bid,) = slate(bidder("a", line, right=0.5), beliefs=seen(*attempts)).bids

    assert (100, 0.99) == (bid.offer.price, bid.offer.claim)
    assert 0.5 < bid.probability < 0.99
    assert SECOND < bid.latency_ns < 2 * SECOND
    assert 0.0 < bid.spread < 0.5
    assert (0.5, 0.0) == (bid.evidence.prior, bid.evidence.task_count)


def test_a_crashing_offer_costs_that_bid_alone() -> None:
    found = slate(bidder("a", Line(offer_raises=ValueError("secret"))), bidder("b"))

    assert ["b+plain"] == [bid.key for bid in found.bids]
    assert (NoBid(bidder="a", tactic="plain", reason=Reason.CRASHED, detail="ValueError"),) == found.no_bids

"""collect: every eligible bidder offers; each offer becomes a bid as the market appraises it, or a no-bid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from atomic.belief import Beliefs
from atomic.protocols import Bidder, Profile, Sketch, Tactic
from atomic.records.attempt import GO_ON
from atomic.records.award import Slate
from atomic.records.bid import Bid, NoBid, Offer, Reason
from atomic.records.microtask import Ask, Example
from atomic.records.request import Terms
from atomic.stages.prepare import ineligible, visible
from atomic.stages.punctual import Punctuality
from atomic.stages.sound import sound_offer, sound_profile

_MOST_OFFERS = 64  # per bidder and round: a flood is cut here


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round's collection depends on besides ask and beliefs.

    `busy` counts attempts under way per bidder; `excluded` names bids left out of this request, with reasons;
    `examples` are the verified examples nearest to the input; `turned_away` says that too many requests wait already.
    `claims` are the market's own by the text alone, by bid, for bids that make none. `begun` is what a caller
    who reads along has heard of the answer, so that only those who can go on with it take part; `stuck`: nobody can.
    """

    terms: Terms
    spent: int
    now_ns: int
    busy: Mapping[str, int]
    excluded: Mapping[str, Reason]
    examples: Sequence[tuple[float, Example]]
    punctual: Punctuality = field(default_factory=Punctuality)
    turned_away: bool = False
    claims: Mapping[str, float] = field(default_factory=dict)
    begun: str = ""
    stuck: bool = False


def collect(ask: Ask, bidders: Mapping[str, Bidder], tactics: Sequence[Tactic], beliefs: Beliefs, this: Round) -> Slate:
    """All bids and no-bids of a round, in the order of their keys."""
    bids: list[Bid] = []
    no_bids: list[NoBid] = []
    for name, bidder in bidders.items():
        for found in _of_bidder(name, bidder, ask, tactics, beliefs, this):
            if isinstance(found, Bid):
                bids.append(found)
            else:
                no_bids.append(found)
    bids.sort(key=lambda bid: bid.key)
    no_bids.sort(key=lambda no_bid: no_bid.key)
    return Slate(bids=tuple(bids), no_bids=tuple(no_bids))


def busy(slate: Slate) -> list[str]:
    """Who takes no part only because all its places are taken."""
    return [one.bidder for one in slate.no_bids if one.reason is Reason.NO_CAPACITY and one.tactic == "*"]


def _of_bidder(
    name: str, bidder: Bidder, ask: Ask, tactics: Sequence[Tactic], beliefs: Beliefs, this: Round
) -> list[Bid | NoBid]:
    """What one bidder has to say of every tactic; what it raises or how long it blocks is its own loss."""
    began_ns = this.punctual.now_ns()
    try:
        profile = bidder.profile
    except Exception as error:  # a bidder is foreign code: who cannot say what it is takes no part
        return [NoBid(bidder=name, tactic="*", reason=Reason.CRASHED, detail=type(error).__name__)]
    if not sound_profile(profile) or profile.name != name:
        return [NoBid(bidder=name, tactic="*", reason=Reason.OFFER_INVALID, detail="a profile that cannot be")]
    barred = _barred(name, profile, ask, beliefs, this)
    if barred is not None:
        return [barred]
    found = _by_tactics(bidder, profile, ask, tactics, beliefs, this)
    took_ns = this.punctual.now_ns() - began_ns
    if this.punctual.offered(name, took_ns) and not this.terms.mandate:
        late = f"blocked everybody for {took_ns / 1e9:.1f} s while it offered"
        return [NoBid(bidder=name, tactic="*", reason=Reason.TIMED_OUT, detail=late)]
    return [one for one in found if one is not None]


def _by_tactics(
    bidder: Bidder, profile: Profile, ask: Ask, tactics: Sequence[Tactic], beliefs: Beliefs, this: Round
) -> list[Bid | NoBid | None]:
    """What one bidder has to say of every tactic; under a mandate, of the first that it can answer by."""
    found: list[Bid | NoBid | None] = []
    if this.examples:
        this = replace(this, examples=visible(this.examples, profile))
    for tactic in tactics[:_MOST_OFFERS]:
        if this.terms.mandate not in {"", profile.name, f"{profile.name}+{tactic.name}"}:
            continue
        found.append(one := _by_tactic(bidder, profile, ask, tactic, beliefs, this))
        if this.terms.mandate and (isinstance(one, Bid) or (one is not None and one.key in this.excluded)):
            break
    return found


def _by_tactic(
    bidder: Bidder, profile: Profile, ask: Ask, tactic: Tactic, beliefs: Beliefs, this: Round
) -> Bid | NoBid | None:
    """The bid or no-bid by one tactic; None where it does not apply."""
    try:
        sketch = tactic.sketch(ask, profile, this.examples)
        if sketch is None:
            return None
        if isinstance(sketch, Reason):
            return NoBid(bidder=profile.name, tactic=tactic.name, reason=sketch)
        return _bid(bidder, profile, ask, sketch, beliefs, this)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # bidders and tactics are foreign code, and a panic in Rust is no Exception
        return NoBid(bidder=profile.name, tactic=tactic.name, reason=Reason.CRASHED, detail=type(error).__name__)


def _barred(name: str, profile: Profile, ask: Ask, beliefs: Beliefs, this: Round) -> NoBid | None:
    """A bidder that takes no part in this round, whatever its tactic."""
    mandate = this.terms.mandate
    if mandate and mandate.partition("+")[0] != name:
        return NoBid(bidder=name, tactic="*", reason=Reason.NOT_ASKED, detail=f"{mandate} alone is to answer")
    reason = ineligible(profile, ask, this.terms)
    detail = dict(this.terms.barred)[name] if reason is Reason.POLICY else ""
    health = beliefs.health(name)
    busy = this.busy.get(name, 0)
    if reason is None and (this.stuck or (this.begun and not profile.continues)):
        reason = Reason.CANNOT_GO_ON
    if reason is None and ask.time_left_ns <= 0:
        reason = Reason.DEADLINE
    if mandate:
        pass  # neither failures nor a slow offer keep it out: nobody else would answer
    elif reason is None and health.pause_left(this.now_ns) > 0:
        reason, detail = Reason.UNHEALTHY, health.told(this.now_ns)
    elif reason is None and (left := this.punctual.pause_left(name)) > 0:
        reason = Reason.UNHEALTHY
        detail = f"breaker open: blocked everybody while it offered; {left / 1e9:.0f} s left"
    elif reason is None and health.on_trial and busy > 0:
        reason, detail = Reason.UNHEALTHY, f"{health.told(this.now_ns)}, one attempt at a time"
    if reason is None and busy >= profile.concurrency:
        reason = Reason.QUEUE_FULL if this.turned_away else Reason.NO_CAPACITY
        detail = f"{busy} attempts under way"
    return None if reason is None else NoBid(bidder=name, tactic="*", reason=reason, detail=detail)


def _bid(bidder: Bidder, profile: Profile, ask: Ask, sketch: Sketch, beliefs: Beliefs, this: Round) -> Bid | NoBid:
    key = f"{profile.name}+{sketch.tactic}"
    if key in this.excluded:
        return NoBid(bidder=profile.name, tactic=sketch.tactic, reason=this.excluded[key])
    if (decided := beliefs.variants.stopped.get((key, ask.task.name))) is not None:
        return NoBid(
            bidder=profile.name, tactic=sketch.tactic, reason=Reason.DECIDED_AGAINST, detail=f"decided by #{decided}"
        )
    if 0 < profile.context_characters < sketch.prompt_characters:
        return NoBid(bidder=profile.name, tactic=sketch.tactic, reason=Reason.INPUT_TOO_LONG)
    if this.begun:
        sketch = _begun(sketch, this.begun)
    offer = sound_offer(bidder.offer(ask, sketch), profile.name, sketch.tactic)
    if isinstance(offer, NoBid):
        return offer
    if offer.claim is None and key in this.claims:
        offer = replace(offer, claim=this.claims[key], read=True)
    if this.spent + offer.ceiling > this.terms.max_price:
        return NoBid(bidder=profile.name, tactic=sketch.tactic, reason=Reason.MAX_PRICE)
    return _appraised(offer, ask, profile, beliefs, this)


def _begun(sketch: Sketch, said: str) -> Sketch:
    """The size of a plan that goes on with what was said: that, and a word that asks for it."""
    size = sketch.prompt_bytes and sketch.prompt_bytes + len(said.encode()) + len(GO_ON)
    characters = sketch.prompt_characters + len(said) + len(GO_ON)
    messages = sketch.messages and sketch.messages + 2
    return replace(sketch, prompt_characters=characters, prompt_bytes=size, messages=messages)


def _appraised(offer: Offer, ask: Ask, profile: Profile, beliefs: Beliefs, this: Round) -> Bid | NoBid:
    """The offer with what the market believes of it in place of what it says."""
    of = Task(ask.task.name, ask.domain, ask.task.alternatives, ask.task.version)
    bid = appraise(offer, of, profile, beliefs, this.busy.get(profile.name, 0))
    if not this.terms.mandate and _expected_ns(bid, beliefs, ask.task.name) > ask.time_left_ns:
        return NoBid(bidder=offer.bidder, tactic=offer.tactic, reason=Reason.DEADLINE)
    return bid


def _expected_ns(bid: Bid, beliefs: Beliefs, task: str) -> int:
    """What may keep a bid out of a deadline. Neither ignorance may, nor, on trial, a record of nothing but timeouts:
    who is never tried could never say otherwise."""
    tried = beliefs.has_latency(bid.key, task) and not beliefs.health(bid.offer.bidder).on_trial
    return bid.latency_ns if tried else bid.offer.latency_ns or 0


@dataclass(frozen=True, slots=True)
class Task:
    """What beliefs know a request by."""

    name: str
    domain: str
    alternatives: int
    version: str


def appraise(offer: Offer, of: Task, profile: Profile, beliefs: Beliefs, busy: int = 0) -> Bid:
    """What beliefs make of an offer by a bidder with so many attempts under way.

    The same beliefs make the same bid, bit for bit.
    """
    key, task = f"{offer.bidder}+{offer.tactic}", of.name
    seen = beliefs.evidence(key, task, of.domain, of.alternatives, profile, of.version)
    probability, spread = beliefs.right(key, task, seen, None if offer.read else offer.claim)
    if offer.read and offer.claim is not None:  # drawn from its record already, and shrunk towards it
        probability = max(seen.chance, offer.claim)
    latency, high = (
        beliefs.queueing.corrected(offer.bidder, busy, one) for one in beliefs.latency(key, task, offer.latency_ns)
    )
    return Bid(
        offer=offer,
        probability=probability,
        spread=spread,
        price=beliefs.price(key, task, offer.price),
        latency_ns=latency,
        latency_high_ns=high,
        evidence=seen,
    )

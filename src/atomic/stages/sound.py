"""sound: what bidders hand over, made fit for the ledger. They are foreign code: anything may be in it."""

from __future__ import annotations

from dataclasses import replace

from atomic.protocols import Profile
from atomic.records.attempt import Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.request import LABELS

_LONGEST = 500  # characters of a detail
_MOST = 2**53  # beyond that JSON's readers differ


def sound_profile(profile: object) -> bool:
    """Whether a profile can be reckoned with: what is no probability would make a slate that nobody can read again."""
    if not isinstance(profile, Profile):
        return False
    weight: object = profile.prior_weight
    return (
        _is_share(profile.right)
        and isinstance(weight, int | float)
        and 0.0 < weight <= _MOST  # NaN is not, either
        and profile.accepts in LABELS
        and _is_count(profile.concurrency)
        and _is_count(profile.context_characters)
    )


def sound_offer(offer: object, bidder: str, tactic: str) -> Offer | NoBid:
    """The offer or no-bid if it is about itself and its numbers are numbers, else a no-bid that says so."""
    if isinstance(offer, NoBid) and isinstance(offer.reason, Reason):
        return NoBid(bidder=bidder, tactic=tactic, reason=offer.reason, detail=sound_text(offer.detail))
    if not isinstance(offer, Offer) or (offer.bidder, offer.tactic) != (bidder, tactic):
        return NoBid(bidder=bidder, tactic=tactic, reason=Reason.OFFER_INVALID, detail="not an offer of its own")
    sound = (
        _is_count(offer.price)
        and _is_count(offer.ceiling)
        and offer.price <= offer.ceiling
        and (offer.latency_ns is None or _is_count(offer.latency_ns))
        and (offer.claim is None or _is_share(offer.claim))
    )
    if not sound:
        return NoBid(bidder=bidder, tactic=tactic, reason=Reason.OFFER_INVALID, detail="numbers that cannot be")
    if offer.read:  # what a bidder claims is calibrated, whatever it says of who claims it
        offer = replace(offer, read=False)
    if offer.claim is not None and type(offer.claim) is not float:
        return replace(offer, claim=float(offer.claim))
    return offer


def sound_reply(reply: object, ceiling: int, *, metered: bool = False) -> Reply:
    """The reply with everything in it that is not what it should be taken out; billed at most its ceiling.

    More than the ceiling was never agreed to: the answer is refused, and the reason says what was asked. Where an
    outside meter counts (`metered`) the money is gone all the same, so it is recorded as it was billed.
    """
    if not isinstance(reply, Reply) or not _is_reason(reply.reason) or not _is_price(reply.price):
        return Reply(reason=Reason.NOT_THE_TYPE, detail="not a reply", price=ceiling)
    confidence = float(reply.confidence) if reply.confidence is not None and _is_share(reply.confidence) else None
    reply = replace(reply, detail=sound_text(reply.detail), confidence=confidence, usage=_sound_usage(reply.usage))
    premium = reply.premium if _is_price(reply.premium) and reply.premium <= reply.price else 0
    reply = replace(reply, model=sound_text(reply.model), premium=premium)
    if reply.price > ceiling:
        asked = str(reply.price) if reply.price <= _MOST else "far more"
        detail = f"billed {asked} nano-USD where {ceiling} was the most"
        price = min(reply.price, _MOST) if metered else ceiling
        return replace(reply, value=None, reason=Reason.PRICE_OVER_OFFER, detail=detail, price=price)
    return reply


def sound_text(text: object) -> str:
    """A short text that UTF-8 can hold; anything but a text is left out."""
    return text[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def _sound_usage(usage: object) -> Usage:
    if not isinstance(usage, Usage):
        return Usage()
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)
    if not all(_is_count(one) for one in (*counts, usage.cache_write_tokens, usage.reasoning_tokens)):
        return Usage()
    seconds: object = usage.seconds
    if not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST:  # NaN is not, either
        return replace(usage, seconds=0.0)
    return usage if type(seconds) is float else replace(usage, seconds=float(seconds))


def _is_reason(value: object) -> bool:
    return value is None or isinstance(value, Reason)


def _is_price(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0

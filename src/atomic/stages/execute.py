"""execute: run a plan against its bidder, bounded in time, and read the answer as the declared type or a reason."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, TypeGuard

from atomic.clock import Clock
from atomic.errors import BidderTimedOut, CutAnswer, ProviderError
from atomic.output import Refusal, typed
from atomic.protocols import Bidder
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import Bid, Reason
from atomic.records.microtask import Ask

_LEAST_PATIENCE_NS = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What came of a plan: the typed answer (when `reply.reason` is None), the reply, and how long it took."""

    bid: Bid
    plan: Plan
    reply: Reply
    answer: Any
    latency_ns: int


def patience_ns(bid: Bid, time_left_ns: int) -> int:
    """How long to wait for an attempt: four times the time nine in ten need, at least 2 s, at most what is left.

    While there is time for somebody else, half of what is left is kept for the runner-up.
    """
    wanted = max(_LEAST_PATIENCE_NS, 4 * bid.latency_high_ns)
    return min(wanted, max(time_left_ns // 2, min(time_left_ns, 2 * bid.latency_ns)))


async def execute(bidder: Bidder, ask: Ask, bid: Bid, plan: Plan, clock: Clock) -> Attempted:
    """Run one plan. Cancelling this cancels the bidder's work; everything else comes back as a reply."""
    started = clock.monotonic_ns()
    try:
        async with asyncio.timeout(patience_ns(bid, ask.time_left_ns) / 1e9):
            reply = await bidder.attempt(ask, plan)
    except (TimeoutError, BidderTimedOut):
        reply = Reply(reason=Reason.TIMED_OUT)
    except CutAnswer:
        reply = Reply(reason=Reason.CUT)
    except ProviderError as error:
        reply = Reply(reason=Reason.FAILED, detail=error.message)
    except Exception as error:  # a bidder is foreign code: it costs its attempt, never the request
        reply = Reply(reason=Reason.CRASHED, detail=type(error).__name__)
    return _read(ask, bid, plan, reply, clock.monotonic_ns() - started)


def _read(ask: Ask, bid: Bid, plan: Plan, reply: object, latency_ns: int) -> Attempted:
    """The reply checked and its answer typed."""
    if not _is_reply(reply):
        reply = Reply(reason=Reason.NOT_THE_TYPE, detail="not a reply", price=bid.offer.ceiling)
    if reply.confidence is not None and not (isfinite(reply.confidence) and 0.0 <= reply.confidence <= 1.0):
        reply = replace(reply, confidence=None)
    if reply.price > bid.offer.ceiling:
        reply = replace(reply, value=None, reason=Reason.PRICE_OVER_OFFER)
    answer: Any = None
    if reply.reason is None:
        found = typed(ask.task, reply.value)
        if isinstance(found, Refusal):
            reply = replace(reply, reason=found.reason, detail=found.detail)
        else:
            answer = found
    return Attempted(bid=bid, plan=plan, reply=reply, answer=answer, latency_ns=latency_ns)


def _is_reply(reply: object) -> TypeGuard[Reply]:
    if not isinstance(reply, Reply):
        return False
    price: object = reply.price
    return isinstance(price, int) and price >= 0

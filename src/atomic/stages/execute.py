"""execute: run a plan against its bidder, bounded in time, and read the answer as the declared type or a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from atomic.clock import Clock
from atomic.errors import BidderTimedOut, CutAnswer, ProviderError
from atomic.output import Refusal, typed
from atomic.protocols import Bidder, Parsed, Parser
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import Bid, Reason
from atomic.records.conversation import Spoken
from atomic.records.microtask import Ask
from atomic.records.validator import Verdict
from atomic.stages.examine import Examiner
from atomic.stages.sound import sound_reply, sound_text
from atomic.stages.speech import going_on

_LEAST_PATIENCE_NS = 2_000_000_000
_REPAIRED = 0.9  # times the probability, for each repair; what such answers come to is learned as of any confidence
_CANCEL_SECONDS = 1.0  # what a cancelled attempt has to end in; after that nobody waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What came of a plan: the typed answer (when `reply.reason` is None), what validators say of it, the reply, and
    how long it took."""

    bid: Bid
    plan: Plan
    reply: Reply
    answer: Any
    latency_ns: int
    verdicts: tuple[Verdict, ...] = ()


def patience_ns(bid: Bid, time_left_ns: int, lasting_ns: int = 0, *, alone: bool = False) -> int:
    """How long to wait for an attempt: four times the time nine in ten need, at least 2 s, at most what is left.

    People answer at once or after lunch, which no record foretells: who declares `lasting_ns` is given that. While
    there is time for somebody else, half of what is left is kept for the runner-up. `alone`: there is none to be, so
    that all of it may be waited for.
    """
    if alone:
        return time_left_ns
    wanted = lasting_ns or max(_LEAST_PATIENCE_NS, 4 * bid.latency_high_ns)
    return min(wanted, max(time_left_ns // 2, min(time_left_ns, 2 * bid.latency_ns)))


async def execute(
    bidder: Bidder,
    ask: Ask,
    bid: Bid,
    plan: Plan,
    clock: Clock,
    *,
    alone: bool = False,
    examiner: Examiner | None = None,
) -> Attempted:
    """Run one plan. Cancelling this cancels the bidder's work; everything else comes back as a reply.

    Texts are read by the examiner's parser, or without one by the core's own rules; then its validators look at them.

    What was cut may have been billed in full, so it is charged its ceiling, as is one whose bill is not known.
    """
    started, left_ns, examiner = clock.monotonic_ns(), ask.time_left_ns, examiner or Examiner()
    patience = patience_ns(bid, ask.time_left_ns, bidder.profile.lasting_ns, alone=alone)
    ask = replace(ask, time_left_ns=patience)
    ceiling = bid.offer.ceiling
    try:
        reply: object = await _bounded(_contained(bidder, ask, plan), patience / 1e9)
    except (TimeoutError, BidderTimedOut):
        reply = Reply(reason=Reason.TIMED_OUT, price=ceiling)
    except CutAnswer:
        reply = Reply(reason=Reason.CUT, price=ceiling)
    except ProviderError as error:
        reply = Reply(reason=Reason.FAILED, detail=sound_text(error.message))
    except Exception as error:  # a bidder is foreign code: it costs its attempt, never the request
        reply = Reply(reason=Reason.CRASHED, detail=sound_text(type(error).__name__))
    latency = clock.monotonic_ns() - started
    if latency > max(_LEAST_PATIENCE_NS, 2 * patience) and isinstance(reply, Reply) and reply.reason is None:
        # No timer fires while a bidder blocks the event loop; that is not to happen at every request.
        reply = Reply(reason=Reason.TIMED_OUT, detail="blocked the event loop", price=ceiling)
    sound = sound_reply(reply, ceiling, metered=bidder.profile.metered)
    sound = _whole(ask, plan, sound)
    reply, answer = (sound, None) if sound.reason is not None else _read(ask, bid, sound, examiner.parser)
    verdicts: tuple[Verdict, ...] = ()
    if reply.reason is None:
        verdicts = await examiner.verdicts(replace(ask, time_left_ns=max(0, left_ns - latency)), plan, answer)
    return Attempted(bid=bid, plan=plan, reply=reply, answer=answer, latency_ns=latency, verdicts=verdicts)


async def _contained(bidder: Bidder, ask: Ask, plan: Plan) -> Reply:
    """The bidder's reply. What is no Exception (`sys.exit`, a panic in Rust) would end the event loop."""
    try:
        return await bidder.attempt(ask, plan)
    except (Exception, asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a bidder is foreign code: that, too, is but its failure
        return Reply(reason=Reason.CRASHED, detail=sound_text(type(error).__name__))


async def _bounded(attempt: Coroutine[Any, Any, Reply], seconds: float) -> Reply:
    """The attempt's reply; raises TimeoutError when it takes longer, even if it will not be cancelled."""
    work = asyncio.ensure_future(attempt)
    try:
        await asyncio.wait({work}, timeout=seconds)
        if work.done() and not work.cancelled():
            return work.result()
    finally:
        if not work.done():
            work.cancel()
            # An attempt that swallows its cancellation is left behind; what it raises later is nobody's any more.
            work.add_done_callback(lambda late: late.cancelled() or late.exception())
            await asyncio.wait({work}, timeout=_CANCEL_SECONDS)
    if work.cancelled() and not work.cancelling():
        raise RuntimeError("cancelled itself")
    raise TimeoutError


def _whole(ask: Ask, plan: Plan, reply: Reply) -> Reply:
    """The reply after what another began, and as what came of a conversation where the task passes one through."""
    if plan.begun:
        after = f"goes on after {len(plan.begun)} characters that another said"
        reply = replace(reply, detail=f"{reply.detail}; {after}" if reply.detail else after)
    if reply.reason is not None:
        return reply
    plain = ask.conversation is not None and isinstance(reply.value, str)
    value = Spoken(text=str(reply.value)) if plain else reply.value
    said = value.text if isinstance(value, Spoken) else value
    more = going_on(plan.begun, said) if isinstance(said, str) else ""
    calls = isinstance(value, Spoken) and value.calls
    whole = plan.begun and isinstance(said, str) and said.startswith(plan.begun)  # says all of it again, to its end
    if (plan.begun or isinstance(value, Spoken)) and not more.strip() and not calls and not whole:
        return replace(reply, value=None, reason=Reason.EMPTY)
    if plan.begun:
        text = plan.begun + more
        value = value.model_copy(update={"text": text}) if isinstance(value, Spoken) else text
    return replace(reply, value=value)


def _read(ask: Ask, bid: Bid, reply: Reply, parser: Parser | None) -> tuple[Reply, Any]:
    """The answer of a sound reply as the declared type, or the reason why it is none.

    A repair is evidence against an answer: it lowers the reply's confidence. Its detail says who read it, and repairs.
    """
    if parser is not None and isinstance(reply.value, str):
        found: object = parser.parse(ask.task, reply.value)
    else:
        found = typed(ask.task, reply.value)
    if isinstance(found, Refusal):
        return replace(reply, reason=found.reason, detail=found.detail), None
    if not isinstance(found, Parsed):
        return reply, found
    repaired = f"repaired: {', '.join(found.repairs)}" if found.repairs else ""
    said = [reply.detail, f"read by {found.engine}" if found.engine else "", repaired]
    reply = replace(reply, detail=sound_text("; ".join(one for one in said if one)))
    if found.repairs:
        sure = bid.probability if reply.confidence is None else reply.confidence
        reply = replace(reply, confidence=sure * _REPAIRED ** len(found.repairs))
    return reply, found.answer


def cut_off(bid: Bid, reason: Reason, *, price: int) -> Attempted:
    """An attempt that was cut from outside: no answer, and its reservation counts as spent."""
    plan = Plan(bidder=bid.offer.bidder, tactic=bid.offer.tactic)
    return Attempted(bid=bid, plan=plan, reply=Reply(reason=reason, price=price), answer=None, latency_ns=0)

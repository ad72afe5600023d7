"""When circuit breakers opened and closed: read off the attempts, as beliefs are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from atomic.belief.service import Breaker, Health
from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTurned:
    """A bidder's breaker opened, for how long, or closed: by the attempt that event `seq` is the end of."""

    seq: int
    time_ns: int
    bidder: str
    breaker: Breaker
    pause_ns: int
    why: str


def breakers_turned(events: Iterable[Event]) -> Iterator[BreakerTurned]:
    """Every turn of every breaker, in order. Once a pause is over a breaker is half-open, without an event.

    >>> from atomic.records.bid import Reason
    >>> done = [AttemptFinished(bidder="slow", tactic="plain", reason=reason) for reason in (Reason.TIMED_OUT, None)]
    >>> events = [
    ...     Event(seq=seq, kind="finished", version=1, tenant="", label="internal", request_id="r", round=1,
    ...           time_ns=seq * 6_000_000_000, payload=one)
    ...     for seq, one in enumerate(done, 1)
    ... ]
    >>> [(one.seq, one.breaker, one.why) for one in breakers_turned(events)]
    [(1, 'open', 'timed out'), (2, 'closed', 'answered')]
    """
    healths: dict[str, Health] = {}
    for event in events:
        done = event.payload
        if not isinstance(done, AttemptFinished) or done.recalled:
            continue
        health = healths.setdefault(done.bidder, Health())
        was_ill, before = health.on_trial, health.failures
        health.add(done.reason, event.time_ns)
        if health.on_trial and health.failures > before:
            pause_ns, why = health.pause_left(event.time_ns), done.reason.words if done.reason is not None else ""
        elif was_ill and not health.on_trial:
            pause_ns, why = 0, "answered"
        else:
            continue
        yield BreakerTurned(
            seq=event.seq,
            time_ns=event.time_ns,
            bidder=done.bidder,
            breaker=health.breaker(event.time_ns),
            pause_ns=pause_ns,
            why=why,
        )

"""What is believed of a bidder's price, speed and health, from its finished attempts."""

from __future__ import annotations

from collections import deque
from typing import Literal

from atomic.records.bid import Reason

_WINDOW = 32
_REMEMBERED = 0.995  # of what was billed, with each attempt
_HINT_WEIGHT = 2.0
_UNKNOWN_NS = 1_000_000_000
_FIRST_PAUSE_NS = 5_000_000_000
_LONGEST_PAUSE_NS = 600_000_000_000
_AT_ONCE = frozenset({Reason.FAILED, Reason.TIMED_OUT, Reason.CRASHED, Reason.PRICE_OVER_OFFER})
# Being cut is not its fault, and to decline is its right.
_NO_ILLNESS = frozenset(
    {
        Reason.CANCELLED,
        Reason.INTERRUPTED,
        Reason.DECLINED,
        Reason.NO_CAPACITY,
        Reason.NO_EXAMPLES,
        Reason.NOTHING_SIMILAR,
        Reason.NO_RULE,
        Reason.DISAGREED,
    }
)
_PATIENCE = 3  # junk answers in a row before a bidder is left out


class Price:
    """Billed over expected price, so that a bidder's own expectation can be corrected."""

    __slots__ = ("billed", "count", "expected")

    def __init__(self) -> None:
        self.billed = 0.0
        self.expected = 0.0
        self.count = 0.0

    def add(self, billed: int, expected: int) -> None:
        """One attempt was billed."""
        self.billed = self.billed * _REMEMBERED + billed
        self.expected = self.expected * _REMEMBERED + expected
        self.count = self.count * _REMEMBERED + 1.0

    def correct(self, offered: int) -> int:
        """The expected bill of an attempt offered at this price, in nano-USD.

        A bidder that bills without ever having offered a price is expected to bill the mean of what it billed.
        """
        if self.expected <= 0.0:
            return offered + int(self.billed / max(1.0, self.count) + 0.5)
        weight = self.expected / (self.expected + offered) if self.expected + offered > 0 else 1.0
        return int(offered * (weight * self.billed / self.expected + (1.0 - weight)) + 0.5)


class Latency:
    """The last attempts' durations."""

    __slots__ = ("high", "mean", "window")

    def __init__(self) -> None:
        self.window: deque[int] = deque(maxlen=_WINDOW)
        self.mean = 0.0
        self.high = 0

    def add(self, latency_ns: int) -> None:
        """One attempt took this long."""
        self.window.append(latency_ns)
        ordered = sorted(self.window)
        self.mean = sum(ordered) / len(ordered)
        self.high = ordered[(9 * (len(ordered) - 1) + 5) // 10]

    def expect(self, hint_ns: int | None) -> tuple[int, int]:
        """Mean and nine-in-ten duration in nanoseconds, a bidder's hint counting as two attempts."""
        seen = len(self.window)
        if seen == 0:
            expected = _UNKNOWN_NS if hint_ns is None else hint_ns
            return expected, 2 * expected
        if hint_ns is None:
            return int(self.mean), self.high
        mean = (seen * self.mean + _HINT_WEIGHT * hint_ns) / (seen + _HINT_WEIGHT)
        return int(mean), max(self.high, int(mean))


Breaker = Literal["closed", "open", "half-open"]


class Health:
    """A bidder's circuit breaker: whether it is left out after failures, and until when.

    >>> health = Health()
    >>> health.breaker(0), health.add(Reason.TIMED_OUT, 0), health.breaker(0), health.breaker(_FIRST_PAUSE_NS)
    ('closed', None, 'open', 'half-open')
    >>> health.told(1_000_000_000)
    'breaker open: 3 failures, last: timed out; 4 s left'
    """

    __slots__ = ("failures", "paused_at", "paused_until", "reason")

    def __init__(self) -> None:
        self.failures = 0
        self.paused_at = 0
        self.paused_until = 0
        self.reason: Reason | None = None

    def add(self, reason: Reason | None, time_ns: int) -> None:
        """An attempt ended, with an answer (no reason) or without.

        Nobody is asked while its breaker is open, so what ends then began before: it is no trial, and decides nothing.
        """
        if reason in _NO_ILLNESS or self.pause_left(time_ns) > 0:
            return
        if reason is None:
            self.failures, self.paused_until, self.reason = 0, 0, None
            return
        self.failures += 1 if reason not in _AT_ONCE else max(1, _PATIENCE - self.failures)
        if self.failures >= _PATIENCE:
            doublings = min(10, self.failures - _PATIENCE)
            self.paused_at, self.reason = time_ns, reason
            self.paused_until = time_ns + min(_LONGEST_PAUSE_NS, _FIRST_PAUSE_NS << doublings)

    def pause_left(self, now_ns: int) -> int:
        """Nanoseconds until it may be tried again. A clock set back before the pause began ends the pause."""
        return max(0, self.paused_until - now_ns) if now_ns >= self.paused_at else 0

    @property
    def on_trial(self) -> bool:
        """Whether its next attempt is the one that decides if it comes back."""
        return self.reason is not None

    def breaker(self, now_ns: int) -> Breaker:
        """Open while it is left out; half-open while one attempt at a time decides if it comes back."""
        if self.reason is None:
            return "closed"
        return "open" if self.pause_left(now_ns) > 0 else "half-open"

    def told(self, now_ns: int) -> str:
        """The breaker's state for people; empty when it is closed."""
        state = self.breaker(now_ns)
        if self.reason is None:
            return ""
        left = f"; {self.pause_left(now_ns) / 1e9:.0f} s left" if state == "open" else "; on trial"
        return f"breaker {state}: {self.failures} failures, last: {self.reason.words}{left}"

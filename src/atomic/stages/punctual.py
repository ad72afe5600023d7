"""punctual: who blocked everybody while it offered is left out for a while. Nothing can interrupt it at that."""

from __future__ import annotations

from atomic.clock import Clock, SystemClock

LONGEST_OFFER_NS = 1_000_000_000  # an offer takes microseconds, the first one may load a library
_FIRST_PAUSE_NS, _LONGEST_PAUSE_NS = 5_000_000_000, 600_000_000_000


class Punctuality:
    """What this process saw of who blocks in its offers. No belief: it says nothing of other machines.

    >>> from atomic.clock import FrozenClock
    >>> clock = FrozenClock()
    >>> seen = Punctuality(clock)
    >>> seen.offered("slow", 2_000_000_000), seen.pause_left("slow"), seen.pause_left("quick")
    (True, 5000000000, 0)
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._blocked: dict[str, tuple[int, int]] = {}  # bidder -> how often in a row, and until when it is left out

    def now_ns(self) -> int:
        """The stopwatch that offers are timed by."""
        return self._clock.monotonic_ns()

    def offered(self, bidder: str, took_ns: int) -> bool:
        """A bidder offered; whether it took so long that its offers do not count."""
        if took_ns <= LONGEST_OFFER_NS:
            self._blocked.pop(bidder, None)
            return False
        times, _ = self._blocked.get(bidder, (0, 0))
        pause = min(_LONGEST_PAUSE_NS, _FIRST_PAUSE_NS << min(times, 10))
        self._blocked[bidder] = times + 1, self.now_ns() + pause
        return True

    def pause_left(self, bidder: str) -> int:
        """Nanoseconds until it is asked again."""
        _, until = self._blocked.get(bidder, (0, 0))
        return max(0, until - self.now_ns()) if until else 0

"""When an endpoint that asked for patience may be called again."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping

from atomic.clock import Clock

FIRST_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
LONGEST_SECONDS = 24 * 3600.0  # whatever an endpoint asks for


class Rest:
    """Until when a bidder abstains: as long as it was told to, else twice as long with every refusal in a row.

    >>> from atomic.clock import FrozenClock
    >>> clock = FrozenClock()
    >>> rest = Rest(clock)
    >>> rest.refused(7.0), rest.seconds_left
    (None, 7.0)
    >>> clock.advance(7_000_000_000)
    >>> rest.seconds_left, rest.refused(None), rest.seconds_left
    (0.0, None, 2.0)
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ns = 0
        self._refusals = 0

    @property
    def seconds_left(self) -> float:
        """Seconds until it may be called; 0 when it may."""
        return max(0, self._until_ns - self._clock.monotonic_ns()) / 1e9

    def refused(self, seconds: float | None) -> None:
        """It was asked to wait so long; None: nobody said how long. Refusals of calls at once count as one."""
        if not self.seconds_left:
            self._refusals += 1
        if seconds is None:
            seconds = min(LONGEST_BACKOFF_SECONDS, FIRST_SECONDS * 2.0 ** min(30, self._refusals - 1))
        wait_ns = int(min(seconds, LONGEST_SECONDS) * 1e9)
        self._until_ns = max(self._until_ns, self._clock.monotonic_ns() + wait_ns)

    def answered(self) -> None:
        """It answered. What was begun before a refusal does not end the rest."""
        if not self.seconds_left:
            self._refusals = 0


def wait_of(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that `retry-after` (or `retry-after-ms`) asks for; None when it says nothing that can be read.

    A date counts from the `date` header, else from `now` (seconds since 1970).

    >>> wait_of({"retry-after": "7"}, 0.0), wait_of({"retry-after-ms": "1500"}, 0.0), wait_of({"retry-after": "x"}, 0.0)
    (7.0, 1.5, None)
    >>> said = {"retry-after": "Tue, 24 Nov 2026 08:00:30 GMT", "date": "Tue, 24 Nov 2026 08:00:00 GMT"}
    >>> wait_of(said, 0.0)
    30.0
    """
    for name, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        said = headers.get(name, "").strip()
        if said.replace(".", "", 1).isdigit() and said.isascii() and len(said) < 16:
            return float(said) / divisor
    until = _date(headers.get("retry-after", ""))
    if until is None:
        return None
    since = _date(headers.get("date", ""))
    return max(0.0, until - (now if since is None else since))


def _date(said: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(said).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None

"""How much longer a bidder takes the busier it is: a line through its attempts, by how many were under way already.

    latency(busy) = latency + slope x (busy - usual busy),   slope = cov(busy, latency) / (var(busy) + 4 / weight) >= 0

Weighted by recency, about the last 100 attempts. Who was always asked alone has no slope, and no delay.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

_FADE = 0.99
_DOUBT = 4.0  # squared attempts: what spread of business there must be before a slope is believed
_MOST_OPEN = 100_000

Request = tuple[str, str]  # tenant and request id


class Slope:
    """One bidder's line: faded weight, means, and sums of squares around them."""

    __slots__ = ("both", "busy", "latency", "spread", "weight")

    def __init__(self) -> None:
        self.weight = self.busy = self.latency = self.spread = self.both = 0.0

    def add(self, busy: int, latency_ns: int) -> None:
        """One attempt took so long, while so many others were under way when it was decided."""
        old = _FADE * self.weight
        self.weight = old + 1.0
        off, late = busy - self.busy, latency_ns - self.latency
        share = old / self.weight
        self.spread = _FADE * self.spread + share * off * off
        self.both = _FADE * self.both + share * off * late
        self.busy += off / self.weight
        self.latency += late / self.weight

    def delay(self, busy: int) -> int:
        """Nanoseconds to add to the usual time when so many are under way; negative when fewer than usual are.

        >>> line = Slope()
        >>> for others in (0, 4, 8) * 20:
        ...     line.add(others, 1_000 + 100 * others)
        >>> 0.9 < (line.delay(8) - line.delay(4)) / 400 <= 1.0
        True
        """
        if self.spread <= 0.0:
            return 0
        slope = max(0.0, self.both / (self.spread + _DOUBT))
        return int(slope * (busy - self.busy))

    def state(self) -> list[float]:
        """All of it."""
        return [self.weight, self.busy, self.latency, self.spread, self.both]


class Queueing:
    """The lines of all bidders, and how busy they were when requests under way were decided."""

    def __init__(self) -> None:
        self.slopes: dict[str, Slope] = {}
        self._open: OrderedDict[Request, Sequence[tuple[str, int]]] = OrderedDict()

    def decided(self, request: Request, capacity: Sequence[tuple[str, int]]) -> None:
        """A round was decided while these bidders had so many attempts under way."""
        self._open[request] = capacity
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)

    def ended(self, request: Request, bidder: str, latency_ns: int) -> None:
        """An attempt ended."""
        capacity = self._open.get(request)
        busy = 0 if capacity is None else dict(capacity).get(bidder, 0)
        if latency_ns > 0 and capacity is not None and (busy > 0 or bidder in self.slopes):
            self.slopes.setdefault(bidder, Slope()).add(busy, latency_ns)

    def closed(self, request: Request) -> None:
        """A request is over, or erased."""
        self._open.pop(request, None)

    def corrected(self, bidder: str, busy: int, latency_ns: int) -> int:
        """A time as it is to be expected while so many attempts are under way; at least a quarter of it."""
        known = self.slopes.get(bidder)
        return latency_ns if known is None else max(latency_ns // 4, latency_ns + known.delay(busy))

    def state(self) -> list[list[object]]:
        """All of it, as JSON has it; empty where nobody was ever busy."""
        if not self.slopes:
            return []
        lines: list[object] = [[name, *one.state()] for name, one in sorted(self.slopes.items())]
        return [lines, [[*request, [list(one) for one in capacity]] for request, capacity in self._open.items()]]

    def restore(self, state: Sequence[Sequence[Sequence[object]]]) -> None:
        """Become what `state` said."""
        for name, *numbers in state[0] if state else ():
            slope = self.slopes[str(name)] = Slope()
            slope.weight, slope.busy, slope.latency, slope.spread, slope.both = (float(str(one)) for one in numbers)
        for tenant, request_id, capacity in state[1] if state else ():
            assert isinstance(capacity, list)
            self._open[str(tenant), str(request_id)] = tuple((name, busy) for name, busy in capacity)

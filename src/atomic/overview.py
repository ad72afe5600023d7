"""The overview: hour by hour, what was bought for which task, from whom, at what price, how fast and how right.

A follower of the ledger: told every event, it keeps sums and never an input, an answer or an address.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice

from atomic.explain.tried import Tactics
from atomic.listing import Listing
from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event
from atomic.records.lesson import FeedbackGiven
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened

HOUR_NS = 3_600_000_000_000
KINDS = ("request", "finished", "outcome", "feedback", "lessons", "retired", "decided")
BINS = 10  # of a calibration curve, equally wide
_STEPS = 4  # of a latency histogram per doubling: within 19 %
RECENT = 200  # outcomes at hand
_PIECE = 500  # events
_REST_SECONDS = 0.001
_LATEST = 200_000  # requests that feedback is still attributed to


@dataclass(slots=True)
class Bought:
    """Sums over requests that ended: of one task, won by one bidder ("" where refused), in one hour."""

    requests: int = 0
    refused: int = 0
    cost: int = 0  # nano-USD
    probability: float = 0.0
    latencies: dict[int, int] = field(default_factory=dict)  # histogram: see `quantile`
    judged: int = 0
    right: float = 0.0

    def add(self, other: Bought) -> None:
        """Take in the sums of another."""
        _add(self, other)


@dataclass(slots=True)
class Tried:
    """Sums over attempts: of one bidder with one tactic for one task, in one hour."""

    attempts: int = 0
    failed: int = 0
    price: int = 0  # nano-USD
    expected_price: int = 0
    latencies: dict[int, int] = field(default_factory=dict)

    def add(self, other: Tried) -> None:
        """Take in the sums of another."""
        _add(self, other)


@dataclass(slots=True)
class Bin:
    """One bin of a calibration curve: how many judged answers, the mean probability claimed, how many were right."""

    judged: int = 0
    probability: float = 0.0
    right: float = 0.0


@dataclass(frozen=True, slots=True)
class _Ended:
    cell: tuple[int, str, str]
    probability: float


def _add(into: Bought | Tried, other: Bought | Tried) -> None:
    for one in fields(other):
        value, here = getattr(other, one.name), getattr(into, one.name)
        if isinstance(value, dict):
            for step, count in value.items():
                here[step] = here.get(step, 0) + count
        else:
            setattr(into, one.name, here + value)


class Overview:
    """Sums by hour. `bought` is keyed by (hour, task, winner), `tried` by (hour, task, bidder+tactic).

    An hour is the number of hours since 1970, UTC. Later feedback takes the place of earlier on the same request.
    """

    def __init__(self) -> None:
        self.bought: dict[tuple[int, str, str], Bought] = defaultdict(Bought)
        self.tried: dict[tuple[int, str, str], Tried] = defaultdict(Tried)
        self.curves: dict[str, list[Bin]] = defaultdict(lambda: [Bin() for _ in range(BINS)])
        self.seq = 0
        self._tasks: dict[tuple[str, str], str] = {}  # of open requests, and of those that shadow one
        self._shadows: set[tuple[str, str]] = set()
        self._ended: dict[tuple[str, str], _Ended] = {}
        self._judged: dict[tuple[str, str], float] = {}

    @property
    def open(self) -> int:
        """How many requests have begun and not ended, those apart that nobody asked for."""
        return len(self._tasks) - len(self._shadows)

    def follow(self, events: Sequence[Event]) -> None:
        """Take in new events, each once, in the order of the ledger; others than of `KINDS` are passed over."""
        for event in events:
            self._take(event)
            self.seq = max(self.seq, event.seq)

    def _take(self, event: Event) -> None:
        payload, request = event.payload, (event.tenant, event.request_id)
        if isinstance(payload, RequestOpened):
            self._tasks[request] = payload.task
            if payload.assignment is not None and payload.assignment.shadows:
                self._shadows.add(request)
        elif isinstance(payload, AttemptFinished):
            if not payload.recalled:
                self._attempt(event, self._tasks.get(request, ""), payload)
        elif isinstance(payload, OutcomeSettled):
            if request in self._shadows:
                self._shadows.discard(request)
            else:
                self._outcome(event, payload, request)
            self._tasks.pop(request, None)
        elif isinstance(payload, FeedbackGiven):
            self._feedback(payload.value, request)

    def _attempt(self, event: Event, task: str, done: AttemptFinished) -> None:
        cell = self.tried[event.time_ns // HOUR_NS, task, done.key]
        cell.attempts += 1
        cell.failed += done.group is None
        cell.price += done.price
        cell.expected_price += done.expected_price
        if done.group is not None:  # a time of what failed is no time of an answer
            _count(cell.latencies, done.latency_ns)

    def _outcome(self, event: Event, settled: OutcomeSettled, request: tuple[str, str]) -> None:
        key = (event.time_ns // HOUR_NS, settled.task, settled.winner)
        cell = self.bought[key]
        cell.requests += 1
        cell.refused += settled.status == "refused"
        cell.cost += settled.cost
        cell.probability += settled.probability
        _count(cell.latencies, settled.latency_ns)
        self._judged.pop(request, None)
        self._ended[request] = _Ended(key, settled.probability)
        if len(self._ended) > _LATEST:
            oldest = next(iter(self._ended))
            self._ended.pop(oldest)
            self._judged.pop(oldest, None)

    def _feedback(self, value: float, request: tuple[str, str]) -> None:
        ended = self._ended.get(request)
        if ended is None:
            return
        before = self._judged.get(request)
        cell, chance = self.bought[ended.cell], ended.probability
        curve = self.curves[ended.cell[2]][min(BINS - 1, int(chance * BINS))]
        if before is None:
            cell.judged += 1
            curve.judged += 1
            curve.probability += chance
        change = value - (before or 0.0)
        cell.right += change
        curve.right += change
        self._judged[request] = value

    def bought_by(
        self, by: Callable[[int, str, str], str], *, since_ns: int = 0, until_ns: int | None = None
    ) -> dict[str, Bought]:
        """Sums from one hour to before another, grouped by what `by` makes of (hour, task, winner)."""
        found: dict[str, Bought] = defaultdict(Bought)
        for key in self._between(self.bought, since_ns, until_ns):
            found[by(*key)].add(self.bought[key])
        return dict(found)

    def tried_by(
        self, by: Callable[[int, str, str], str], *, since_ns: int = 0, until_ns: int | None = None
    ) -> dict[str, Tried]:
        """The same for attempts, of what `by` makes of (hour, task, bidder+tactic)."""
        found: dict[str, Tried] = defaultdict(Tried)
        for key in self._between(self.tried, since_ns, until_ns):
            found[by(*key)].add(self.tried[key])
        return dict(found)

    @staticmethod
    def _between(
        cells: dict[tuple[int, str, str], Bought] | dict[tuple[int, str, str], Tried],
        since_ns: int,
        until_ns: int | None,
    ) -> Iterator[tuple[int, str, str]]:
        first, end = since_ns // HOUR_NS, math.inf if until_ns is None else -(-until_ns // HOUR_NS)
        return (key for key in list(cells) if first <= key[0] < end)


class Overviews:
    """The overview of all, and that of each tenant by itself."""

    def __init__(self) -> None:
        self._of: dict[str, Overview] = defaultdict(Overview)
        self._held: list[Event] | None = []  # what came while the past was read
        self.listing = Listing()
        self.tactics = Tactics()
        self.why = ""  # the past cannot be read
        self.recent: deque[tuple[Event, OutcomeSettled]] = deque(maxlen=RECENT)

    @property
    def ready(self) -> bool:
        """Whether the past is known as well."""
        return self._held is None

    def of(self, tenant: str) -> Overview:
        """What a tenant bought; of the tenant "": what all did."""
        return self._of[tenant]

    def follow(self, events: Sequence[Event]) -> None:
        """Take in what happens now; to be told from the moment on that `know` is handed the past up to."""
        if self._held is None:
            self._take(events)
        else:
            self._held += events

    async def know(self, past: Iterator[Event]) -> None:
        """Take in the past in pieces, read in another thread, so that nobody waits for it."""
        while piece := await asyncio.to_thread(lambda: list(islice(past, _PIECE))):
            self._take(piece)
            await asyncio.sleep(_REST_SECONDS)  # who asks meanwhile has the processor
        held, self._held = self._held or [], None
        self._take(held)

    def _take(self, events: Sequence[Event]) -> None:
        self._of[""].follow(events)
        self.listing.follow(events)
        self.tactics.fold(events)
        for event in events:
            if event.tenant:
                self._of[event.tenant].follow((event,))
            if isinstance(event.payload, OutcomeSettled):
                self.recent.append((event, event.payload))


def _count(histogram: dict[int, int], latency_ns: int) -> None:
    step = math.ceil(math.log2(max(1, latency_ns)) * _STEPS)
    histogram[step] = histogram.get(step, 0) + 1


def quantile(histogram: dict[int, int], share: float) -> int | None:
    """The latency (nanoseconds) that `share` of those counted do not exceed, at most 19 % too high; None of none.

    >>> histogram: dict[int, int] = {}
    >>> for latency_ns in (900, 1_000, 50_000):
    ...     _count(histogram, latency_ns)
    >>> quantile(histogram, 0.5), quantile(histogram, 1.0)
    (1024, 55109)
    """
    wanted = share * sum(histogram.values())
    seen = 0
    for step in sorted(histogram):
        seen += histogram[step]
        if seen >= wanted:
            return round(2 ** (step / _STEPS))
    return None


def wilson(right: float, judged: int, z: float = 1.96) -> tuple[float, float]:
    """The interval (95 %) of a share, by Wilson's score (Wilson 1927); (0, 1) of none.

    >>> low, high = wilson(8, 10)
    >>> round(low, 2), round(high, 2)
    (0.49, 0.94)
    """
    if not judged:
        return 0.0, 1.0
    share, squared = right / judged, z * z
    middle = share + squared / (2 * judged)
    spread = z * math.sqrt(share * (1 - share) / judged + squared / (4 * judged * judged))
    return (middle - spread) / (1 + squared / judged), (middle + spread) / (1 + squared / judged)

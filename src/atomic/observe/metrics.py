"""A market's numbers, as a follower of its ledger: the same instruments for OTLP and for Prometheus.

They count the whole ledger, other processes' events and those of earlier runs too: so every worker says the same and a
restart is no reset. What only this process knows (stages, places) says so.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from atomic.observe import names
from atomic.observe.sums import Spread, Sum, Sums
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award
from atomic.records.event import Event
from atomic.records.lesson import FeedbackGiven
from atomic.records.microtask import Ask
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened

if TYPE_CHECKING:
    from atomic.market import Market

KINDS = ("request", "award", "finished", "outcome", "feedback")
CHAT = "chat"  # the operation, as the conventions call it
_LATEST = 100_000  # requests whose later events are still attributed to their task
_PIECE = 200
_REST_SECONDS = 0.001
_NANO = 1e9
_OPEN = {"closed": 0.0, "half-open": 0.5, "open": 1.0}


class Metrics:
    """Instruments and what fills them. `follow` takes each event once; `watch` is told of this process's stages."""

    def __init__(self, meter: Meter, sums: Sums, market: Market, *, per_day: int | None) -> None:
        self._market = market
        self._per_day = per_day
        self._known: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()  # task, probability settled with
        self._shadows: set[tuple[str, str]] = set()  # under way
        self._last = 0
        count: Callable[..., Sum] = lambda name, what, *by: sums.count(meter, name, what, by)  # noqa: E731
        self._requests = count("atomic.requests", "Requests that ended", names.TASK, names.STATUS, names.BIDDER)
        self._cost = count("atomic.cost.usd", "Spent on requests, in USD", names.TASK)
        self._rounds = count("atomic.rounds", "Rounds held", names.TASK)
        who = names.BIDDER, names.TACTIC, names.TASK
        self._attempts = count("atomic.attempts", "Attempts that ended", *who, names.STATUS)
        self._attempt_cost = count("atomic.attempt.cost.usd", "Billed by bidders, in USD", *who)
        said = names.TASK, names.SOURCE
        self._judged = count("atomic.judged", "Outcomes that somebody judged", *said)
        self._right = count("atomic.judged.right", "How right judged outcomes were, summed", *said)
        self._believed = count("atomic.judged.believed", "How right they were believed to be, summed", *said)
        spread: Callable[..., Spread] = lambda name, unit, what, bounds, *by: sums.spread(name, unit, what, bounds, by)  # noqa: E731
        self._duration = spread("atomic.request.duration", "s", "From asked to settled", names.SECONDS, names.TASK)
        self._attempt_duration = spread("atomic.attempt.duration", "s", "Of attempts", names.SECONDS, names.BIDDER)
        self._waited = spread("atomic.waited", "s", "In line for a place", names.SECONDS, names.TASK)
        self._probability = spread("atomic.probability", "1", "Of being right, as settled", names.PROBABILITIES, *said)
        self._stage = spread("atomic.stage.duration", "s", "Of stages here", names.FAST_SECONDS, names.STAGE)
        of = names.OPERATION, names.PROVIDER, names.REQUEST_MODEL, names.RESPONSE_MODEL
        self._operation = spread(
            names.OPERATION_DURATION, "s", "GenAI operations", names.GEN_AI_SECONDS, *of, names.ERROR_TYPE
        )
        self._tokens = spread(names.TOKEN_USAGE, "{token}", "Tokens used", names.TOKENS, *of, names.TOKEN_TYPE)
        gauge: Callable[[str, Callable[[CallbackOptions], Iterable[Observation]], str], object]
        gauge = lambda name, read, what: meter.create_observable_gauge(name, [read], description=what)  # noqa: E731
        gauge("atomic.ledger.seq", lambda _: [Observation(self._last)], "The last event heard")
        gauge("atomic.waiting", lambda _: [Observation(market.capacity.waiting)], "Requests in line here")
        gauge("atomic.places.taken", self._places, "Attempts under way here")
        gauge("atomic.breaker.open", self._breakers, "1: left out, 0.5: on trial")
        gauge("atomic.cap.day.usd", self._cap, "What a UTC day may cost")

    def follow(self, events: Sequence[Event]) -> None:
        """Count new events."""
        for event in events:
            if event.seq <= self._last:
                continue
            self._last = event.seq
            self._take(event)

    async def know(self, past: Iterator[Event]) -> None:
        """Count what happened before, piece by piece, read in another thread, so that nobody waits for it."""
        while piece := await asyncio.to_thread(lambda: tuple(islice(past, _PIECE))):
            for event in piece:
                self._take(event)
            await asyncio.sleep(_REST_SECONDS)  # who asks meanwhile has the processor

    def watch(self, stage: str, ask: Ask, began_ns: int, ended_ns: int) -> None:
        """A stage of a request of this process ended."""
        self._stage.record((ended_ns - began_ns) / _NANO, stage)

    def _take(self, event: Event) -> None:
        done, key = event.payload, (event.tenant, event.request_id)
        if isinstance(done, RequestOpened):
            self._know(key, done.task, 0.0)
            if done.assignment is not None and done.assignment.shadows:
                self._shadows.add(key)
        elif isinstance(done, Award):
            task = self._task(key)
            self._rounds.add(1, task)
            if done.waited_ns:
                self._waited.record(done.waited_ns / _NANO, task)
        elif isinstance(done, AttemptFinished):
            self._attempt(done, self._task(key))
        elif isinstance(done, OutcomeSettled):
            self._know(key, done.task, done.probability)
            self._cost.add(done.cost / _NANO, done.task)
            if key in self._shadows:  # money, but no request of anybody's
                self._shadows.discard(key)
                return
            self._requests.add(1, done.task, done.status, done.winner.rpartition("+")[0])
            self._duration.record(done.latency_ns / _NANO, done.task)
            if done.status == "answered":
                self._probability.record(done.probability, done.task, done.probability_source)
        elif isinstance(done, FeedbackGiven):
            said = self._known.get(key, (done.task, 0.0))
            self._judged.add(1, said[0], done.source)
            self._right.add(done.value, said[0], done.source)
            self._believed.add(said[1], said[0], done.source)

    def _attempt(self, done: AttemptFinished, task: str) -> None:
        if done.recalled:
            return
        error = None if done.reason is None else done.reason.name.lower()
        who, seconds = (done.bidder, done.tactic, task), done.latency_ns / _NANO
        self._attempts.add(1, *who, error or "answered")
        self._attempt_cost.add(done.price / _NANO, *who)
        self._attempt_duration.record(seconds, done.bidder)
        bidder = self._market.bidders.get(done.bidder)
        if bidder is None or not bidder.profile.speaks:
            return
        of = CHAT, bidder.profile.kind, done.bidder, done.model or None
        self._operation.record(seconds, *of, error)
        self._tokens.record(done.usage.prompt_tokens, *of, "input")
        self._tokens.record(done.usage.completion_tokens, *of, "output")

    def _know(self, key: tuple[str, str], task: str, probability: float) -> None:
        self._known[key] = task, probability
        self._known.move_to_end(key)
        if len(self._known) > _LATEST:
            self._known.popitem(last=False)

    def _task(self, key: tuple[str, str]) -> str:
        return self._known.get(key, ("", 0.0))[0]

    def _places(self, options: CallbackOptions) -> Iterator[Observation]:
        busy = self._market.capacity.busy
        for name in self._market.bidders:
            yield Observation(busy.get(name, 0), {names.BIDDER: name})

    def _breakers(self, options: CallbackOptions) -> Iterator[Observation]:
        now_ns = time.time_ns()
        for name in self._market.bidders:
            yield Observation(_OPEN[self._market.beliefs.health(name).breaker(now_ns)], {names.BIDDER: name})

    def _cap(self, options: CallbackOptions) -> list[Observation]:
        return [] if self._per_day is None else [Observation(self._per_day / _NANO)]


def gen_ai(done: AttemptFinished, kind: str) -> Mapping[str, str]:
    """The attributes that the conventions ask of every GenAI operation."""
    of = {names.OPERATION: CHAT, names.PROVIDER: kind, names.REQUEST_MODEL: done.bidder}
    return {**of, names.RESPONSE_MODEL: done.model} if done.model else of

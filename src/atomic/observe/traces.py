"""Traces: a span for the request, one for each of its stages and one for each attempt, with the request's id.

A follower of the ledger, which knows when everything happened; stages that leave no event (collect, auction) are
watched. Ids come of the request's, so feedback weeks later finds its trace. Only requests of this process are traced,
so that with several workers each is traced once. Where the caller's own span is current, the request's is its child.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from atomic.observe import names
from atomic.observe.metrics import gen_ai
from atomic.protocols import Contents, Profile
from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.award import Award
from atomic.records.event import Event
from atomic.records.lesson import FeedbackGiven
from atomic.records.microtask import Ask
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.version import __version__

_REMEMBERED = 10_000  # requests of this process
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("atomic", __version__)
_NANO = 1e9
_UNSET = Status(StatusCode.UNSET)
Attributes = Mapping[str, str | bool | int | float]
Key = tuple[str, str]  # tenant, request id


@dataclass(slots=True)
class _Traced:
    """A request of this process: where its spans hang, and what is known of it so far."""

    request_id: str
    root: SpanContext
    parent: SpanContext | None
    begun_ns: int
    task: str = ""
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ended: bool = False


class Traces:
    """Makes spans and hands them to `emit`. `sample` is the share of requests that are traced, by their ids.

    `contents` is there where inputs and answers of public requests are part of a trace.
    """

    def __init__(
        self,
        emit: Callable[[ReadableSpan], None],
        resource: Resource,
        profiles: Callable[[str], Profile | None],
        *,
        sample: float = 1.0,
        contents: Contents | None = None,
    ) -> None:
        self._emit = emit
        self._resource = resource
        self._profiles = profiles
        self._sample = sample
        self._contents = contents
        self._requests: OrderedDict[Key, _Traced] = OrderedDict()

    def watch(self, stage: str, ask: Ask, began_ns: int, ended_ns: int) -> None:
        """A stage of a request of this process ended."""
        key = (ask.tenant, ask.request_id)
        traced = self._requests.get(key)
        if traced is None:
            made = self._begin(key, began_ns)
            if made is None:
                return
            traced = self._requests[key] = made
            if len(self._requests) > _REMEMBERED:
                self._requests.popitem(last=False)
        if not traced.ended:
            traced.stages.append((stage, began_ns, ended_ns))

    def context(self, key: Key) -> SpanContext | None:
        """The span of a request of this process, if it is traced."""
        traced = self._requests.get(key)
        return None if traced is None else traced.root

    def follow(self, events: Sequence[Event]) -> None:
        """Take in new events; a request's spans are emitted once it has ended."""
        for event in events:
            traced = self._requests.get((event.tenant, event.request_id))
            if traced is None:
                continue
            if traced.ended:
                if isinstance(event.payload, FeedbackGiven):
                    self._learned(traced, event, event.payload)
                continue
            traced.events.append(event)
            if isinstance(event.payload, OutcomeSettled):
                self._end(traced, event, event.payload)

    def _begin(self, key: Key, began_ns: int) -> _Traced | None:
        digest = hashlib.sha256("\0".join(key).encode("utf-8", "replace")).digest()
        current = trace.get_current_span().get_span_context()
        parent = current if current.is_valid else None
        if parent is not None and not parent.trace_flags.sampled:
            return None
        if parent is None and int.from_bytes(digest[24:]) >= self._sample * 2**64:
            return None
        trace_id = parent.trace_id if parent is not None else int.from_bytes(digest[:16])
        root = SpanContext(trace_id, int.from_bytes(digest[16:24]), is_remote=False, trace_flags=_SAMPLED)
        return _Traced(key[1], root, parent, began_ns)

    def _end(self, traced: _Traced, last: Event, settled: OutcomeSettled) -> None:
        first = next((one for one in traced.events if isinstance(one.payload, RequestOpened)), None)
        began_ns = min(traced.begun_ns, first.time_ns if first is not None else traced.begun_ns)
        traced.task = settled.task
        if traced.stages:
            self._span(traced, "prepare", began_ns, traced.stages[0][1], {names.STAGE: "prepare"})
        for stage, began, ended in traced.stages:
            self._span(traced, stage, began, ended, {names.STAGE: stage})
        done_ns = self._attempts(traced)
        self._span(traced, "settle", min(done_ns or last.time_ns, last.time_ns), last.time_ns, {names.STAGE: "settle"})
        rounds = sum(isinstance(one.payload, Award) for one in traced.events)
        attributes: dict[str, str | bool | int | float] = {
            names.STATUS: settled.status,
            "atomic.probability": settled.probability,
            "atomic.probability.source": settled.probability_source,
            "atomic.cost.usd": settled.cost / _NANO,
            "atomic.winner": settled.winner,
            "atomic.rounds": rounds,
            "atomic.label": last.label,
            **self._content(traced, last),
        }
        status = Status(StatusCode.ERROR, "refused") if settled.status == "refused" else _UNSET
        self._emitted(
            traced,
            traced.root,
            traced.parent,
            f"atomic {settled.task}",
            began_ns,
            last.time_ns,
            attributes,
            status=status,
        )
        traced.ended = True
        traced.stages, traced.events = [], []

    def _attempts(self, traced: _Traced) -> int:
        """A span for each round's execution with one for each of its attempts; when the last of them ended."""
        starts: dict[str, int] = {}
        number, spans = 0, dict[int, list[tuple[AttemptFinished, int, int]]]()
        for event in traced.events:
            done = event.payload
            if isinstance(done, Award):
                number = done.position.round
            elif isinstance(done, AttemptStarted):
                starts[f"{done.bidder}+{done.tactic}"] = event.time_ns
            elif isinstance(done, AttemptFinished) and done.key in starts:
                began = starts.pop(done.key)
                spans.setdefault(number, []).append((done, began, began + done.latency_ns))
        for number, made in spans.items():
            began, ended = min(one[1] for one in made), max(one[2] for one in made)
            decided = max(
                (end for stage, _, end in traced.stages if stage == "auction" and end <= began), default=began
            )
            self._span(traced, "tune", decided, began, {names.STAGE: "tune", names.ROUND: number})
            stage = self._span(traced, "execute", began, ended, {names.STAGE: "execute", names.ROUND: number})
            for done, one_began, one_ended in made:
                self._attempt(traced, stage, done, one_began, one_ended)
        return max((one[2] for made in spans.values() for one in made), default=0)

    def _attempt(self, traced: _Traced, stage: SpanContext, done: AttemptFinished, began: int, ended: int) -> None:
        profile = self._profiles(done.bidder)
        attributes: dict[str, str | bool | int | float] = {
            names.BIDDER: done.bidder,
            names.TACTIC: done.tactic,
            "atomic.cost.usd": done.price / _NANO,
            "atomic.recalled": done.recalled,
        }
        name, kind = f"attempt {done.bidder}", SpanKind.INTERNAL
        if profile is not None and profile.speaks:
            name, kind = f"chat {done.model or done.bidder}", SpanKind.CLIENT
            usage = {names.INPUT_TOKENS: done.usage.prompt_tokens, names.OUTPUT_TOKENS: done.usage.completion_tokens}
            attributes |= {**gen_ai(done, profile.kind), **usage, names.CACHED_TOKENS: done.usage.cached_tokens}
        status = _UNSET
        if done.reason is not None:
            attributes[names.ERROR_TYPE] = done.reason.name.lower()
            status = Status(StatusCode.ERROR, done.reason.words)
        context = self._context(traced, f"attempt {done.key}", began)
        self._emitted(traced, context, stage, name, began, ended, attributes, kind=kind, status=status)

    def _learned(self, traced: _Traced, event: Event, given: FeedbackGiven) -> None:
        """Feedback: its lessons are appended together with it."""
        said: Attributes = {names.STAGE: "learn", names.SOURCE: given.source, "atomic.right": given.value}
        self._span(traced, "learn", event.time_ns, event.time_ns, said)

    def _content(self, traced: _Traced, last: Event) -> dict[str, str]:
        if self._contents is None or last.label != "public":
            return {}
        found: dict[str, str] = {}
        for event in (traced.events[0], last):
            for commitment in event.bodies:
                if commitment.name in {"input", "answer"} and (body := self._contents.body(commitment)) is not None:
                    found[f"atomic.{commitment.name}"] = body.decode("utf-8", "replace")
        return found

    def _span(self, traced: _Traced, name: str, began: int, ended: int, attributes: Attributes) -> SpanContext:
        context = self._context(traced, name, began)
        self._emitted(traced, context, traced.root, name, began, ended, attributes)
        return context

    def _context(self, traced: _Traced, name: str, began: int) -> SpanContext:
        digest = hashlib.sha256(f"{traced.root.span_id} {name} {began}".encode()).digest()
        return SpanContext(traced.root.trace_id, int.from_bytes(digest[:8]), is_remote=False, trace_flags=_SAMPLED)

    def _emitted(  # noqa: PLR0913 - a span is so much
        self,
        traced: _Traced,
        context: SpanContext,
        parent: SpanContext | None,
        name: str,
        began: int,
        ended: int,
        attributes: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        status: Status = _UNSET,
    ) -> None:
        self._emit(
            ReadableSpan(
                name=name,
                context=context,
                parent=parent,
                resource=self._resource,
                attributes={names.REQUEST_ID: traced.request_id, names.TASK: traced.task, **attributes},
                kind=kind,
                status=status,
                start_time=began,
                end_time=max(began, ended),
                instrumentation_scope=_SCOPE,
            )
        )

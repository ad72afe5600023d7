"""A market observed: what follows and watches it is put together here, and taken down within a bounded time.

Exporters run in threads of their own behind bounded queues. A collector that is away or hangs costs spans and log
records, which are counted, and never a request; numbers are kept here and are whole again when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import takewhile
from typing import Any

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from atomic.config.outsiders import ObserveSettings
from atomic.errors import OperatorError
from atomic.market import Market
from atomic.observe import names
from atomic.observe.logs import Logs
from atomic.observe.metrics import KINDS, Metrics
from atomic.observe.sums import Sums
from atomic.observe.traces import Traces
from atomic.protocols import Follower, Profile
from atomic.records.event import Event
from atomic.records.microtask import Ask
from atomic.version import __version__

MOST_WAITING = 4_096  # spans, and as many log records; beyond that the oldest are dropped
EXPORT_SECONDS = 5.0  # that a collector may take, retries included
LAST_SECONDS = 3.0  # that closing waits for exporters
EVERY_SECONDS = 15.0  # metrics
_CLAIM = ("", "\x1ftelemetry")  # whoever holds it speaks for all processes of the ledger
_CLAIM_SECONDS = 5.0


class Observed:
    """What observes one market. `page` is its metrics as Prometheus reads them."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, market: Market, settings: ObserveSettings, *, per_day: int | None = None) -> None:
        _hush()
        self._market = market
        self._registry = CollectorRegistry()
        self._closing: list[Callable[[], object]] = []
        self.speaks = False  # for all processes: else what concerns everybody would be said by each
        resource = _resource(settings.service)
        self.metrics = self._measured(settings, resource, per_day)
        self.followers: list[Follower] = [self.metrics.follow]
        self.watchers: list[Callable[[str, Ask, int, int], None]] = [self.metrics.watch]
        if settings.otlp is not None and (settings.traces or settings.logs):
            self._traced(settings, resource, settings.otlp.rstrip("/"))

    def __call__(self, stage: str, ask: Ask, began_ns: int, ended_ns: int) -> None:
        """A stage of a request ended."""
        for watcher in self.watchers:
            watcher(stage, ask, began_ns, ended_ns)

    def follow(self, events: Sequence[Event]) -> None:
        """Take in new events."""
        for follower in self.followers:
            follower(events)

    def page(self) -> bytes:
        """The metrics, in Prometheus's text form."""
        return generate_latest(self._registry)

    async def claim(self) -> None:
        """Speak for all processes as soon as nobody else does."""
        while True:
            if not self.speaks:
                with suppress(OperatorError):  # the ledger is locked or full: it is asked again
                    self.speaks = await self._market.ledger.claim(*_CLAIM, "") in {"new", "resumed"}
            await asyncio.sleep(_CLAIM_SECONDS)

    async def close(self) -> None:
        """Export what waits, for a short time; what then still hangs is left to end by itself."""
        if self.speaks:
            with suppress(OperatorError):
                await self._market.ledger.release(*_CLAIM, done=False)
        threads = [threading.Thread(target=close, daemon=True) for close in self._closing]
        for thread in threads:
            thread.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while any(thread.is_alive() for thread in threads):  # noqa: ASYNC110 - threads have no event for it
                    await asyncio.sleep(0.01)

    def _measured(self, settings: ObserveSettings, resource: Resource, per_day: int | None) -> Metrics:
        sums = Sums()
        readers: list[MetricReader] = [_Prometheus(sums, self._registry)]
        if settings.otlp is not None and settings.metrics:
            exporter = OTLPMetricExporter(endpoint=f"{settings.otlp.rstrip('/')}/v1/metrics", timeout=EXPORT_SECONDS)
            readers.append(
                PeriodicExportingMetricReader(
                    _OfAll(exporter, sums, lambda: self.speaks), export_interval_millis=1000 * EVERY_SECONDS
                )
            )
        provider = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._closing.append(provider.shutdown)
        meter = provider.get_meter("atomic", __version__)
        self._sent = meter.create_counter("atomic.telemetry", description="Spans and log records exported, or lost so")
        return Metrics(meter, sums, self._market, per_day=per_day)

    def _traced(self, settings: ObserveSettings, resource: Resource, url: str) -> None:
        spans: Callable[[ReadableSpan], None] = lambda span: None  # noqa: E731 - logs alone hang on contexts, too
        if settings.traces:
            exporter: Any = OTLPSpanExporter(endpoint=f"{url}/v1/traces", timeout=EXPORT_SECONDS)
            processor = BatchSpanProcessor(_Counted(exporter, self._sent, "spans"), max_queue_size=MOST_WAITING)
            self._closing.append(processor.shutdown)
            spans = processor.on_end
        contents = self._market.ledger if settings.content else None
        traces = Traces(spans, resource, self._profile, sample=settings.sample, contents=contents)
        self.watchers.append(traces.watch)
        if settings.logs:
            provider = LoggerProvider(resource, shutdown_on_exit=False)
            exporter = OTLPLogExporter(endpoint=f"{url}/v1/logs", timeout=EXPORT_SECONDS)
            counted = _Counted(exporter, self._sent, "logs")
            provider.add_log_record_processor(BatchLogRecordProcessor(counted, max_queue_size=MOST_WAITING))
            self._closing.append(provider.shutdown)
            logs = Logs(provider.get_logger("atomic", __version__), traces.context, lambda: self.speaks)
            self.followers.append(logs.follow)
        self.followers.append(traces.follow)

    def _profile(self, bidder: str) -> Profile | None:
        known = self._market.bidders.get(bidder)
        return None if known is None else known.profile


class _Counted(SpanExporter, LogRecordExporter):
    """Counts what an exporter got across, and what it could not."""

    def __init__(self, exporter: Any, count: Counter, what: str) -> None:
        self._exporter = exporter
        self._count = count
        self._what = what

    def export(self, batch: Sequence[Any]) -> Any:
        """As the exporter."""
        result = self._exporter.export(batch)
        state = "sent" if result.name == "SUCCESS" else "lost"
        self._count.add(len(batch), {"atomic.telemetry.kind": self._what, names.STATUS: state})
        return result

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """As the exporter."""
        return bool(self._exporter.force_flush(timeout_millis))

    def shutdown(self) -> None:
        """As the exporter."""
        self._exporter.shutdown()


class _Prometheus(PrometheusMetricReader):
    """What Prometheus reads."""

    def __init__(self, sums: Sums, registry: CollectorRegistry) -> None:
        super().__init__(disable_target_info=True, scope_info_enabled=False, registry=registry)
        self._sums = sums

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **more: Any) -> None:
        super()._receive_metrics(self._sums.beside(metrics_data), timeout_millis, **more)


class _OfAll(MetricExporter):
    """Exports for one process of all: each counts the whole ledger."""

    def __init__(self, exporter: OTLPMetricExporter, sums: Sums, speaks: Callable[[], bool]) -> None:
        super().__init__()
        self._exporter = exporter
        self._sums = sums
        self._speaks = speaks

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **more: Any) -> MetricExportResult:
        """Export, or say that it is done: another process does it."""
        if not self._speaks():
            return MetricExportResult.SUCCESS
        return self._exporter.export(self._sums.beside(metrics_data), timeout_millis, **more)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """As the exporter."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **more: Any) -> None:
        """As the exporter."""
        self._exporter.shutdown(timeout_millis, **more)


@asynccontextmanager
async def observing(
    market: Market, settings: ObserveSettings, *, per_day: int | None = None
) -> AsyncIterator[Observed]:
    """Observe a market until the block ends: from its ledger's beginning, which is counted beside the requests."""
    observed = Observed(market, settings, per_day=per_day)
    head = market.beliefs.seq
    unfollow = market.ledger.follow(observed.follow, after=head)
    past = takewhile(lambda event: event.seq <= head, market.ledger.read(kinds=KINDS))
    beside = [asyncio.create_task(observed.metrics.know(past)), asyncio.create_task(observed.claim())]
    market.watchers.append(observed)
    try:
        yield observed
    finally:
        market.watchers.remove(observed)
        unfollow()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await observed.close()


def observed_in(market: Market) -> Observed | None:
    """What observes a market, if anything does."""
    return next((one for one in market.watchers if isinstance(one, Observed)), None)


def _resource(service: str) -> Resource:
    return Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or service,
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )


def _hush() -> None:
    """Exporters say of every batch that it failed, and of every span that it was dropped; numbers say it once."""
    for name in ("opentelemetry.sdk", "opentelemetry.exporter"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

"""Logs by OTLP: what somebody should hear of, by ids and numbers alone, with the trace it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from atomic.observe import names
from atomic.records.attempt import AttemptFinished
from atomic.records.erasure import BodiesErased
from atomic.records.event import Event
from atomic.records.lesson import BidderChanged
from atomic.records.mode import ModeChanged
from atomic.records.outcome import MarketOpened, OutcomeSettled
from atomic.records.price import PricesChanged

_INFO, _WARN = (SeverityNumber.INFO, "INFO"), (SeverityNumber.WARN, "WARN")
_OF_THE_MARKET: dict[type, tuple[str, tuple[SeverityNumber, str]]] = {
    MarketOpened: ("market opened", _INFO),
    PricesChanged: ("prices changed", _INFO),
    ModeChanged: ("who answers a task changed", _WARN),
    BidderChanged: ("a bidder is another than before", _WARN),
    BodiesErased: ("bodies erased", _INFO),
}


class Logs:
    """Follows the ledger. A request is logged by the process that ran it, what concerns all by whoever `speaks`."""

    def __init__(
        self, logger: Logger, context: Callable[[tuple[str, str]], SpanContext | None], speaks: Callable[[], bool]
    ) -> None:
        self._logger = logger
        self._context = context
        self._speaks = speaks

    def follow(self, events: Sequence[Event]) -> None:
        """Log what is worth it."""
        for event in events:
            done = event.payload
            if isinstance(done, OutcomeSettled):
                said, severity = ("answered", _INFO) if done.status == "answered" else ("refused", _WARN)
                self._of_request(event, f"{done.task}: {said}", severity, {"atomic.probability": done.probability})
            elif isinstance(done, AttemptFinished) and done.reason is not None:
                what = {names.BIDDER: done.bidder, names.ERROR_TYPE: done.reason.name.lower()}
                self._of_request(event, f"{done.bidder}: no answer, {done.reason.words}", _WARN, what)
            elif type(done) in _OF_THE_MARKET and self._speaks():
                self._log(event, *_OF_THE_MARKET[type(done)], {}, None)

    def _of_request(
        self, event: Event, said: str, severity: tuple[SeverityNumber, str], what: Mapping[str, str | float]
    ) -> None:
        context = self._context((event.tenant, event.request_id))
        if context is not None:
            self._log(event, said, severity, {names.REQUEST_ID: event.request_id, **what}, context)

    def _log(
        self,
        event: Event,
        said: str,
        severity: tuple[SeverityNumber, str],
        what: Mapping[str, str | float],
        context: SpanContext | None,
    ) -> None:
        self._logger.emit(
            LogRecord(
                timestamp=event.time_ns,
                severity_number=severity[0],
                severity_text=severity[1],
                body=said,
                attributes={"atomic.event": event.kind, "atomic.seq": event.seq, **what},
                context=None if context is None else set_span_in_context(NonRecordingSpan(context)),
                event_name=f"atomic.{event.kind}",
            )
        )

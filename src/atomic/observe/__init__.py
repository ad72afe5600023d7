"""Observation: traces, metrics and logs of a market by OpenTelemetry, and its metrics for Prometheus.

All of it follows the ledger and watches stages; nothing waits for it. What cannot be exported is dropped and
counted; the ledger has everything anyway. Importing this raises MissingExtra without the extra `observe`.
"""

from __future__ import annotations

from atomic.errors import MissingExtra

try:
    from atomic.observe.observing import Observed, observed_in, observing
except ModuleNotFoundError as error:
    raise MissingExtra(f"{error.name} is not installed", hint='pip install "atomic-market[observe]"') from None

__all__ = ["Observed", "observed_in", "observing"]

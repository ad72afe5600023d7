"""Numbers summed here, where requests are, and read by OpenTelemetry when it exports.

A synchronous instrument of OpenTelemetry takes ten microseconds a measurement, whether or not anybody ever reads it; a
sum takes a twentieth of that. Counters are observed as asynchronous ones are. There is no asynchronous histogram, so
histograms are put beside what a reader has collected, as the points that the synchronous one would have made.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
)

Values = tuple[str | None, ...]  # of attributes, in the order of their names; None: it has none


class Sum:
    """A counter by the values of its attributes."""

    def __init__(self, attributes: Sequence[str]) -> None:
        self._attributes = attributes
        self._sums: dict[Values, float] = defaultdict(int)

    def add(self, value: float, *values: str | None) -> None:
        """Count so much more."""
        self._sums[values] += value

    def observe(self, options: CallbackOptions) -> Iterator[Observation]:
        """As it stands."""
        for values, value in list(self._sums.items()):  # a copy: the loop's thread goes on counting
            yield Observation(value, _named(self._attributes, values))


@dataclass(slots=True)
class _Cell:
    counts: list[int]
    sum: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")


@dataclass(slots=True)
class Spread:
    """A histogram by the values of its attributes. `bounds` are the upper ends of its buckets, each included."""

    name: str
    unit: str
    description: str
    bounds: Sequence[float]
    attributes: Sequence[str]
    _cells: dict[Values, _Cell] = field(default_factory=dict)
    _began_ns: int = field(default_factory=time.time_ns)

    def record(self, value: float, *values: str | None) -> None:
        """Count one more of this value."""
        cell = self._cells.get(values)
        if cell is None:
            cell = self._cells[values] = _Cell([0] * (len(self.bounds) + 1))
        cell.counts[bisect_left(self.bounds, value)] += 1
        cell.sum += value
        cell.least = min(cell.least, value)
        cell.most = max(cell.most, value)

    def metric(self) -> Metric | None:
        """As it stands; None as long as nothing was recorded, which OpenTelemetry leaves out, too."""
        now_ns = time.time_ns()
        points = [self._point(values, cell, now_ns) for values, cell in list(self._cells.items())]
        data = Histogram(data_points=points, aggregation_temporality=AggregationTemporality.CUMULATIVE)
        return Metric(name=self.name, description=self.description, unit=self.unit, data=data) if points else None

    def _point(self, values: Values, cell: _Cell, now_ns: int) -> HistogramDataPoint:
        counts = list(cell.counts)
        return HistogramDataPoint(
            attributes=_named(self.attributes, values),
            start_time_unix_nano=self._began_ns,
            time_unix_nano=now_ns,
            count=sum(counts),
            sum=cell.sum,
            bucket_counts=counts,
            explicit_bounds=self.bounds,
            min=cell.least,
            max=cell.most,
        )


class Sums:
    """All numbers of a market, for any number of readers."""

    def __init__(self) -> None:
        self._spreads: list[Spread] = []

    def count(self, meter: Meter, name: str, description: str, attributes: Sequence[str]) -> Sum:
        """A counter."""
        made = Sum(attributes)
        meter.create_observable_counter(name, [made.observe], description=description)
        return made

    def spread(
        self, name: str, unit: str, description: str, bounds: Sequence[float], attributes: Sequence[str]
    ) -> Spread:
        """A histogram."""
        self._spreads.append(made := Spread(name, unit, description, bounds, attributes))
        return made

    def beside(self, collected: MetricsData) -> MetricsData:
        """What a reader has collected, with the histograms."""
        if not (collected.resource_metrics and collected.resource_metrics[0].scope_metrics):
            return collected
        resource, scope = collected.resource_metrics[0], collected.resource_metrics[0].scope_metrics[0]
        scope = replace(scope, metrics=[*scope.metrics, *self._metrics()])
        resource = replace(resource, scope_metrics=[scope, *resource.scope_metrics[1:]])
        return MetricsData(resource_metrics=[resource, *collected.resource_metrics[1:]])

    def _metrics(self) -> Iterable[Metric]:
        return (found for one in self._spreads if (found := one.metric()) is not None)


def _named(names: Sequence[str], values: Values) -> dict[str, str]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}

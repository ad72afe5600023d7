"""Sums say what OpenTelemetry's own instruments would have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from atomic.observe import names
from atomic.observe.sums import Sums

_MEASURED = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.floats(min_value=0.0, max_value=100.0, allow_subnormal=False)), min_size=1
)


def _points(data: MetricsData | None, name: str) -> list[dict[str, Any]]:
    assert data is not None
    found = [one for one in data.resource_metrics[0].scope_metrics[0].metrics if one.name == name]
    points = [asdict(point) for one in found for point in one.data.data_points]
    for point in points:
        del point["start_time_unix_nano"], point["time_unix_nano"], point["exemplars"]
        point["explicit_bounds"] = list(point.get("explicit_bounds", ()))
        point["attributes"] = dict(point["attributes"])
        point["bucket_counts"] = list(point.get("bucket_counts", ()))
    return sorted(points, key=lambda one: str(one["attributes"]))


@given(measured=_MEASURED)
def test_points_are_those_of_opentelemetrys_synchronous_instruments(measured: Sequence[tuple[str, float]]) -> None:
    theirs, ours, sums = InMemoryMetricReader(), InMemoryMetricReader(), Sums()
    meter = MeterProvider([theirs], shutdown_on_exit=False).get_meter("theirs")
    counter = meter.create_counter("count")
    histogram = meter.create_histogram("spread", "s", "what", explicit_bucket_boundaries_advisory=names.SECONDS)
    our_meter = MeterProvider([ours], shutdown_on_exit=False).get_meter("ours")
    total = sums.count(our_meter, "count", "", ("who",))
    spread = sums.spread("spread", "s", "what", names.SECONDS, ("who", "more"))

    for who, value in [*measured, ("a", names.SECONDS[3])]:
        counter.add(value, {"who": who})
        histogram.record(value, {"who": who})
        total.add(value, who)
        spread.record(value, who, None)

    found, wanted = ours.get_metrics_data(), theirs.get_metrics_data()
    assert found is not None
    found = sums.beside(found)
    for name in ("count", "spread"):
        assert _points(found, name) == _points(wanted, name)


def test_what_was_never_recorded_is_left_out() -> None:
    reader, sums = InMemoryMetricReader(), Sums()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("ours")
    sums.count(meter, "count", "", ()).add(1)
    sums.spread("spread", "s", "what", names.SECONDS, ())

    found = reader.get_metrics_data()

    assert found is not None
    assert _points(sums.beside(found), "spread") == []

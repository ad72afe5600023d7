"""A collector of telemetry on loopback: it keeps what is posted; or takes connections and never says a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.serving import serving

from atomic.testing.loopback import on_loopback


class Collector:
    """What came, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.came: list[tuple[str, bytes]] = []
        self.app = Starlette(routes=[Route("/v1/{what}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.came.append((request.path_params["what"], await request.body()))
        return Response(b"", media_type="application/x-protobuf")

    @property
    def everything(self) -> bytes:
        return b"".join(body for _, body in self.came)

    def spans(self) -> list[Any]:
        return list(self._spans())

    def _spans(self) -> Iterator[Any]:
        for what, body in self.came:
            if what == "traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        yield from scope.spans

    def logs(self) -> list[Any]:
        return [
            record
            for what, body in self.came
            if what == "logs"
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for what, body in self.came
            if what == "metrics"
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    async with serving(collector.app) as collector.url:
        yield collector


@asynccontextmanager
async def black_hole() -> AsyncIterator[str]:
    """Takes connections and what is sent, and never answers."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                pass
        finally:
            writer.close()

    async with on_loopback(swallow) as port:
        yield f"http://127.0.0.1:{port}"


def attributes(one: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in one.attributes}

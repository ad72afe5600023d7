"""The application: every route of a worker, behind one front door."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from atomic.config import Config
from atomic.errors import AtomicError
from atomic.protocols import Bidder
from atomic.records.microtask import Microtask
from atomic.server.chat_api import chat_completions
from atomic.server.draining import told_to_stop
from atomic.server.entering import routes as entering
from atomic.server.front import Front
from atomic.server.listing_api import embeddings, model, models
from atomic.server.mcp import Mcp
from atomic.server.messages_api import messages
from atomic.server.metrics import metrics
from atomic.server.native.app import native_app
from atomic.server.pages import routes as pages
from atomic.server.responses_api import responses
from atomic.server.service import Service, running
from atomic.version import __version__

_COLLECT = 50_000, 20, 20  # objects, and collections of the younger before the elder are looked at


def make_app(
    config: Config,
    *,
    bidders: Sequence[Bidder] = (),
    tasks: Sequence[Microtask[..., Any]] = (),
    more: Sequence[BaseRoute] = (),
    signals: bool = False,
) -> Front:
    """The ASGI application of a configuration, with bidders and tasks of the program's own beside those that it names.

    `more` are routes that others add; `signals` says that the process is its own, which ends by SIGTERM and whose
    garbage is ours.
    """

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        try:
            async with running(config, bidders, tasks) as service:
                front.service = service
                if signals:
                    spare_the_collector()
                try:
                    with told_to_stop(service.draining) if signals else nullcontext():
                        yield
                finally:
                    service.draining.set()
                    front.service = None
        except AtomicError as error:
            structlog.get_logger().error("cannot be served", why=error.message, hint=error.hint)
            raise

    routes: list[BaseRoute] = [
        Route("/v1/chat/completions", Posted(chat_completions), methods=["POST"]),
        Route("/v1/responses", Posted(responses), methods=["POST"]),
        Route("/v1/messages", Posted(messages), methods=["POST"]),
        Route("/v1/embeddings", Posted(embeddings), methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/models/{model:path}", model),
        Route("/health", _health),
        Route("/ready", _ready),
        Route("/metrics", metrics),
        Route("/mcp", Mcp()),
        *more,
        *pages(),
        *entering(),
        Mount("/api/v1", native_app()),
    ]
    front = Front(Router(routes, lifespan=lifespan))
    return front


def spare_the_collector() -> None:
    """Have the garbage collector leave alone what is there from the start, and look at the rest less often.

    A request makes some thousand objects, nearly all of which are gone with it, without any collector.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


class Posted:
    """An endpoint as an application of its own: what it raises is the front's, without another door in between."""

    def __init__(self, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        response = await self._endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


async def _health(request: Request) -> Response:
    """The process runs."""
    return _json({"status": "ok", "version": __version__})


async def _ready(request: Request) -> Response:
    """It takes requests: 503 once it is told to stop."""
    service: Service = request.state.service
    if service.draining.is_set():
        return _json({"status": "draining"}, 503)
    return _json({"status": "ready", "under_way": service.gate.busy})


def _json(said: object, status: int = 200) -> Response:
    return Response(orjson.dumps(said), status, media_type="application/json")

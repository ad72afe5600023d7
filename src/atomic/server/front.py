"""The front door, before any route: who asks, whether there is a place, and errors in the shape of what was asked."""

from __future__ import annotations

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atomic.errors import AtomicError
from atomic.server import entering
from atomic.server.pages import is_page
from atomic.server.problems import Problem, places, shape_of, told
from atomic.server.service import Service

MOST_BYTES = 50_000_000  # of a request, images included
OPEN = frozenset({"/health", "/ready"})
# Streams without an end hold no place, nor does what says how full it is.
_NO_PLACE = frozenset({"/api/v1/events", "/api/v1/overview/live", "/metrics"})


class Front:
    """Wraps all routes. `scope["state"]` gets the `service` and the `principal`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.service: Service | None = None  # from start to stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        scope["app"] = self  # so that a router raises what it does not have, instead of answering in its own words
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
            return
        path, headers, service = scope["path"], Headers(scope=scope), self.service
        sending = _Sending(send, last=service is not None and service.draining.is_set())
        try:
            if service is None:
                raise Problem(503, "this server is starting or has stopped", retry_after=1.0)
            scope.setdefault("state", {})["service"] = service
            if path in OPEN or path in entering.OPEN or is_page(path):
                await self._app(scope, receive, sending)
                return
            scope["state"]["principal"] = await service.principal(headers, scope["method"])
            if path in _NO_PLACE:
                await self._app(scope, receive, sending)
                return
            with service.gate.place(headers.get("x-atomic-priority", "normal")):
                await self._app(scope, _Bounded(receive, headers), sending)
        except (AtomicError, HTTPException) as error:  # the latter: no such path, or not used so
            await self._refuse(error, scope, receive, sending)
        except Exception as error:  # a bug: told by its place, without what it quotes
            structlog.get_logger().error("crashed", path=path, error=type(error).__name__, at=places(error))
            await self._refuse(error, scope, receive, sending)

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, sending: _Sending) -> None:
        if sending.begun:  # cut off: whoever reads it sees no end, and takes it for no answer
            raise error
        headers = Headers(scope=scope)
        await told(error, shape_of(scope["path"], headers))(scope, receive, sending)


class _Sending:
    """`send`, which knows whether a response has begun; the `last` on a connection says so."""

    def __init__(self, send: Send, *, last: bool) -> None:
        self._send = send
        self._last = last
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if self._last and not self.begun and message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        self.begun = True
        await self._send(message)


class _Bounded:
    """`receive` of a body that is not too large. Raises Problem."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self._left = MOST_BYTES
        said = headers.get("content-length", "")
        if said.isdecimal() and int(said) > MOST_BYTES:
            raise _too_large()

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large()
        return message


def _too_large() -> Problem:
    return Problem(413, f"more than {MOST_BYTES // 1_000_000} MB", hint="send less, or a link")

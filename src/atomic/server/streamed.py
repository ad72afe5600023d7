"""A response that is written while it is made: its first word decides the status, and who goes away ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from atomic.errors import AtomicError
from atomic.server.problems import Problem, Shape, as_problem, response_of


class Streamed(Response):
    """Server-sent events. What goes wrong before the first of them is an ordinary error, later one `broken` says.

    When the client goes away `events` is closed: the purchase behind it is cancelled, and so the call on the wire.
    """

    def __init__(
        self,
        events: AsyncIterator[bytes],
        shape: Shape,
        broken: Callable[[Problem], bytes],
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(None, 200, {**headers, "cache-control": "no-store"}, "text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._shape: Shape = shape
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        sending = asyncio.ensure_future(self._send(scope, receive, send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not sending.done():
                sending.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        events = self._events
        try:
            async for event in events:
                if not begun:
                    begun = True
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": event, "more_body": True})
        except AtomicError as error:
            if not begun:
                await response_of(error, self._shape)(scope, receive, send)
                return
            await send({"type": "http.response.body", "body": self._broken(as_problem(error)), "more_body": True})
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # a generator in fact
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    """Until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass

"""A bare proxy on the same web framework and server: `python -m atomic.bench.gateway_bare URL`."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


def main(upstream: str) -> None:
    """Serve until a signal ends it."""
    sessions: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:
            sessions.append(session)
            yield

    async def passed_on(request: Request) -> Response:
        body = await request.body()
        headers = {"content-type": "application/json"}
        response = await sessions[0].post(f"{upstream}/chat/completions", data=body, headers=headers)
        if response.content_type == "text/event-stream":
            return StreamingResponse(response.content.iter_any(), media_type="text/event-stream")
        async with response:
            return Response(await response.read(), response.status, media_type="application/json")

    routes = [Route("/v1/chat/completions", passed_on, methods=["POST"])]
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"a bare proxy on http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    app = Starlette(routes=routes, lifespan=lifespan)
    config = uvicorn.Config(app, log_config=None, log_level=logging.WARNING, access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])

"""The reference bidder as a real process, and a bidder on loopback that plays what it is told, well or badly."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.serving import serving, until_there

from atomic.bidders.remote import RemoteBidder, RemoteOptions
from atomic.bidders.remote_messages import PROTOCOL
from atomic.bidders.signatures import Key, Signatures

REFERENCE = Path(__file__).parents[2] / "examples" / "bidder" / "bidder.py"
MARKET, BIDDER = Key(bytes(range(32))), Key(bytes(range(1, 33)))


@asynccontextmanager
async def reference_bidder() -> AsyncIterator[str]:
    """Its URL, while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "BIDDER_KEY": base64.b64encode(bytes(range(1, 33))).decode(),
        "MARKET_PUBLIC": MARKET.public,
        "PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, str(REFERENCE), env=environment)
    try:
        await until_there(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@dataclass
class Service:
    """A bidder whose every step is a function of the message; it keeps what it was told."""

    price: int = 1_000
    claim: float | None = 0.9
    answer: Any = "spam"
    url: str = ""
    steps: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    signs: Key = BIDDER

    def told(self, step: str) -> list[dict[str, Any]]:
        return [message for name, message in self.heard if name == step]

    def said(self, step: str, message: dict[str, Any]) -> Any:
        if step in self.steps:
            return self.steps[step](message)
        if step == "bid":
            claim = {} if self.claim is None else {"claim": self.claim}
            return {"bid": {"id": f"b-{message['id']}", "price": self.price, **claim}}
        return {"answer": self.answer} if step == "award" else {}

    async def handle(self, request: Request) -> Response:
        body, step = await request.body(), request.path_params["step"]
        if flaw := self.checks.flaw(request, body):
            return JSONResponse({"title": flaw}, 401)
        message = orjson.loads(body)
        self.heard.append((step, message))
        await asyncio.sleep(self.seconds.get(step, 0.0))
        said = self.said(step, message)
        if isinstance(said, Response):
            return said
        response = JSONResponse({"protocol": PROTOCOL, "id": message["id"], **said})
        response.request = request  # type: ignore[attr-defined]
        self.signs.sign(response, bytes(response.body))
        return response

    def __post_init__(self) -> None:
        self.checks = Signatures(MARKET.public, once=True)
        self.app = Starlette(routes=[Route("/{step:str}", self.handle, methods=["POST"])])


@asynccontextmanager
async def playing(service: Service) -> AsyncIterator[Service]:
    async with serving(service.app) as url:
        service.url = url
        yield service


def remote(
    service: Service, *, name: str = "far", most: int = 2_000_000, bid_seconds: float = 2.0, **options: Any
) -> RemoteBidder:
    return RemoteBidder(
        name,
        RemoteOptions(
            url=service.url, key=lambda: MARKET, public_key=BIDDER.public, most=most, bid_seconds=bid_seconds, **options
        ),
    )

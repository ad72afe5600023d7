"""A webhook's receiver on loopback that keeps what it gets, well or with any failure. Standard library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from atomic.testing.loopback import on_loopback

WebhookStage = Literal["asked", "taken", "answered"]
WebhookHook = Callable[[WebhookStage], Awaitable[None]]
WebhookPlay = Literal["cut before", "cut after", "stall before", "stall after"]
_WORDS = {200: "OK", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Told:
    """A request that the sink acted upon: header names are in lower case."""

    key: str
    headers: dict[str, str]
    content: bytes


class WebhookSink:
    """Keeps in `received` each POST that it acted upon; a GET of `/keys/KEY` says 200 where it knows the key, else 404.

    `play` is what it does instead: an HTTP status (it did not act), or it cuts the connection or stalls, before it
    acted or after. `hook` is awaited with a request read ("asked"), acted upon ("taken"), and answered.
    """

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Told] = []
        self.play: int | WebhookPlay | None = None
        self.hook: WebhookHook | None = None
        self.requests = 0
        self.open = 0  # connections now
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        """Where to POST."""
        return f"http://127.0.0.1:{self.port}/told"

    @property
    def ask(self) -> str:
        """Where to ask for a key."""
        return f"http://127.0.0.1:{self.port}/keys/{{key}}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        self.open += 1
        try:
            line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            content = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = line.split()
            if method == "GET":
                known = path.rpartition("/")[2] in {one.key for one in self.received}
                await _answer(writer, 200 if known else 404)
            else:
                await self._told(writer, Told(headers.get("idempotency-key", ""), headers, content))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone: that is what is played here
        finally:
            self.open -= 1
            writer.close()

    async def _told(self, writer: asyncio.StreamWriter, told: Told) -> None:
        self.requests += 1
        await self._at("asked")
        if self.play == "stall before":
            await self._closing.wait()
        if self.play in {"cut before", "stall before"}:
            return writer.transport.abort()
        if isinstance(self.play, int):
            return await _answer(writer, self.play)
        self.received.append(told)
        await self._at("taken")
        if self.play == "stall after":
            await self._closing.wait()
        if self.play in {"cut after", "stall after"}:
            return writer.transport.abort()
        await _answer(writer, 200)
        return await self._at("answered")

    async def _at(self, stage: WebhookStage) -> None:
        if self.hook is not None:
            await self.hook(stage)

    def close(self) -> None:
        """Let go of what stalls."""
        self._closing.set()


async def _answer(writer: asyncio.StreamWriter, code: int) -> None:
    words = f"HTTP/1.1 {code} {_WORDS.get(code, 'Said')}"
    writer.write(f"{words}\r\ncontent-length: 0\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\n".encode())
    await writer.drain()


@asynccontextmanager
async def webhook_sink() -> AsyncIterator[WebhookSink]:
    """A running sink on a free port."""
    sink = WebhookSink()
    async with on_loopback(sink.serve) as port:
        sink.port = port
        try:
            yield sink
        finally:
            sink.close()

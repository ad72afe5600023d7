"""A real HTTP server on loopback that plays what it is told, well or badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from atomic.testing.loopback import on_loopback

USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}}


def completion(content: Any = "sport", *, ended: Any = "stop", usage: Any = USAGE, **choice: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    said = {"choices": [{"index": 0, "message": message, "finish_reason": ended, **choice}], "usage": usage}
    return json.dumps(said).encode()


@dataclass(frozen=True, kw_only=True)
class Played:
    """One response. `stalls` sends the head and then nothing; `drops` closes in the middle of the body."""

    status: int = 200
    body: bytes = completion()
    headers: dict[str, str] = field(default_factory=dict)
    stalls: bool = False
    drops: bool = False


class Endpoint:
    """Plays one response for every request, or one of its own to a last message; keeps what was asked."""

    def __init__(self) -> None:
        self.played = Played()
        self.to: dict[str, Played] = {}
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.gone = asyncio.Event()  # a client closed its connection on us

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await self._head(reader):
                lines = head.decode("latin-1").split("\r\n")[1:]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}
                self.headers.append(headers)
                self.asked.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
                if not await self._play(reader, writer):
                    break
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        said = self.asked[-1].get("messages") or [{}]
        played = self.to.get(str(said[-1].get("content")), self.played)
        headers = {"content-type": "application/json", "content-length": str(len(played.body)), **played.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {played.status} Played\r\n{head}\r\n".encode())
        if played.stalls:
            await writer.drain()
            await reader.read(1)  # nothing more is sent: this ends when the client goes away
            self.gone.set()
            return False
        writer.write(played.body[: len(played.body) // 2] if played.drops else played.body)
        await writer.drain()
        return not played.drops


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    """A running endpoint."""
    plays = Endpoint()
    async with on_loopback(plays.serve) as port:
        plays.url = f"http://127.0.0.1:{port}/v1"
        yield plays

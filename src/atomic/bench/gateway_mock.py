"""A mock of a hosted model on a free port of loopback, as bare as it can be: `python -m atomic.bench.gateway_mock`."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import orjson

WORDS = 20
PAUSE_SECONDS = 0.005
_USAGE = {"prompt_tokens": 20, "completion_tokens": WORDS, "total_tokens": 20 + WORDS}
_TEXT = "It is warm. " * 5
_MESSAGE = {"role": "assistant", "content": _TEXT}
_CHOICE = {"index": 0, "message": _MESSAGE, "finish_reason": "stop"}
_WHOLE = orjson.dumps(
    {"id": "1", "object": "chat.completion", "created": 1, "model": "mock", "choices": [_CHOICE], "usage": _USAGE}
)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_WHOLE)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Mock(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self) -> None:
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._read) < end + 4 + length:
                return
            body, self._read = self._read[end + 4 : end + 4 + length], self._read[end + 4 + length :]
            if b'"stream":true' in body.replace(b" ", b""):
                asyncio.ensure_future(self._stream())  # noqa: RUF006 - it ends by itself
            elif self._transport is not None:
                self._transport.write(_HEAD + _WHOLE)

    async def _stream(self) -> None:
        assert self._transport is not None
        self._transport.write(_STREAM_HEAD + _chunk({"role": "assistant", "content": "It "}))
        for _ in range(WORDS - 1):
            await asyncio.sleep(PAUSE_SECONDS)
            self._transport.write(_chunk({"content": "is "}))
        self._transport.write(_chunk({}, "stop") + _event({"choices": [], "usage": _USAGE}))
        self._transport.write(_framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    return _event({"model": "mock", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _event(said: dict[str, object]) -> bytes:
    return _framed(b"data: " + orjson.dumps(said) + b"\n\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", 0)
    sys.stdout.write(f"a mock on http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve())

"""A model server on loopback for tests: five dialects, streamed or not, well or with any failure. Standard library."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from atomic.testing.loopback import on_loopback
from atomic.testing.model_plays import PLAYS, Play
from atomic.testing.model_voices import Event, Tokens, Voice
from atomic.testing.model_voices_more import VOICES

_PIECES = 4  # of a streamed text, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def voice(self) -> Voice | None:
        """The dialect that its path asks for."""
        path = self.path.partition("?")[0]
        return next((voice for end, voice in VOICES.items() if path.endswith(end)), None)

    @property
    def model(self) -> str:
        """The model that it names, in its body or in its path."""
        named = re.search(r"/models/([^/:]+):", self.path)
        return named[1] if named else str(self.body.get("model"))

    @property
    def streams(self) -> bool:
        """Whether it asks for a stream."""
        return bool(self.body.get("stream")) or ":streamGenerateContent" in self.path

    @property
    def size(self) -> int:
        """Bytes of all texts of the prompt."""
        return sum(len(text.encode()) for text in self._texts)

    @property
    def messages(self) -> int:
        """How many texts the prompt has."""
        return len(self._texts)

    @property
    def limit(self) -> int:
        """The most tokens of the completion."""
        return self.voice.limit(self.body) if self.voice is not None else 0

    @property
    def _texts(self) -> list[str]:
        return [text for text in self.voice.texts(self.body) if text] if self.voice is not None else []


class ModelServer:
    """Plays what the request's model names, or its header `x-play`, out of `PLAYS`; another model is played whole.

    `answer` is what whole answers say. `key`, unless empty, is asked of every request. `asked` holds the requests, and
    `gone` is set when a client closed a connection that a stalled reply was waiting on.
    """

    def __init__(self, *, answer: str = "yes", key: str = "") -> None:
        self.answer = answer
        self.key = key
        self.play: Play | None = None  # for every request, whatever it names
        self.url = ""
        self.asked: list[Asked] = []
        self.connections = 0
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while asked := await _request(reader):
                self.asked.append(asked)
                if asked.voice is None:
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                elif not await _Reply(self, asked, asked.voice, reader, writer).send():
                    break
        except ConnectionError:
            self.gone.set()
        finally:
            writer.close()

    def chosen(self, asked: Asked, voice: Voice) -> Play:
        """What is played for a request."""
        if self.key and asked.headers.get(voice.key_header, "").removeprefix("Bearer ") != self.key:
            return PLAYS["wrong-key"]
        if self.play is not None:
            return self.play
        return PLAYS.get(asked.headers.get("x-play") or asked.model, PLAYS["whole"])


@asynccontextmanager
async def model_server(*, answer: str = "yes", key: str = "") -> AsyncIterator[ModelServer]:
    """A running server; its `url` goes up to and with `/v1`.

    >>> async def main() -> None:
    ...     async with model_server() as server:
    ...         print(server.url.startswith("http://127.0.0.1:"), server.url.endswith("/v1"))
    >>> asyncio.run(main())
    True True
    """
    plays = ModelServer(answer=answer, key=key)
    async with on_loopback(plays.serve) as port:
        plays.url = f"http://127.0.0.1:{port}/v1"
        yield plays


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Asked(path=head[0].split(" ")[1], headers=headers, body=body)


class _Reply:
    """One reply on the wire."""

    def __init__(
        self,
        server: ModelServer,
        asked: Asked,
        voice: Voice,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._asked = asked
        self._server = server
        self._voice = voice
        self._reader = reader
        self._writer = writer
        self._play = server.chosen(asked, voice)
        self._text = server.answer if self._play.text is None else self._play.text

    async def send(self) -> bool:
        """Reply; whether the connection can be used again."""
        if self._play.breaks == "hung up":
            return False
        if self._play.body is not None:
            return await self._send_whole(self._play.body)
        if self._asked.streams:
            return await self._send_stream()
        whole = json.dumps(self._voice.whole(self._play, self._text, self._tokens()), ensure_ascii=False).encode()
        instead = {
            "error": self._voice.error()[1].encode(),
            "malformed": whole[: len(whole) // 2],
            "not UTF-8": whole.replace(self._text.encode(), b"\xff\xfe"),
            "endless": whole + b" " * 5_000_000,
        }
        return await self._send_whole(instead.get(self._play.breaks, whole))

    async def _send_whole(self, body: bytes) -> bool:
        length = {} if self._play.status == 204 else {"content-length": str(len(body))}
        self._head({"content-type": "application/json", **length})
        if self._play.breaks in ("cut", "stalled"):
            await self._write(body[: len(body) // 2])
            return await self._stall() if self._play.breaks == "stalled" else False
        await self._write(body)
        return True

    async def _send_stream(self) -> bool:
        breaks, step = self._play.breaks, -(-len(self._text) // _PIECES) or 1
        pieces = [self._text[begin : begin + step] for begin in range(0, len(self._text), step)]
        begun, ended = self._voice.events(self._play, pieces, self._tokens())
        kind = "application/x-ndjson" if self._voice.lines else "text/event-stream"
        self._head({"content-type": kind, "transfer-encoding": "chunked"})
        for event in begun:
            await self._chunk(self._said(event))
        if breaks == "cut":
            await self._write(b"400\r\ndata: {")  # 1,024 bytes are promised
            return False
        if breaks == "stalled":
            return await self._stall()
        if breaks == "error":
            await self._chunk(self._said(self._voice.error()))
        elif breaks == "malformed":
            await self._chunk(self._begins + b'{"choices": [\n\n')
        elif breaks == "not UTF-8":
            await self._chunk(self._begins + b'"\xff\xfe"\n\n')
        elif breaks == "endless":
            await self._chunk(self._begins + b" " * 5_000_000 + b"\n\n")
        for event in ended:
            await self._chunk(self._said(event))
        if breaks == "cut late":
            await self._write(b"400\r\ndata: {")
            return False
        await self._write(b"0\r\n\r\n")
        return True

    async def _chunk(self, data: bytes) -> None:
        if self._play.pause:
            await asyncio.sleep(self._play.pause)
        if self._play.bytewise:
            data = data.replace(b"\n", b"\r\n")  # which the standard allows
        if self._play.pings and not self._voice.lines:
            data = b": still here\n\n" + _lines(("ping", '{"type": "ping"}')) + data
        for part in (bytes([one]) for one in data) if self._play.bytewise else (data,):
            await self._write(b"%x\r\n%s\r\n" % (len(part), part))
            if self._play.bytewise:
                await asyncio.sleep(0)

    def _head(self, headers: dict[str, str]) -> None:
        said = {**headers, **(self._play.headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self._writer.write(f"HTTP/1.1 {self._play.status} Played\r\n{lines}\r\n".encode())

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def _stall(self) -> bool:
        await self._reader.read(1)  # nothing more is sent: this ends when the client goes away
        self._server.gone.set()
        return False

    @property
    def _begins(self) -> bytes:
        return b"" if self._voice.lines else b"data: "

    def _said(self, event: Event) -> bytes:
        return event[1].encode() + b"\n" if self._voice.lines else _lines(event)

    def _tokens(self) -> Tokens | None:
        asked, kind = self._asked, self._play.usage
        prompt, completion = 4 + asked.size // 4, 1 + len(self._text) // 4
        if kind == "dense":
            return Tokens(prompt=asked.size + 8 * asked.messages, completion=asked.limit)
        if kind == "cached":
            return Tokens(
                prompt=prompt, completion=completion + 4, cached=prompt // 2, written=prompt // 4, reasoning=4
            )
        return Tokens(prompt=prompt, completion=completion) if kind else None


def _lines(event: Event) -> bytes:
    name, data = event
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()

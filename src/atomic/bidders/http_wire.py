"""The one transport of hosted models: a POST, its reply in one piece or as events, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

import aiohttp
import orjson

from atomic.bidders.http_dialect import Dialect
from atomic.bidders.http_reply import Said, reason_of_status
from atomic.bidders.http_rest import wait_of
from atomic.records.bid import Reason

LARGEST_REPLY = 4_000_000  # bytes; beyond that it is not an answer to a microtask
CONNECT_SECONDS = 10.0
_IDLE_SECONDS, _IDLE_TLS_SECONDS = 3.0, 15.0  # then it is not used again: many local servers close after five
_LAST_SECONDS = 0.25  # that a stream has to end in after its last word, so that its connection can be used again
_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class _UnreadableError(Exception):
    """What came cannot be read any further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A request as data. `stream` says that events were asked for."""

    url: str
    headers: Mapping[str, str]
    content: bytes
    stream: bool


class Wire:
    """Connections to one endpoint: at most `concurrency`. `stall_seconds` is how long a stream may say nothing.

    A connection is used again, after a stream only where it `keeps` it, until one breaks before its reply begins: then
    each call has one of its own. One that was idle for long is not used again. It belongs to the event loop that it
    is made in.
    """

    def __init__(self, *, concurrency: int, stall_seconds: float, keeps: bool) -> None:
        self._stall_seconds = stall_seconds
        self._keeps, self._broke = keeps, False
        self._once = _client(aiohttp.TCPConnector(limit=concurrency, force_close=True))
        idle = _IDLE_TLS_SECONDS if keeps else _IDLE_SECONDS
        self._kept = _client(aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=idle))

    async def ask(self, dialect: Dialect, post: Post, said: Said) -> None:
        """Post it and read what comes into `said`, as far as it comes. Never raises for what the other side does.

        Cancelling closes the connection. A reply in one piece is bounded by the caller's deadline alone.
        """
        stall = self._stall_seconds if post.stream else None
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=stall)
        events = _LINES if dialect.lines else _EVENTS
        headers = {"content-type": "application/json", "accept": events if post.stream else "application/json"}
        headers |= post.headers
        client = self._once if self._broke or (post.stream and not self._keeps) else self._kept
        try:
            async with client.post(
                post.url, data=post.content, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                said.status = response.status
                said.wait = wait_of(response.headers, time.time())
                await self._read(dialect, post, response, said)
        except _UnreadableError as error:
            said.fail(Reason.FAILED, str(error))
        except aiohttp.ServerTimeoutError as error:
            said.billable = said.billable and not isinstance(error, _NEVER_SENT)
            stalled = isinstance(error, aiohttp.SocketTimeoutError)
            detail = f"nothing came for {self._stall_seconds:g} s" if stalled else type(error).__name__
            said.lose(Reason.TIMED_OUT, detail)
        except (aiohttp.ClientError, ConnectionError, ValueError) as error:  # a header or a URL that cannot be
            said.billable = said.billable and not isinstance(error, _NEVER_SENT)
            # Perhaps it was closed behind our back; what was sent is not sent again.
            self._broke |= said.billable and not said.status
            said.lose(Reason.FAILED, type(error).__name__)

    async def _read(self, dialect: Dialect, post: Post, response: aiohttp.ClientResponse, said: Said) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status != 200:
            reason, detail = reason_of_status(response.status, await _words(response))
            # A gateway that gave up or a filter of prompts may have been preceded by work that is billed.
            said.billable = reason in (Reason.TIMED_OUT, Reason.REFUSED)
            said.fail(reason, detail)
        elif post.stream:
            if kind != (_LINES if dialect.lines else _EVENTS):
                said.fail(Reason.FAILED, "content type is not that of a stream")
            else:
                await (_lines if dialect.lines else _events)(dialect, response, said)
        elif kind != "application/json":
            said.fail(Reason.FAILED, "content type is not that of JSON")
        else:
            dialect.whole(said, _table(await _body(response)))

    async def close(self) -> None:
        """Close the connections."""
        await self._kept.close()
        await self._once.close()


def _client(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """A key is sent where it was meant to go: no cookies, no proxies of the environment, no redirects."""
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """A response's bytes, as long as they are not too many and are UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > LARGEST_REPLY:
            raise _UnreadableError(f"more than {LARGEST_REPLY} bytes")
        begun = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            yield chunk[: max(0, error.start - begun)]
            raise _UnreadableError("not UTF-8") from None
        yield chunk


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_REPLY:
            raise _UnreadableError(f"more than {LARGEST_REPLY} bytes")
    return bytes(body)


async def _words(response: aiohttp.ClientResponse) -> bytes:
    """What a refusal says, if it comes soon: the status alone is the reason."""
    with suppress(TimeoutError, aiohttp.ClientError, _UnreadableError):
        async with asyncio.timeout(_LAST_SECONDS):
            return await _body(response)
    return b""


class _Parser:
    """Server-sent events (WHATWG HTML, 9.2.6) out of chunks that end anywhere: names and data."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """The events that this chunk ends."""
        text = self._rest + chunk
        held = b"\r" if text.endswith(b"\r") else b""  # perhaps the first half of a line's end
        *lines, rest = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + held
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: bytes) -> tuple[bytes, bytes] | None:
        if not line:
            name, data = self._name, b"\n".join(self._data)
            self._name, self._data = b"", []
            return (name, data) if name or data else None
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ")
        return None


async def _events(dialect: Dialect, response: aiohttp.ClientResponse, said: Said) -> None:
    parser, last_word = _Parser(), (dialect.last_word or "").encode()
    async with aclosing(_chunks(response)) as chunks:  # type: ignore[type-var]  # a generator in fact
        async for chunk in chunks:
            for name, data in parser.feed(chunk):
                if last_word and data == last_word:
                    said.closed = True
                elif data:
                    dialect.event(said, _table(data))
                if name == b"error":
                    said.fail(Reason.FAILED, "an error in place of an answer")
                if said.fault is not None or said.closed:
                    break
            if said.fault is not None or said.closed:
                break
        if said.closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    async for _ in chunks:
                        pass


async def _lines(dialect: Dialect, response: aiohttp.ClientResponse, said: Said) -> None:
    rest = b""
    async with aclosing(_chunks(response)) as chunks:  # type: ignore[type-var]  # a generator in fact
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip() and said.fault is None and not said.closed:
                    dialect.event(said, _table(line))
            if said.fault is not None or said.closed:
                return
    if rest.strip():
        dialect.event(said, _table(rest))


def _table(text: str | bytes) -> dict[str, object]:
    try:
        found = orjson.loads(text)
    except ValueError:
        raise _UnreadableError("not JSON") from None
    if not isinstance(found, dict):
        raise _UnreadableError("not an object of JSON")
    return found

"""The one transport of hosted models: a POST, its reply in one piece or as events, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

import httpx
import orjson
from httpx_sse import EventSource

from atomic.bidders.http_dialect import Dialect
from atomic.bidders.http_reply import Said, reason_of_status
from atomic.bidders.http_rest import wait_of
from atomic.records.bid import Reason

LARGEST_REPLY = 4_000_000  # bytes; beyond that it is not an answer to a microtask
CONNECT_SECONDS = 10.0
_LAST_SECONDS = 0.25  # that a stream has to end in after its last word, so that its connection can be used again
_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


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

    `keeps` uses a connection again, until one breaks before its reply begins: then each call has one of its own.
    """

    def __init__(self, *, concurrency: int, stall_seconds: float, keeps: bool) -> None:
        self._stall_seconds = stall_seconds
        self._keeps = keeps
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=concurrency),
            follow_redirects=False,  # a key is not carried elsewhere
        )

    async def ask(self, dialect: Dialect, post: Post, said: Said) -> None:
        """Post it and read what comes into `said`, as far as it comes. Never raises for what the other side does.

        Cancelling closes the connection. A reply in one piece is bounded by the caller's deadline alone.
        """
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS, read=self._stall_seconds if post.stream else None)
        events = _LINES if dialect.lines else _EVENTS
        headers = {"content-type": "application/json", "accept": events if post.stream else "application/json"}
        headers |= post.headers
        if not self._keeps:
            headers["connection"] = "close"
        try:
            async with self._client.stream(
                "POST", post.url, content=post.content, headers=headers, timeout=timeout
            ) as response:
                said.status = response.status_code
                said.wait = wait_of(response.headers, time.time())
                await self._read(dialect, post, response, said)
        except _UnreadableError as error:
            said.fail(Reason.FAILED, str(error))
        except httpx.TimeoutException as error:
            said.billable = said.billable and not isinstance(error, _NEVER_SENT)
            stalled = isinstance(error, httpx.ReadTimeout)
            detail = f"nothing came for {self._stall_seconds:g} s" if stalled else type(error).__name__
            said.lose(Reason.TIMED_OUT, detail)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said.billable = said.billable and not isinstance(error, _NEVER_SENT)
            if said.billable and not said.status:
                self._keeps = False  # perhaps it was closed behind our back; what was sent is not sent again
            said.lose(Reason.FAILED, type(error).__name__)

    async def _read(self, dialect: Dialect, post: Post, response: httpx.Response, said: Said) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code != 200:
            reason, detail = reason_of_status(response.status_code, await _words(response))
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
        await self._client.aclose()


class _Checked(httpx.AsyncByteStream):
    """A response's bytes, as long as they are not too many and are UTF-8: httpx would replace what is not."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        size = 0
        async with aclosing(self._response.aiter_bytes()) as chunks:  # type: ignore[type-var]  # a generator in fact
            async for chunk in chunks:
                size += len(chunk)
                if size > LARGEST_REPLY:
                    raise _UnreadableError(f"more than {LARGEST_REPLY} bytes")
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    raise _UnreadableError("not UTF-8") from None
                yield chunk


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_REPLY:
            raise _UnreadableError(f"more than {LARGEST_REPLY} bytes")
    return bytes(body)


async def _words(response: httpx.Response) -> bytes:
    """What a refusal says, if it comes soon: the status alone is the reason."""
    with suppress(TimeoutError, httpx.HTTPError, _UnreadableError):
        async with asyncio.timeout(_LAST_SECONDS):
            return await _body(response)
    return b""


async def _events(dialect: Dialect, response: httpx.Response, said: Said) -> None:
    checked = httpx.Response(200, headers={"content-type": _EVENTS}, stream=_Checked(response))
    async with aclosing(EventSource(checked).aiter_sse()) as events:
        async for event in events:
            if event.data == dialect.last_word:
                said.closed = True
            elif event.data:
                dialect.event(said, _table(event.data))
            if event.event == "error":
                said.fail(Reason.FAILED, "an error in place of an answer")
            if said.fault is not None or said.closed:
                break
        if said.closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    async for _ in events:
                        pass


async def _lines(dialect: Dialect, response: httpx.Response, said: Said) -> None:
    rest = b""
    async with aclosing(_Checked(response).__aiter__()) as chunks:  # type: ignore[type-var]  # a generator in fact
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip() and said.fault is None and not said.closed:
                    dialect.event(said, _table(line))
            if said.fault is not None:
                return
    if rest.strip() and not said.closed:
        dialect.event(said, _table(rest))


def _table(text: str | bytes) -> dict[str, object]:
    try:
        found = orjson.loads(text)
    except ValueError:
        raise _UnreadableError("not JSON") from None
    if not isinstance(found, dict):
        raise _UnreadableError("not an object of JSON")
    return found

"""The wire to a remote bidder: one signed POST and its signed reply, over HTTP/2 where both sides have it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson

from atomic.bidders.http_rest import wait_of
from atomic.bidders.remote_messages import PROTOCOL
from atomic.bidders.signatures import Key, Signatures
from atomic.records.bid import Reason

LARGEST_REPLY = 1_000_000  # bytes
CONNECT_SECONDS = 5.0
_STATUS = {
    401: Reason.NOT_CONFIGURED, 403: Reason.NOT_CONFIGURED, 404: Reason.NOT_CONFIGURED,
    408: Reason.TIMED_OUT, 413: Reason.INPUT_TOO_LONG, 429: Reason.NO_CAPACITY, 503: Reason.NO_CAPACITY,
    504: Reason.TIMED_OUT,
}  # fmt: skip


class Unanswered(Exception):
    """Nothing came that counts. `wait` is how many seconds the other side asked to wait, None when it did not."""

    def __init__(self, reason: Reason, detail: str, wait: float | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.wait = reason, detail, wait


class RemoteWire:
    """Connections to one remote bidder. `key` gives the market's signing key and `public` is the bidder's own."""

    def __init__(self, url: str, *, key: Callable[[], Key], public: str, concurrency: int) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._signatures = Signatures(public)
        self._client = httpx.AsyncClient(
            http2=True,
            limits=httpx.Limits(max_connections=2 * concurrency + 2),
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            follow_redirects=False,
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )

    async def post(self, path: str, message: Mapping[str, Any], seconds: float) -> bytes:
        """Post a message and return the reply's body. Raises Unanswered, OperatorError where there is no key."""
        body = orjson.dumps({"protocol": PROTOCOL, **message})
        request = self._client.build_request(
            "POST", f"{self._url}/{path}", content=body, headers={"content-type": "application/json"}
        )
        self._key().sign(request, body)
        try:
            async with asyncio.timeout(seconds):
                return await self._sent(request)
        except (TimeoutError, httpx.TimeoutException):
            raise Unanswered(Reason.TIMED_OUT, f"nothing within {1000 * seconds:.0f} ms") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unanswered(Reason.FAILED, type(error).__name__) from None

    async def _sent(self, request: httpx.Request) -> bytes:
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code != 200:
                reason = _STATUS.get(response.status_code, Reason.FAILED)
                raise Unanswered(reason, f"status {response.status_code}", wait_of(response.headers, time.time()))
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > LARGEST_REPLY:
                    raise Unanswered(Reason.FAILED, f"more than {LARGEST_REPLY} bytes")
        finally:
            await response.aclose()
        if flaw := self._signatures.flaw(response, bytes(body)):
            raise Unanswered(Reason.FAILED, f"signature: {flaw}")
        return bytes(body)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

"""Telling a webhook, and asking its receiver what it has.

A receiver that says no in so many words has not acted: 429 and 503 may be tried again, other 4xx are given up. Any
other failure once the request was on its way leaves open what came of it.
"""

from __future__ import annotations

from types import ModuleType

from atomic.errors import MissingExtra
from atomic.inbox.outside_settings import KEY_MARK, WebhookSettings
from atomic.inbox.sending import Ended

_LATER = {408, 425, 429, 503}  # not acted upon, by their definition
_TAKES = 409  # it has a request of this key already


def tell(settings: WebhookSettings, token: str, *, key: str, content: bytes) -> Ended:
    """POST some JSON under an Idempotency-Key. Blocks; never raises for what a receiver or a network does.

    Raises MissingExtra without the HTTP library.
    """
    httpx = _httpx()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **_bearer(token)}
    try:
        # A redirect is not followed: a token is not carried elsewhere. The answer's body is not read: no use for it.
        with (
            httpx.Client(timeout=settings.timeout, follow_redirects=False) as client,
            client.stream("POST", settings.url, content=content, headers=headers) as response,
        ):
            code = response.status_code
    except (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.UnsupportedProtocol,
        httpx.ProxyError,
        UnicodeError,
    ) as error:
        return Ended("failed", type(error).__name__)
    except httpx.HTTPError as error:
        return Ended("uncertain", f"no word from the receiver: {type(error).__name__}")
    if 200 <= code <= 299:
        return Ended("done", str(code))
    if code in _LATER:
        return Ended("failed", str(code))
    if code >= 500 or code == _TAKES:
        return Ended("uncertain", f"the receiver says {code}, which leaves open what it did")
    return Ended("given_up", str(code))


def has_it(settings: WebhookSettings, token: str, *, key: str) -> bool:
    """Whether the receiver says that it has what was sent under a key; False also where it cannot be asked."""
    if settings.ask is None:
        return False
    httpx = _httpx()
    try:
        with (
            httpx.Client(timeout=settings.timeout, follow_redirects=False) as client,
            client.stream("GET", settings.ask.replace(KEY_MARK, key), headers=_bearer(token)) as response,
        ):
            code: int = response.status_code
    except (httpx.HTTPError, UnicodeError):
        return False
    return code == 200


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _httpx() -> ModuleType:
    try:
        import httpx
    except ModuleNotFoundError:
        raise MissingExtra("httpx is not installed", hint="pip install 'atomic-market[http]'") from None
    return httpx

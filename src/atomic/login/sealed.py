"""Small facts that a browser keeps for us and cannot change: sessions, and logins that are under way."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson

_MAC = 32  # bytes
_MOST = 4_096  # characters of a cookie


def sealed(secret: bytes, purpose: str, facts: dict[str, Any], *, until_ns: int) -> str:
    """Facts as a text for a cookie, good until then (calendar time); HMAC-SHA-256 under a key made for the purpose.

    Whoever holds it can read the facts. Raises ValueError when they are too many for a cookie.

    >>> text = sealed(b"k" * 32, "session", {"name": "ann"}, until_ns=10)
    >>> opened(b"k" * 32, "session", text, now_ns=9), opened(b"k" * 32, "session", text, now_ns=10)
    ({'name': 'ann'}, None)
    >>> print(opened(b"k" * 32, "login", text, now_ns=9))
    None
    """
    content = orjson.dumps({"until_ns": until_ns, "facts": facts})
    text = base64.urlsafe_b64encode(_mac(secret, purpose, content) + content).decode().rstrip("=")
    if len(text) > _MOST:
        raise ValueError(f"{len(text)} characters do not fit into a cookie")
    return text


def opened(secret: bytes, purpose: str, text: str, *, now_ns: int) -> dict[str, Any] | None:
    """What was sealed for this purpose; None when it was changed, is over, or was never ours."""
    if len(text) > _MOST or not text.isascii():
        return None
    try:
        whole = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    mac, content = whole[:_MAC], whole[_MAC:]
    if not hmac.compare_digest(mac, _mac(secret, purpose, content)):
        return None
    found = orjson.loads(content)
    facts: dict[str, Any] = found["facts"]
    return facts if now_ns < found["until_ns"] else None


def _mac(secret: bytes, purpose: str, content: bytes) -> bytes:
    key = hmac.digest(secret, b"cookie/" + purpose.encode(), hashlib.sha256)
    return hmac.digest(key, content, hashlib.sha256)

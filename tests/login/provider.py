"""A stand-in for an identity provider: discovery, keys, codes and tokens over HTTP on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey


class IdentityProvider:
    """`claims` is what its tokens say of whoever logs in; `new_key()` rolls its key over."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"email": "ann@example.org", "email_verified": True, "roles": ["operator"]}
        self.client_id, self.client_secret = "atomic", "hush"
        self.issuer = ""
        self.fetched: list[str] = []
        self.down = False
        self._codes: dict[str, dict[str, str]] = {}
        self.new_key()

    def new_key(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": str(time.monotonic_ns()), "use": "sig"})

    def token(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "sub": "u1", "iat": now, "exp": now + 300}
        claims |= self.claims | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, kept, self.key)

    def authorize(self, url: str) -> dict[str, str]:
        """What a browser brings back after its user logged in at this address."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return {"code": code, "state": query["state"]}

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or form.get("client_secret") != self.client_secret:
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return None
        return {"id_token": self.token(nonce=asked["nonce"]), "token_type": "Bearer"}

    def document(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return {"issuer": self.issuer} | {name: f"{self.issuer}/{end}" for name, end in names.items()}
        return {"keys": [self.key.as_dict(private=False)]} if path == "/keys" else None


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Serve one until the block ends."""
    provider = IdentityProvider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(provider.document(self.path))

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(provider.exchange({name: values[0] for name, values in parse_qs(text).items()}))

        def _answer(self, found: dict[str, Any] | None) -> None:
            provider.fetched.append(self.path)
            content = json.dumps(found).encode()
            self.send_response(503 if provider.down else 400 if found is None else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()

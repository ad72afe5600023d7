"""Signed both ways: HTTP message signatures (RFC 9421) by Ed25519, covering Content-Digest (RFC 9530).

What is signed is the same over HTTP/1.1 and HTTP/2: method, authority, path, content type and the digest of the body; a
response also covers those of the request that it answers. Every request has a nonce and is good for a minute, so one
that is sent again is refused by who keeps nonces for so long.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import secrets
from collections import OrderedDict
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)

from atomic.errors import ConfigError

TAG = "atomic-bidding"
LIFE = datetime.timedelta(seconds=60)
REQUEST = ("@method", "@authority", "@path", "content-type", "content-digest")
RESPONSE = (
    "@status", "content-type", "content-digest",
    '"@method";req', '"@authority";req', '"@path";req', '"content-digest";req',
)  # fmt: skip
_MOST_NONCES = 100_000


class Key:
    """An Ed25519 private key from its seed of 32 bytes, to sign with. Raises ConfigError for another length.

    >>> Key(bytes(32)).public
    'O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik='
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise ConfigError(f"a signing key has 32 bytes, not {len(seed)}", hint="openssl rand -base64 32")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._private.public_key().public_bytes_raw()
        self.public, self.key_id = base64.b64encode(raw).decode(), key_id(raw)
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={self.key_id: self._private}),
        )

    @classmethod
    def read(cls, text: str) -> Key:
        """From the seed in base64. Raises ConfigError, which does not repeat it."""
        return cls(_decoded(text, "the signing key"))

    def sign(self, message: Any, body: bytes, *, at: datetime.datetime | None = None) -> None:
        """Sign a request, or a response that knows the request it answers; the body as it goes over the wire."""
        now = at or datetime.datetime.now(datetime.UTC)
        self._signer.sign(
            message,
            key_id=self.key_id,
            created=now,
            expires=now + LIFE,
            nonce=secrets.token_urlsafe(16),
            label="atomic",
            tag=TAG,
            covered_component_ids=RESPONSE if hasattr(message, "status_code") else REQUEST,
            body=body,
        )


class Signatures:
    """Checks what is signed with one public key (32 bytes in base64). Raises ConfigError for what is none.

    With `once`, a nonce that came before within its time is refused.
    """

    def __init__(self, public: str, *, once: bool = False) -> None:
        raw = _decoded(public, "the public key")
        if len(raw) != 32:
            raise ConfigError(f"a public key has 32 bytes, not {len(raw)}", hint="an Ed25519 key in base64")
        self._nonces: OrderedDict[str, float] | None = OrderedDict() if once else None
        keys = {key_id(raw): Ed25519PublicKey.from_public_bytes(raw)}
        self._verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ED25519, key_resolver=MappingKeyResolver(public_keys=keys, private_keys={})
        )

    def flaw(self, message: Any, body: bytes) -> str:
        """What is wrong with the signature of a request or a response; empty when nothing is."""
        wanted = RESPONSE if hasattr(message, "status_code") else REQUEST
        try:
            found = self._verifier.verify(message, max_age=LIFE, expect_tag=TAG, require_components=wanted, body=body)
        except InvalidSignature as error:
            return str(error) or "not signed as it should be"
        said = found[0].parameters
        if "expires" not in said or not found[0].nonce:
            return "a signature without an end or a nonce"
        return self._again(str(found[0].nonce), float(said["created"]))

    def _again(self, nonce: str, created: float) -> str:
        if self._nonces is None:
            return ""
        if nonce in self._nonces:
            return "this was sent before"
        self._nonces[nonce] = created
        oldest = datetime.datetime.now(datetime.UTC).timestamp() - 3 * LIFE.total_seconds()
        while self._nonces and (next(iter(self._nonces.values())) < oldest or len(self._nonces) > _MOST_NONCES):
            self._nonces.popitem(last=False)
        return ""


def key_id(public: bytes) -> str:
    """The name that a public key is known by: the beginning of its SHA-256.

    >>> key_id(bytes(32))
    'Zmh6rfhivXdsj8GLjp-OIA'
    """
    return base64.urlsafe_b64encode(hashlib.sha256(public).digest()[:16]).decode().rstrip("=")


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"{what} is not base64", hint="32 bytes in base64") from None

"""Signatures of the bidding protocol: the vector of the standard, what is covered, and that nothing is taken twice."""

from __future__ import annotations

import base64
import datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms
from tests.bidders.remote_service import BIDDER, MARKET

from atomic.bidders.signatures import LIFE, Key, Signatures, key_id
from atomic.errors import ConfigError

BODY = b'{"hello": "world"}'


def request(url: str = "https://bidder.example/v1/bid", body: bytes = BODY) -> httpx.Request:
    return httpx.Request("POST", url, content=body, headers={"content-type": "application/json"})


def signed(key: Key = MARKET, **changed: object) -> httpx.Request:
    one = request(**changed)  # type: ignore[arg-type]
    key.sign(one, one.content)
    return one


def test_the_library_verifies_the_vector_of_rfc_9421_b_2_6() -> None:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="))
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={"test-key-ed25519": public}, private_keys={}),
    )
    message = httpx.Request(
        "POST",
        "https://example.com/foo?param=Value&Pet=dog",
        content=BODY,
        headers={
            "date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "content-type": "application/json",
            "content-length": "18",
            "signature-input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");'
            'created=1618884473;keyid="test-key-ed25519"',
            "signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WP"
            "pBKRCw==:",
        },
    )

    assert verifier.verify(message, max_age=None)


def test_a_signed_request_is_taken_once() -> None:
    signatures, one = Signatures(MARKET.public, once=True), signed()

    assert "" == signatures.flaw(one, BODY)
    assert "this was sent before" == signatures.flaw(one, BODY)


def test_the_digest_is_that_of_the_body_and_covered() -> None:
    one = signed()

    assert one.headers["content-digest"].startswith("sha-256=:")
    assert '"content-digest"' in one.headers["signature-input"]
    assert Signatures(MARKET.public).flaw(one, BODY + b" ")


@pytest.mark.parametrize("header", ["content-digest", "content-type", "signature-input"])
def test_a_covered_header_cannot_be_changed(header: str) -> None:
    one = signed()
    one.headers[header] = one.headers[header].replace("s", "z", 1)

    assert Signatures(MARKET.public).flaw(one, BODY)


@pytest.mark.parametrize("url", ["https://other.example/v1/bid", "https://bidder.example/v1/award"])
def test_it_cannot_be_sent_elsewhere(url: str) -> None:
    one = signed()
    moved = httpx.Request("POST", url, content=BODY, headers=one.headers)

    assert Signatures(MARKET.public).flaw(moved, BODY)


@pytest.mark.parametrize("at", [-2, 2])
def test_it_is_good_for_a_minute(at: int) -> None:
    one = request()
    MARKET.sign(one, BODY, at=datetime.datetime.now(datetime.UTC) + at * LIFE)

    assert Signatures(MARKET.public).flaw(one, BODY)


def test_a_stranger_is_not_known() -> None:
    assert Signatures(MARKET.public).flaw(signed(BIDDER), BODY)


def test_a_response_is_signed_with_the_request_that_it_answers() -> None:
    asked, other = signed(), signed(body=b"{}")
    response = httpx.Response(200, request=asked, content=BODY, headers={"content-type": "application/json"})
    BIDDER.sign(response, BODY)
    moved = httpx.Response(200, request=other, content=BODY, headers=response.headers)

    assert "" == Signatures(BIDDER.public).flaw(response, BODY)
    assert Signatures(BIDDER.public).flaw(moved, BODY)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "\n"])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Key.read(text)
    with pytest.raises(ConfigError):
        Signatures(text)

    assert not text.strip() or text not in str(caught.value)


def test_a_key_is_named_by_its_digest() -> None:
    assert key_id(base64.b64decode(MARKET.public)) == MARKET.key_id != BIDDER.key_id

"""A bidder of its own, without Atomic: bids on every task with labels, and answers the label that the text names.

BIDDER_KEY=... MARKET_PUBLIC=... PORT=8100 python bidder.py    (keys: docs/bidding-protocol.md)
"""

import base64
import datetime
import hashlib
import json
import os

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PROTOCOL, TAG, MINUTE = "atomic-bidding/1", "atomic-bidding", datetime.timedelta(seconds=60)
REQUEST = ("@method", "@authority", "@path", "content-type", "content-digest")
RESPONSE = ("@status", *REQUEST[3:], *(f'"{one}";req' for one in (*REQUEST[:3], "content-digest")))
private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(os.environ["BIDDER_KEY"]))
market = Ed25519PublicKey.from_public_bytes(base64.b64decode(os.environ["MARKET_PUBLIC"]))
OURS, THEIRS = (
    base64.urlsafe_b64encode(hashlib.sha256(key.public_bytes_raw()).digest()[:16]).decode().rstrip("=")
    for key in (private.public_key(), market)
)
keys = MappingKeyResolver(public_keys={THEIRS: market}, private_keys={OURS: private})
signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys)
verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)
seen: dict[str, float] = {}  # nonces of the last minutes, and when each came
bids: dict[str, str] = {}  # our bid, for which of the market's requests


def bid(message: dict) -> dict:
    if not message["task"]["labels"]:
        return {"no_bid": {"reason": "type_not_supported", "detail": "labels only"}}
    bids[name := os.urandom(9).hex()] = message["id"]
    return {"bid": {"id": name, "price": 1_000 + message["characters"], "claim": 0.7, "answer_ms": 20}}


def award(message: dict) -> dict:
    if bids.get(message["bid"]) != message["id"]:
        raise LookupError("no such bid")
    text, labels = json.dumps(message["input"]).lower(), message["task"]["labels"]
    return {"answer": next((one for one in labels if one.lower() in text), labels[-1]), "confidence": 0.7}


STEPS = {"/bid": bid, "/award": award, "/loss": lambda lost: {}, "/settlement": lambda paid: {}}  # learn from them


async def answer(request: Request) -> Response:
    body, now = await request.body(), datetime.datetime.now(datetime.UTC)
    try:
        found = verifier.verify(request, max_age=MINUTE, expect_tag=TAG, require_components=REQUEST, body=body)[0]
    except HTTPMessageSignaturesException as error:
        return JSONResponse({"title": str(error)}, 401)
    while seen and next(iter(seen.values())) < now.timestamp() - 180:
        del seen[next(iter(seen))]
    if not found.nonce or seen.setdefault(found.nonce, now.timestamp()) != now.timestamp():
        return JSONResponse({"title": "sent before"}, 401)
    try:
        message = json.loads(body)
        if message["protocol"] != PROTOCOL:
            raise ValueError(f"only {PROTOCOL} is spoken here")
        said = {"protocol": PROTOCOL, "id": message["id"], **STEPS[request.url.path](message)}
    except (ValueError, LookupError, TypeError) as error:
        return JSONResponse({"title": f"not a message: {error}"}, 400)
    response = JSONResponse(said)
    response.request = request  # what a response answers is signed with it
    metadata = {"created": now, "expires": now + MINUTE, "nonce": os.urandom(16).hex(), "tag": TAG}
    signer.sign(response, key_id=OURS, covered_component_ids=RESPONSE, body=response.body, **metadata)
    return response


if __name__ == "__main__":
    app = Starlette(routes=[Route("/{step}", answer, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")

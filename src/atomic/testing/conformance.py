"""Whether a service keeps the bidding protocol (docs/bidding-protocol.md): tried over the wire, against any URL."""

from __future__ import annotations

import asyncio
import datetime
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import orjson
from pydantic import BaseModel, ValidationError

from atomic.bidders.remote_messages import PROTOCOL, AwardReply, BidReply, faults
from atomic.bidders.signatures import LIFE, Key, Signatures

T = TypeVar("T", bound=BaseModel)
_TOGETHER = 16
_DEADLINE_MS = 1_000
_SECONDS = 30.0

PROBE: Mapping[str, Any] = {
    "task": {
        "name": "conformance",
        "version": "1",
        "domain": "",
        "labels": ["yes", "no"],
        "schema": {"enum": ["yes", "no"]},
        "instruction": "Does the text say yes?",
    },
    "input": {"text": "yes, it does"},
    "label": "public",
    "language": "en",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: kept, broken, or not tried (`kept` None), and what was seen."""

    name: str
    kept: bool | None
    seen: str = ""


@dataclass(slots=True)
class _Reply:
    status: int
    body: bytes
    flaw: str
    took_ms: float
    version: str


@dataclass(slots=True)
class _Caller:
    """Posts what the market would post, and what it never would."""

    client: httpx.AsyncClient
    url: str
    key: Key
    signatures: Signatures
    sent: httpx.Request | None = field(default=None)

    async def post(
        self,
        path: str,
        message: Mapping[str, Any] | bytes,
        *,
        sign: Callable[[httpx.Request, bytes], None] | None = None,
        swap: bytes | None = None,
    ) -> _Reply:
        """Sign and post; `swap` is the body that is sent in place of the one that was signed."""
        body = message if isinstance(message, bytes) else orjson.dumps({"protocol": PROTOCOL, **message})
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        request = self.client.build_request("POST", f"{self.url}/{path}", content=body, headers=headers)
        (sign or self.key.sign)(request, body)
        if swap is not None:
            headers = {**request.headers, "content-length": str(len(swap))}
            request = self.client.build_request("POST", f"{self.url}/{path}", content=swap, headers=headers)
        return await self.send(request)

    async def send(self, request: httpx.Request) -> _Reply:
        """Post a request as it is."""
        self.sent = request
        began = time.perf_counter()
        response = await self.client.send(request)
        took = 1000 * (time.perf_counter() - began)
        flaw = self.signatures.flaw(response, response.content)
        return _Reply(response.status_code, response.content, flaw, took, response.http_version)


async def conform(url: str, key: Key, public: str, request: Mapping[str, Any] = PROBE) -> list[Check]:
    """Try every promise of the protocol on a service that knows the key; `public` is the service's own, in base64.

    `request` is a request that it bids on: task (with labels, schema, instruction), input, label and language. Where it
    makes no bid, what follows a bid is not tried. Raises httpx's errors where nobody is there at all.
    """
    async with httpx.AsyncClient(http2=True, timeout=_SECONDS, follow_redirects=False) as client:
        caller = _Caller(client, url.rstrip("/"), key, Signatures(public))
        checks, bid = await _bids(caller, request)
        checks += await _refuses(caller, request)
        checks += await _after(caller, request, bid)
        return checks


def invitation(request: Mapping[str, Any]) -> dict[str, Any]:
    """A bid request under a fresh id, without content."""
    task = {name: value for name, value in request["task"].items() if name != "instruction"}
    size = len(orjson.dumps(request["input"]))
    return {
        "id": secrets.token_urlsafe(16),
        "deadline_ms": _DEADLINE_MS,
        "answer_ms": int(1000 * _SECONDS),
        "task": task,
        "label": request.get("label", "internal"),
        "language": request.get("language", "und"),
        "characters": size,
        "bytes": size,
    }


async def _bids(caller: _Caller, request: Mapping[str, Any]) -> tuple[list[Check], BidReply | None]:
    asked = invitation(request)
    first = await caller.post("bid", asked)
    bid, wrong = _read(BidReply, first)
    seen = wrong or (f"bids {bid.bid.price} nano-USD" if bid and bid.bid else f"no bid: {bid and bid.no_bid}")
    checks = [
        Check(
            "answers a bid request with a bid, or with why there is none", bid is not None, f"{seen} ({first.version})"
        ),
        Check("signs what it answers, and which request that answers", not first.flaw, first.flaw),
        Check("names the request that it bids on", bid is not None and bid.id == asked["id"]),
        Check("bids within the deadline", first.took_ms <= _DEADLINE_MS, f"{first.took_ms:.0f} ms"),
    ]
    odd = await caller.post("bid", {**invitation(request), "a_later_field": {"of": 1.1}})
    checks.append(Check("passes over fields that it does not know", odd.status == 200, f"status {odd.status}"))
    many = [invitation(request) for _ in range(_TOGETHER)]
    replies = [_read(BidReply, one)[0] for one in await asyncio.gather(*(caller.post("bid", one) for one in many))]
    right = sum(reply is not None and reply.id == one["id"] for one, reply in zip(many, replies, strict=True))
    checks.append(Check(f"keeps {_TOGETHER} at once apart", right == _TOGETHER, f"{right} of {_TOGETHER}"))
    return checks, bid


async def _refuses(caller: _Caller, request: Mapping[str, Any]) -> list[Check]:
    def unsigned(request: httpx.Request, body: bytes) -> None:
        pass

    def stranger(request: httpx.Request, body: bytes) -> None:
        Key(secrets.token_bytes(32)).sign(request, body)

    def earlier(request: httpx.Request, body: bytes) -> None:
        caller.key.sign(request, body, at=datetime.datetime.now(datetime.UTC) - 10 * LIFE)

    def fresh() -> dict[str, Any]:
        return invitation(request)

    changed = orjson.dumps({"protocol": PROTOCOL, **fresh()})
    await caller.post("bid", fresh())
    again = caller.sent
    assert again is not None
    tried = {
        "refuses what is not signed": (await caller.post("bid", fresh(), sign=unsigned), {401}),
        "refuses what a stranger signed": (await caller.post("bid", fresh(), sign=stranger), {401}),
        "refuses a body that is not the signed one": (await caller.post("bid", fresh(), swap=changed), {401}),
        "refuses what was sent before": (await caller.send(again), {401}),
        "refuses what is no longer good": (await caller.post("bid", fresh(), sign=earlier), {401}),
        "refuses another version": (await caller.post("bid", {**fresh(), "protocol": "atomic-bidding/99"}), {400}),
        "refuses what is no JSON": (await caller.post("bid", b"{"), {400}),
    }
    return [
        Check(name, reply.status in wanted, f"status {reply.status}, expected {wanted}")
        for name, (reply, wanted) in tried.items()
    ]


async def _after(caller: _Caller, request: Mapping[str, Any], bid: BidReply | None) -> list[Check]:
    """What follows a bid: the award, and what is said afterwards."""
    if bid is None or bid.bid is None:
        names = (
            "answers what it won",
            "refuses an award of a bid that it did not make",
            "hears of a loss",
            "hears twice",
        )
        return [Check(name, None, "it makes no bid: give a request that it bids on") for name in names]
    award = {
        "id": bid.id,
        "bid": bid.bid.id,
        "answer_ms": int(1000 * _SECONDS),
        **{name: request[name] for name in ("task", "input")},
        "label": request.get("label", "internal"),
    }
    won = await caller.post("award", award)
    answer, wrong = _read(AwardReply, won)
    labels = request["task"].get("labels")
    typed = answer is not None and answer.failed is None and (not labels or answer.answer in labels)
    strange = await caller.post("award", {**award, "bid": secrets.token_urlsafe(9)})
    paid = {"id": bid.id, "bid": bid.bid.id, "payment": bid.bid.price, "answered": True, "seq": 1}
    lost = {"id": bid.id, "bid": bid.bid.id, "price": bid.bid.price, "critical_price": None}
    twice = [await caller.post("settlement", paid) for _ in range(2)]
    loss = await caller.post("loss", lost)
    return [
        Check("answers what it won, of the task's type", typed and not won.flaw, wrong or won.flaw),
        Check(
            "refuses an award of a bid that it did not make",
            400 <= strange.status < 500,
            f"status {strange.status}, expected 4xx",
        ),
        Check("hears of a loss, also at no price", loss.status == 200 and not loss.flaw, f"status {loss.status}"),
        Check(
            "hears a settlement, and again",
            all(one.status == 200 and not one.flaw for one in twice),
            f"status {twice[0].status} and {twice[1].status}",
        ),
    ]


def _read(model: type[T], reply: _Reply) -> tuple[T | None, str]:
    if reply.status != 200:
        return None, f"status {reply.status}"
    try:
        return model.model_validate_json(reply.body), ""
    except ValidationError as error:
        return None, faults(error)

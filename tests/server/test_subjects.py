"""Somebody's data by the API: seen, handed out, and erased in two steps with what proves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import httpx
import pytest
from tests.server.test_roles import key_of

from atomic.ledger.heads import Head
from atomic.protocols import Profile
from atomic.records.microtask import microtask
from atomic.testing import ScriptedBidder
from atomic.testing.serving import serving

ANN, BOB = "ann@example.org", "bob@example.org"


@microtask(worth="$0.01")
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A server with a request about Ann and one about Bob."""
    config = {"market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$1000"}}
    teller = ScriptedBidder("teller", lambda ask: "friendly", profile=Profile(name="teller", kind="scripted"))
    async with serving(config, bidders=[teller], tasks=[mood]) as running, httpx.AsyncClient() as client:
        for name in (ANN, BOB):
            body = {"input": f"I am {name}", "request_id": name[:3], "subjects": [name]}
            assert (await client.post(f"{running}/api/v1/tasks/mood/run", json=body)).status_code == 200
        yield running


def calling(url: str, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{url}/api/v1/subjects", headers={"x-api-key": key}, timeout=60.0)


async def test_all_that_is_kept_about_somebody_is_handed_out_and_nothing_of_others(url: str) -> None:
    async with calling(url, await key_of(url, "admin")) as client:
        told = (await client.post("/export", json={"subject": ANN})).json()
    assert {one["request_id"] for one in told["events"]} == {"ann"}
    assert (ANN in str(told), BOB in str(told)) == (True, False)


async def test_an_erasure_is_confirmed_by_what_was_looked_at_and_leaves_nothing(url: str) -> None:
    async with calling(url, await key_of(url, "admin")) as client:
        seen = (await client.post("/look", json={"subject": ANN})).json()
        unconfirmed = await client.post("/erase", json={"subject": ANN, "confirmation": "x"})
        other = await client.post("/erase", json={"subject": BOB, "confirmation": seen["confirmation"]})
        proof = (await client.post("/erase", json={"subject": ANN, "confirmation": seen["confirmation"]})).json()
        left = [(await client.post("/look", json={"subject": one})).json()["bodies"] for one in (ANN, BOB)]
    assert (seen["requests"], unconfirmed.status_code, other.status_code) == (1, 400, 400)
    assert (proof["requests"], proof["left"]["bodies"], left[0], left[1] > 0) == (1, 0, 0, True)


async def test_the_proof_of_an_erasure_is_an_event_under_a_signed_head(url: str) -> None:
    admin = await key_of(url, "admin")
    async with calling(url, admin) as client, httpx.AsyncClient(headers={"x-api-key": admin}, timeout=60.0) as ledger:
        seen = (await client.post("/look", json={"subject": ANN})).json()
        proof = (await client.post("/erase", json={"subject": ANN, "confirmation": seen["confirmation"]})).json()
        event = (await ledger.get(f"{url}/api/v1/ledger/events/{proof['event']}")).json()
        intact = (await ledger.post(f"{url}/api/v1/ledger/verify")).json()["ok"]
    told = proof["head"]
    named = {name: bytes.fromhex(told[name]) for name in ("hash", "public_key", "signature")}
    head = Head(seq=told["seq"], time_ns=told["time_ns"], **named)
    assert (event["kind"], event["payload"]["erasure"]) == ("erased", proof["erasure"])
    assert (head.genuine, head.seq >= proof["event"], intact) == (True, True, True)


async def test_what_an_auditor_looked_at_confirms_nothing(url: str) -> None:
    admin = await key_of(url, "admin")
    async with calling(url, await key_of(url, "auditor", admin)) as client:
        seen = (await client.post("/look", json={"subject": ANN})).json()
        refused = await client.post("/erase", json={"subject": ANN, "confirmation": seen["confirmation"]})
    assert (seen["confirmation"], refused.status_code) == ("", 403)
    assert seen["why_not"] == "no policy permits key auditor (auditor) to administer ledger"


async def test_a_tenants_key_reaches_nobodys_data_in_other_tenants(url: str) -> None:
    secret = await key_of(url, "admin", await key_of(url, "admin"), tenant="acme")
    async with calling(url, secret) as client:
        told = [(await client.post(path, json={"subject": ANN})).status_code for path in ("/look", "/export")]
    assert told == [403, 403]

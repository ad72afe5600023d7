"""Every role × every route: only what the role may, and refusals that say why. A new route must say who may use it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import httpx
import pytest

from atomic.policies import Action, Area, CedarPolicies
from atomic.protocols import Profile
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.microtask import Ask, microtask
from atomic.records.principal import ROLES, Principal, Role
from atomic.server.pages import PAGES
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

Needs = tuple[Action, Area] | Literal["run", "anybody"]
NEEDS: dict[tuple[str, str], Needs] = {
    ("get", "/access/me"): "anybody",
    ("get", "/access/keys"): ("see", "access"),
    ("post", "/access/keys"): ("administer", "access"),
    ("post", "/access/keys/{key}/revoke"): ("administer", "access"),
    ("get", "/inbox"): ("see", "inbox"),
    ("post", "/subjects/look"): ("see", "ledger"),
    ("post", "/subjects/export"): ("see", "ledger"),
    ("post", "/subjects/erase"): ("administer", "ledger"),
    ("get", "/tasks"): ("see", "tasks"),
    ("get", "/tasks/{task}"): ("see", "tasks"),
    ("post", "/tasks/{task}/run"): "run",
    ("post", "/tasks/{task}/batch"): "run",
    ("post", "/tasks/{task}/stream"): "run",
    ("get", "/review"): ("see", "review"),
    ("get", "/review/{question}"): ("see", "review"),
    ("post", "/review/{question}/take"): ("review", "review"),
    ("post", "/review/{question}/give-back"): ("review", "review"),
    ("post", "/review/{question}/answer"): ("review", "review"),
    ("get", "/overview"): ("see", "requests"),
    ("get", "/overview/bidders"): ("see", "bidders"),
    ("get", "/bidding"): ("see", "bidding"),
    ("get", "/overview/tactics"): ("see", "tasks"),
    ("get", "/overview/cases"): ("see", "tasks"),
    ("get", "/overview/live"): ("see", "requests"),
    ("post", "/requests/{request_id}/again"): ("see", "requests"),
    ("get", "/requests"): ("see", "requests"),
    ("get", "/requests/{request_id}"): ("see", "requests"),
    ("get", "/requests/{request_id}/explain"): ("see", "requests"),
    ("get", "/requests/{request_id}/explain.txt"): ("see", "requests"),
    ("get", "/requests/{request_id}/why-not"): ("see", "requests"),
    ("post", "/requests/{request_id}/feedback"): ("judge", "requests"),
    ("get", "/bidders"): ("see", "bidders"),
    ("get", "/beliefs"): ("see", "bidders"),
    ("get", "/budgets"): ("see", "budgets"),
    ("get", "/objectives"): ("see", "budgets"),
    ("get", "/savings"): ("see", "budgets"),
    ("get", "/modes"): ("see", "tasks"),
    ("post", "/what-if"): ("see", "what-if"),
    ("post", "/replay"): ("see", "ledger"),
    ("get", "/ledger/head"): ("see", "ledger"),
    ("get", "/ledger/events"): ("see", "ledger"),
    ("get", "/ledger/events/{seq}"): ("see", "ledger"),
    ("get", "/ledger/export"): ("see", "ledger"),
    ("post", "/ledger/verify"): ("see", "ledger"),
    ("get", "/events"): ("see", "ledger"),
}
BODIES = {
    "/subjects/look": {"subject": "ann@example.org"},
    "/subjects/export": {"subject": "ann@example.org"},
    "/subjects/erase": {"subject": "ann@example.org", "confirmation": ""},
    "/access/keys": {"name": "another"},
    "/tasks/{task}/run": {"input": "hello"},
    "/tasks/{task}/stream": {"input": "hello"},
    "/tasks/{task}/batch": {"requests": [{"input": "hello"}]},
    "/review/{question}/take": {"reviewer": "ann"},
    "/review/{question}/give-back": {"reviewer": "ann"},
    "/review/{question}/answer": {"reviewer": "ann", "value": "x"},
    "/requests/{request_id}/again": {"round": 1},
    "/requests/{request_id}/feedback": {"value": 1.0},
    "/what-if": {"worth": "2x"},
}
NAMES = {"request_id": "first", "task": "mood", "question": "none", "seq": "1", "key": "none"}
QUERIES = {
    "/bidding": "?bidder=bidder",
    "/overview/tactics": "?task=mood",
    "/overview/cases": "?task=mood",
    "/savings": "?against=teller",
    "/requests/{request_id}/why-not": "?bidder=teller",
}
POLICIES = CedarPolicies.read()


@microtask(worth="$0.01")
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


def script(ask: Ask) -> Line | object:
    return Line(answer="friendly", price=1_000)


class Counted(ScriptedBidder):
    """Uses seven tokens."""

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        return replace(await super().attempt(ask, plan), usage=Usage(prompt_tokens=7))


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A server with one request."""
    config = {"market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$1000"}}
    teller = Counted("teller", script, profile=Profile(name="teller", kind="scripted"))
    async with serving(config, bidders=[teller], tasks=[mood]) as running, httpx.AsyncClient() as client:
        run = await client.post(f"{running}/api/v1/tasks/mood/run", json={"input": "hi", "request_id": "first"})
        assert run.status_code == 200
        yield running


async def key_of(url: str, role: Role, admin: str = "", **more: object) -> str:
    headers = {"x-api-key": admin} if admin else {}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        made = await client.post("/api/v1/access/keys", json={"name": role, "roles": [role]} | more)
    assert made.status_code == 201, made.text
    secret: str = made.json()["secret"]
    return secret


def why_not(who: Principal, needs: Needs) -> str:
    if needs == "run":
        return POLICIES.running(who, "mood", "internal")
    return "" if needs == "anybody" else POLICIES.entering(who, *needs)


async def asked(client: httpx.AsyncClient, method: str, path: str) -> tuple[int, str]:
    """The status, and why, of a request that is well formed; a stream is given up once it begins."""
    place = "/api/v1" + re.sub(r"\{(\w+)\}", lambda found: NAMES[found[1]], path) + QUERIES.get(path, "")
    async with client.stream(method, place, json=BODIES.get(path) if method == "post" else None) as reply:
        detail = "" if reply.status_code < 400 else (await reply.aread()).decode()
        return reply.status_code, detail


async def test_every_route_says_who_may_use_it(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == set(NEEDS)


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_use_what_it_may_and_no_other_route(url: str, role: Role) -> None:
    admin = await key_of(url, "admin")
    secret = admin if role == "admin" else await key_of(url, role, admin)
    who = Principal(kind="Key", name=role, roles=(role,))
    wrong = []
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": secret}) as client:
        for (method, path), needs in NEEDS.items():
            status, told = await asked(client, method, path)
            why = why_not(who, needs)
            if (status == 403) is not bool(why) or status in (401, 500) or (why and why not in told):
                wrong.append((method, path, status, told, why))
    assert wrong == []


OTHERS: dict[tuple[str, str], Needs] = {
    ("post", "/v1/chat/completions"): "run",
    ("post", "/v1/responses"): "run",
    ("post", "/v1/messages"): "run",
    ("get", "/v1/models"): ("see", "tasks"),
    ("get", "/v1/models/mood"): ("see", "tasks"),
    ("get", "/metrics"): ("see", "budgets"),
}


@pytest.mark.parametrize("role", ROLES)
async def test_the_other_apis_are_open_to_who_may_use_them(url: str, role: Role) -> None:
    admin = await key_of(url, "admin")
    secret = admin if role == "admin" else await key_of(url, role, admin)
    who = Principal(kind="Key", name=role, roles=(role,))
    body = {"model": "mood", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "input": "hi"}
    wrong = []
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": secret}) as client:
        for (method, path), needs in OTHERS.items():
            reply = await client.request(method, path, json=body if method == "post" else None)
            why = why_not(who, needs)
            if reply.status_code != (403 if why else 200) or why not in reply.text:
                wrong.append((path, reply.status_code, reply.text))
    assert wrong == []


async def test_inputs_and_answers_are_shown_only_to_who_may_see_the_inbox(url: str) -> None:
    admin = await key_of(url, "admin")
    async with httpx.AsyncClient(base_url=url) as client:
        told = {}
        for role in ("viewer", "reviewer"):
            headers = {"x-api-key": await key_of(url, role, admin)}
            told[role] = (await client.get("/api/v1/requests/first/explain?bodies=true", headers=headers)).status_code
    assert told == {"viewer": 403, "reviewer": 200}


async def test_a_tenants_administrator_sees_and_makes_keys_of_that_tenant_alone(url: str) -> None:
    admin = await key_of(url, "admin")
    secret = await key_of(url, "admin", admin, tenant="acme")
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": secret}) as client:
        listed = (await client.get("/api/v1/access/keys")).json()["keys"]
        other = await client.post("/api/v1/access/keys", json={"name": "x", "tenant": "other"})
        first = await client.get("/api/v1/requests/first")
    assert ([one["tenant"] for one in listed], other.status_code, first.status_code) == (["acme"], 400, 404)


async def test_a_teams_name_cannot_reach_into_anothers_purse(url: str) -> None:
    admin = await key_of(url, "admin")
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": admin}) as client:
        asked = {"name": "x", "tenant": "acme", "team": "mail/x"}
        assert (await client.post("/api/v1/access/keys", json=asked)).status_code == 400


async def test_a_page_holds_no_data_and_needs_no_key(url: str) -> None:
    await key_of(url, "admin")
    async with httpx.AsyncClient(base_url=url) as client:
        pages = {path: (await client.get(path)).status_code for path in (*PAGES, "/static/app.js")}
        data = await client.get("/api/v1/overview")
    assert ({*pages.values()}, data.status_code) == ({200}, 401)


@pytest.mark.parametrize(
    ("govern", "whose"),
    [
        ({"tenants": {"acme": "$0.0000025"}}, {"tenant": "acme"}),
        ({"teams": {"acme/mail": "$0.0000025"}}, {"tenant": "acme", "team": "mail"}),
        ({"teams": {"mail": "$0.0000025"}}, {"team": "mail"}),
    ],
)
async def test_a_tenant_or_team_spends_no_more_than_its_cap_over_all_its_keys(
    tmp_path: Path, govern: dict[str, dict[str, str]], whose: dict[str, str]
) -> None:
    config = {"market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$1000"}, "govern": govern}
    teller = ScriptedBidder("teller", script, profile=Profile(name="teller", kind="scripted"))
    async with serving(config, bidders=[teller], tasks=[mood]) as url:
        admin = await key_of(url, "admin")
        told = []
        for number in range(4):
            key = await key_of(url, "operator", admin, **whose)
            async with httpx.AsyncClient(base_url=url, headers={"x-api-key": key}) as client:
                reply = await client.post("/api/v1/tasks/mood/run", json={"input": f"hi {number}"})
                told.append(reply.json()["status"])
        async with httpx.AsyncClient(base_url=url, headers={"x-api-key": admin}) as client:
            budgets = (await client.get("/api/v1/budgets")).json()
            (spent,) = [one["spent"] for one in (*budgets["tenants"], *budgets["teams"])]
    assert (told, spent <= 2_500) == (["answered", "answered", "refused", "refused"], True)


@pytest.mark.parametrize("path", ["/events", "/overview/live"])
async def test_a_stream_ends_once_its_key_is_revoked(url: str, path: str) -> None:
    admin = await key_of(url, "admin")
    secret = await key_of(url, "auditor", admin)
    async with (
        httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30.0) as client,
        client.stream("GET", path, headers={"x-api-key": secret}) as reply,
    ):
        assert reply.status_code == 200
        await client.post("/access/keys/auditor/revoke", headers={"x-api-key": admin})
        await reply.aread()  # it ends: else this is never over


async def test_a_key_that_is_called_as_another_hides_it_from_nobody(url: str) -> None:
    admin = await key_of(url, "admin")
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": admin}) as client:
        made = (await client.post("/api/v1/access/keys", json={"name": "stolen"})).json()
        await client.post("/api/v1/access/keys", json={"name": made["key"]})
        revoked = await client.post(f"/api/v1/access/keys/{made['key']}/revoke")
    assert revoked.status_code == 204


async def test_a_session_has_no_other_rate_than_its_key(url: str) -> None:
    admin = await key_of(url, "admin")
    secret = await key_of(url, "viewer", admin, rate=2)
    async with httpx.AsyncClient(base_url=url) as client:
        await client.post("/login", data={"key": secret})
        told = [(await client.get("/api/v1/access/me")).status_code for _ in range(4)]
    assert 429 in told


async def test_another_site_cannot_log_a_browser_in(url: str) -> None:
    admin = await key_of(url, "admin")
    async with httpx.AsyncClient(base_url=url, headers={"sec-fetch-site": "cross-site"}) as client:
        told = await client.post("/login", data={"key": admin})
    assert (told.status_code, "set-cookie" in told.headers) == (403, False)


async def test_what_a_tenant_used_is_not_added_to_anothers_request_of_the_same_name(url: str) -> None:
    admin = await key_of(url, "admin")
    used = []
    for tenant in ("acme", "other"):
        secret = await key_of(url, "operator", admin, tenant=tenant)
        async with httpx.AsyncClient(base_url=url, headers={"x-api-key": secret}) as client:
            body = {"model": "mood", "messages": [{"role": "user", "content": "hi"}]}
            reply = await client.post("/v1/chat/completions", json=body, headers={"x-atomic-request-id": "one"})
            used.append(reply.json()["usage"]["prompt_tokens"])
    assert used == [7, 7]


async def test_a_number_of_an_event_that_no_ledger_can_have_is_refused(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        told = await client.get("/api/v1/events", headers={"last-event-id": "9" * 20})
    assert told.status_code == 422


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("reviewer", True)])
async def test_an_answer_is_told_only_to_who_may_see_the_inbox(url: str, role: Role, sees: bool) -> None:
    secret = await key_of(url, role, await key_of(url, "admin"))
    async with httpx.AsyncClient(base_url=f"{url}/api/v1/requests/first", headers={"x-api-key": secret}) as client:
        story = (await client.get("/explain")).json()
        told = [(await client.get(path)).text for path in ("/explain.txt", "/explain.txt?brief=true")]
    assert (story["outcome"]["answer"] == "friendly") is sees
    assert ["friendly" in one.partition("labels")[0] for one in told] == [sees, sees]


async def test_a_batch_counts_against_a_keys_rate_request_by_request(url: str) -> None:
    secret = await key_of(url, "operator", await key_of(url, "admin"), rate=3)
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": secret}) as client:
        body = {"requests": [{"input": f"hi {number}"} for number in range(9)]}
        outcomes = (await client.post("/api/v1/tasks/mood/batch", json=body)).json()["outcomes"]
    told = [one["status"] for one in outcomes]
    assert (told.count("answered"), told.count(429)) == (3, 6)


@pytest.mark.parametrize(
    ("role", "author"), [("operator", "operator/ann"), ("reviewer", "reviewer/ann"), ("admin", "ann")]
)
async def test_a_key_gives_feedback_in_nobody_elses_name(url: str, role: Role, author: str) -> None:
    admin = await key_of(url, "admin")
    secret = admin if role == "admin" else await key_of(url, role, admin)
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": secret}) as client:
        await client.post("/api/v1/requests/first/feedback", json={"value": 1.0, "author": "ann"})
        story = (await client.get("/api/v1/requests/first/explain", headers={"x-api-key": admin})).json()
    assert [one["author"] for one in story["words"]] == [author]


async def test_a_bidders_key_sees_how_that_bidder_did_and_no_other(url: str) -> None:
    secret = await key_of(url, "bidder", await key_of(url, "admin"), name="teller")
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers={"x-api-key": secret}) as client:
        own = (await client.get("/bidding")).json()["bids"]
        other = await client.get("/bidding?bidder=another")
    assert ([(one["of"], one["attempts"], one["won"]) for one in own], other.status_code) == (
        [("teller+plain", 1, 1)],
        403,
    )


async def test_a_stream_goes_on_after_the_event_that_was_heard_last(url: str) -> None:
    async with (
        httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30.0) as client,
        client.stream("GET", "/events", headers={"last-event-id": "1"}) as reply,
    ):
        ids = (line async for line in reply.aiter_lines() if line.startswith("id: "))
        heard = [await anext(ids), await anext(ids)]
    assert heard == ["id: 2", "id: 3"]

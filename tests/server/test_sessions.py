"""Logging in by page: by key, by provider, out again; and what other sites cannot make a browser do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import pytest
from tests.login.provider import IdentityProvider, identity_provider

from atomic.bidders.person import Person, PersonOptions
from atomic.records.microtask import microtask
from atomic.server.entering import _local
from atomic.testing.serving import serving

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
async def client(tmp_path: Path, provider: IdentityProvider) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, as it were, at a server where people log in."""
    login = {"issuer": provider.issuer, "client_id": "atomic", "client_secret": {"file": str(tmp_path / "secret")}}
    login["team_claim"] = "team"
    (tmp_path / "secret").write_text("hush")
    (tmp_path / "secret").chmod(0o600)
    config = {"market": {"ledger": str(tmp_path / "atomic.db")}, "govern": {"login": login}}
    async with serving(config) as url, httpx.AsyncClient(base_url=url, trust_env=False) as opened:
        yield opened


async def logged_in(client: httpx.AsyncClient, provider: IdentityProvider, **claims: object) -> httpx.Response:
    provider.claims |= claims
    away = await client.get("/login/provider", params={"next": "/ledger"})
    return await client.get("/login/back", params=provider.authorize(away.headers["location"]))


async def who(client: httpx.AsyncClient) -> dict[str, object]:
    told: dict[str, object] = (await client.get("/api/v1/access/me")).json()
    return {name: told.get(name) for name in ("kind", "name", "roles")}


async def test_where_people_log_in_nobody_else_may_ask(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/overview")).status_code == 401


async def test_whoever_logs_in_has_a_session_and_goes_where_they_wanted(
    client: httpx.AsyncClient, provider: IdentityProvider
) -> None:
    back = await logged_in(client, provider, roles=["auditor"])
    assert (back.status_code, back.headers["location"]) == (303, "/ledger")
    assert await who(client) == {"kind": "Person", "name": "ann@example.org", "roles": ["auditor"]}


async def test_no_script_reads_the_session_and_no_other_site_sends_it(
    client: httpx.AsyncClient, provider: IdentityProvider
) -> None:
    cookies = (await logged_in(client, provider)).headers.get_list("set-cookie")
    (session,) = [one for one in cookies if one.startswith("atomic_session=")]
    assert ("HttpOnly" in session, "SameSite=strict" in session) == (True, True)


async def test_whoever_has_no_role_is_told_so(client: httpx.AsyncClient, provider: IdentityProvider) -> None:
    back = await logged_in(client, provider, roles=["nobody"])
    assert (back.status_code, "you have no role here" in back.text) == (403, True)


async def test_a_login_begun_in_another_browser_is_refused(
    client: httpx.AsyncClient, provider: IdentityProvider
) -> None:
    away = await client.get("/login/provider")
    client.cookies.clear()
    back = await client.get("/login/back", params=provider.authorize(away.headers["location"]))
    assert (back.status_code, "another browser" in back.text) == (401, True)


async def test_a_bearer_token_of_the_provider_is_taken(client: httpx.AsyncClient, provider: IdentityProvider) -> None:
    told = await client.get("/api/v1/tasks", headers={"authorization": f"Bearer {provider.token()}"})
    assert told.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [(OURS, 201), ({"sec-fetch-site": "cross-site"}, 403), ({}, 403), ({"origin": "https://evil.example"}, 403)],
)
async def test_another_site_cannot_have_a_browser_make_a_key(
    client: httpx.AsyncClient, provider: IdentityProvider, headers: dict[str, str], status: int
) -> None:
    await logged_in(client, provider, roles=["admin"])
    made = await client.post("/api/v1/access/keys", json={"name": "mine"}, headers=headers)
    assert made.status_code == status, made.text


async def test_a_key_opens_a_session_that_ends_with_it(client: httpx.AsyncClient, provider: IdentityProvider) -> None:
    await logged_in(client, provider, roles=["admin"])
    made = (await client.post("/api/v1/access/keys", json={"name": "k", "roles": ["auditor"]}, headers=OURS)).json()
    async with httpx.AsyncClient(base_url=client.base_url) as other:
        entered = await other.post("/login", params={"next": "/review"}, data={"key": made["secret"]})
        assert (entered.headers["location"], (await who(other))["name"]) == ("/review", "k")
        await client.post(f"/api/v1/access/keys/{made['key']}/revoke", headers=OURS)
        assert (await other.get("/api/v1/access/me")).status_code == 401


async def test_a_key_that_is_none_is_told_without_being_repeated(client: httpx.AsyncClient) -> None:
    told = await client.post("/login", data={"key": "<script>wrong</script>"})
    assert (told.status_code, "wrong" in told.text) == (401, False)


async def test_logging_out_ends_it(client: httpx.AsyncClient, provider: IdentityProvider) -> None:
    await logged_in(client, provider)
    await client.post("/logout")
    assert (await client.get("/api/v1/access/me")).status_code == 401


async def test_a_changed_cookie_is_nobody(client: httpx.AsyncClient, provider: IdentityProvider) -> None:
    await logged_in(client, provider)
    session = client.cookies["atomic_session"]
    client.cookies.clear()
    client.cookies.set("atomic_session", session[:-8] + "AAAAAAAA")
    assert (await client.get("/api/v1/access/me")).status_code == 401


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/ledger?a=1", "/ledger?a=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
        ("", "/"),
    ],
)
def test_after_logging_in_nobody_is_sent_elsewhere(wanted: str, goes: str) -> None:
    assert _local(wanted) == goes
    assert not urlsplit(_local(wanted)).netloc


@microtask(worth="$10", explore=False, deadline=600)
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


async def test_one_person_is_not_two_reviewers(tmp_path: Path, provider: IdentityProvider) -> None:
    login = {"issuer": provider.issuer, "client_id": "atomic", "client_secret": {"file": str(tmp_path / "secret")}}
    login["team_claim"] = "team"
    (tmp_path / "secret").write_text("hush")
    (tmp_path / "secret").chmod(0o600)
    config = {"market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$100"}, "govern": {"login": login}}
    desk = Person("desk", PersonOptions(price=1_000, reviewers=2))
    async with (
        serving(config, bidders=[desk], tasks=[mood]) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, headers=OURS) as client,
    ):
        await logged_in(client, provider, roles=["admin"])
        running = asyncio.create_task(client.post("/api/v1/tasks/mood/run", json={"input": "hi"}))
        while not (waiting := (await client.get("/api/v1/review")).json()["questions"]):
            assert not running.done(), running.result().text
            await asyncio.sleep(0.02)
        place = f"/api/v1/review/{waiting[0]['question']}/answer"
        said = [await client.post(place, json={"reviewer": one, "value": "angry"}) for one in ("bob", "eve")]
        running.cancel()
    assert (said[0].status_code, said[1].status_code) == (204, 400)
    assert "ann@example.org has answered it" in said[1].text


async def test_another_site_cannot_log_a_browser_out(client: httpx.AsyncClient, provider: IdentityProvider) -> None:
    await logged_in(client, provider)
    told = await client.post("/logout", headers={"sec-fetch-site": "cross-site"})
    assert (told.status_code, "set-cookie" in told.headers) == (403, False)
    assert (await client.get("/api/v1/access/me")).status_code == 200


async def test_a_persons_team_is_the_one_that_the_provider_names(
    client: httpx.AsyncClient, provider: IdentityProvider
) -> None:
    await logged_in(client, provider, team="mail")
    assert (await client.get("/api/v1/access/me")).json()["team"] == "mail"

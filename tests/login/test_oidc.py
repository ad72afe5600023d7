"""Logging in by OpenID Connect, against a provider that really answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from tests.login.provider import IdentityProvider, identity_provider

from atomic.errors import ConfigError, KeyRefused, ProviderError
from atomic.login import OpenId, Provider

BACK = "http://127.0.0.1:8700/login/back"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


def open_id(provider: IdentityProvider, client: httpx.AsyncClient, **settings: Any) -> OpenId:
    return OpenId(
        Provider(issuer=provider.issuer, client_id="atomic", client_secret=lambda: "hush", **settings), client
    )


async def test_who_logs_in_has_the_roles_that_the_provider_says(
    provider: IdentityProvider, client: httpx.AsyncClient
) -> None:
    ours = open_id(provider, client)
    url, kept = await ours.begin(BACK)
    who = await ours.finish(kept, provider.authorize(url), BACK)
    assert (who.kind, who.name, who.roles) == ("Person", "ann@example.org", ("operator",))


async def test_groups_are_mapped_to_roles(provider: IdentityProvider, client: httpx.AsyncClient) -> None:
    provider.claims = {"sub": "u7", "groups": ["mail-team", "other"], "org": "acme"}
    ours = open_id(provider, client, roles_claim="groups", roles={"mail-team": "reviewer"}, tenant_claim="org")
    who = await ours.principal(provider.token())
    assert (who.name, who.roles, who.tenant) == ("u7", ("reviewer",), "acme")


async def test_a_claimed_team_cannot_reach_into_anothers_purse(
    provider: IdentityProvider, client: httpx.AsyncClient
) -> None:
    ours = open_id(provider, client, team_claim="team")
    assert (await ours.principal(provider.token(team="mail"))).team == "mail"
    with pytest.raises(KeyRefused, match="holds no slash"):
        await ours.principal(provider.token(team="acme/mail"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"roles": ["nobody"]}, "no role"),
        ({"roles": None}, "no role"),
        ({"aud": "other"}, "not good"),
        ({"iss": "https://other.example"}, "not good"),
        ({"exp": 1}, "not good"),
        ({"exp": None}, "not good"),
        ({"sub": None}, "not good"),
        ({"nbf": 4_000_000_000}, "not good"),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused(
    provider: IdentityProvider, client: httpx.AsyncClient, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(KeyRefused, match=why):
        await open_id(provider, client).principal(provider.token(**changes))


async def test_an_address_that_nobody_verified_is_no_name(
    provider: IdentityProvider, client: httpx.AsyncClient
) -> None:
    who = await open_id(provider, client).principal(provider.token(email_verified=False))
    assert who.name == "u1"


async def test_a_token_signed_with_a_shared_secret_is_refused(
    provider: IdentityProvider, client: httpx.AsyncClient
) -> None:
    claims = {"iss": provider.issuer, "aud": "atomic", "sub": "u1", "exp": int(time.time()) + 60, "roles": ["admin"]}
    forged = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32))
    with pytest.raises(KeyRefused):
        await open_id(provider, client).principal(forged)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_token_is_refused(provider: IdentityProvider, client: httpx.AsyncClient, text: str) -> None:
    with pytest.raises(KeyRefused):
        await open_id(provider, client).principal(text)


async def test_a_login_begun_elsewhere_is_refused(provider: IdentityProvider, client: httpx.AsyncClient) -> None:
    ours = open_id(provider, client)
    url, _ = await ours.begin(BACK)
    _, others = await ours.begin(BACK)
    with pytest.raises(KeyRefused, match="not begun here"):
        await ours.finish(others, provider.authorize(url), BACK)


async def test_a_code_is_of_no_use_without_the_verifier(provider: IdentityProvider, client: httpx.AsyncClient) -> None:
    ours = open_id(provider, client)
    url, kept = await ours.begin(BACK)
    with pytest.raises(ProviderError):
        await ours.finish(kept | {"verifier": "guessed"}, provider.authorize(url), BACK)


async def test_a_token_of_another_login_is_refused(provider: IdentityProvider, client: httpx.AsyncClient) -> None:
    with pytest.raises(KeyRefused, match="another login"):
        await open_id(provider, client).principal(provider.token(nonce="theirs"), nonce="ours")


async def test_keys_are_fetched_once(provider: IdentityProvider, client: httpx.AsyncClient) -> None:
    ours = open_id(provider, client)
    await ours.principal(provider.token())
    await ours.principal(provider.token())
    assert provider.fetched.count("/keys") == 1


async def test_keys_that_were_rolled_over_are_fetched_again_but_not_at_every_odd_token(
    provider: IdentityProvider, client: httpx.AsyncClient
) -> None:
    now = [1000.0]
    ours = OpenId(Provider(issuer=provider.issuer, client_id="atomic"), client, lambda: now[0])
    await ours.principal(provider.token())
    provider.new_key()
    with pytest.raises(KeyRefused, match="does not publish"):
        await ours.principal(provider.token())
    now[0] += 60.0
    assert (await ours.principal(provider.token())).name == "ann@example.org"


async def test_a_provider_that_is_down_is_named(provider: IdentityProvider, client: httpx.AsyncClient) -> None:
    provider.down = True
    with pytest.raises(ProviderError, match="answers with 503"):
        await open_id(provider, client).begin(BACK)


async def test_an_issuer_without_tls_is_refused(client: httpx.AsyncClient) -> None:
    with pytest.raises(ConfigError, match="not under TLS"):
        OpenId(Provider(issuer="http://login.example.org", client_id="atomic"), client)

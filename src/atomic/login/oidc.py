"""OpenID Connect: the code flow with PKCE for browsers (RFC 7636), and bearer tokens of people's programs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from atomic.errors import CallerError, ConfigError, KeyRefused, MissingExtra, ProviderError
from atomic.records.principal import ROLES, Principal, Role, teams_name

if TYPE_CHECKING:
    import httpx

ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "EdDSA")  # never "none", never one with a shared secret
_KEYS_FRESH_SECONDS = 600.0
_KEYS_AGAIN_SECONDS = 30.0  # at least, between two fetches for a key that is not known
_LEEWAY_SECONDS = 60
_AGAIN = "log in again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who vouches for people. `client_secret`, where there is one, is asked for at each use.

    `roles` maps what stands in the claim `roles_claim` (a group, say) to our roles; whoever has none of them is nobody
    here. `tenant_claim` names the claim with the tenant; empty: everybody is of the tenant "".
    `team_claim` likewise, for a part of a tenant; whose token has none is of none.
    """

    issuer: str
    client_id: str
    client_secret: Callable[[], str] | None = None
    roles_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=lambda: {role: role for role in ROLES})
    tenant_claim: str = ""
    team_claim: str = ""
    name_claim: str = "email"
    scopes: tuple[str, ...] = ("openid", "email", "profile")


class OpenId:
    """Talks to one provider. Its addresses and keys are fetched when first needed and kept for ten minutes.

    Raises ConfigError for an issuer without TLS that is not this machine, MissingExtra without joserfc or httpx.
    """

    def __init__(
        self, provider: Provider, client: httpx.AsyncClient, stopwatch: Callable[[], float] = time.monotonic
    ) -> None:
        self.provider = provider
        self._client = client
        self._stopwatch = stopwatch
        self._found: dict[str, Any] = {}
        self._keys: Any = None
        self._keys_at = 0.0
        _require_tls(provider.issuer)
        try:
            import joserfc
        except ImportError:
            raise MissingExtra("logging in needs joserfc", hint="pip install 'atomic-market[govern]'") from None
        del joserfc

    async def begin(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """Where to send the browser, and what must come back with it: to be sealed into a cookie for ten minutes."""
        found = await self._discovered()
        kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = found["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", kept

    async def finish(self, kept: Mapping[str, str], answer: Mapping[str, str], redirect_uri: str) -> Principal:
        """Who came back. Raises KeyRefused when it is nobody whom we know, ProviderError when the provider fails."""
        if not hmac.compare_digest(answer.get("state", ""), kept["state"]):
            raise KeyRefused("this login was not begun here", hint=_AGAIN)
        if "code" not in answer:
            raise KeyRefused("the provider did not let you in", hint=_AGAIN)
        found = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": redirect_uri,
            "client_id": self.provider.client_id,
            "code_verifier": kept["verifier"],
        }
        if self.provider.client_secret is not None:
            form["client_secret"] = self.provider.client_secret()
        tokens = await self._fetched("POST", found["token_endpoint"], form)
        return await self.principal(str(tokens.get("id_token", "")), nonce=kept["nonce"])

    async def principal(self, token: str, *, nonce: str | None = None) -> Principal:
        """Whom a token speaks for: signed by the provider, for us, of now. Raises KeyRefused or ProviderError."""
        claims = await self._verified(token)
        if nonce is not None and not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise KeyRefused("this token is of another login", hint=_AGAIN)
        name = claims.get(self.provider.name_claim) or claims.get("sub")
        if self.provider.name_claim == "email" and claims.get("email_verified") is False:
            name = claims.get("sub")  # anybody may have typed in that address
        stated = claims.get(self.provider.roles_claim, [])
        groups = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
        roles = {self.provider.roles[one] for one in groups if isinstance(one, str) and one in self.provider.roles}
        if not roles or not isinstance(name, str):
            raise KeyRefused("you have no role here", hint="ask an administrator for one", known=True)
        tenant = claims.get(self.provider.tenant_claim, "") if self.provider.tenant_claim else ""
        if not isinstance(tenant, str) or (self.provider.tenant_claim and not tenant):
            raise KeyRefused("your token names no tenant", hint="ask an administrator", known=True)
        team = claims.get(self.provider.team_claim, "") if self.provider.team_claim else ""
        if not isinstance(team, str):
            raise KeyRefused("your token names no one team", hint="ask an administrator", known=True)
        try:
            team = teams_name(team)
        except CallerError as error:
            raise KeyRefused(error.message, hint="ask an administrator", known=True) from None
        return Principal(kind="Person", name=name, roles=tuple(sorted(roles)), tenant=tenant, team=team)

    async def _verified(self, token: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.provider.client_id},
            exp={"essential": True},
            sub={"essential": True},
        )
        for again in (False, True):
            keys = await self._key_set(again=again)
            try:
                claims = dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
                registry.validate(claims)
            except InvalidKeyIdError:
                continue  # the provider may have new keys
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise KeyRefused(f"this token is not good: {type(error).__name__}", hint=_AGAIN) from None
            else:
                return claims
        raise KeyRefused("this token is signed by a key that its provider does not publish", hint=_AGAIN)

    async def _key_set(self, *, again: bool) -> Any:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        age = self._stopwatch() - self._keys_at
        if self._keys is None or age > (_KEYS_AGAIN_SECONDS if again else _KEYS_FRESH_SECONDS):
            published: Any = await self._fetched("GET", (await self._discovered())["jwks_uri"])
            try:
                self._keys = KeySet.import_key_set(published)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise ProviderError(f"the keys of {self.provider.issuer} cannot be read: {error}") from None
            self._keys_at = self._stopwatch()
        return self._keys

    async def _discovered(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0; what it names must be under TLS, too."""
        if not self._found:
            found = await self._fetched("GET", self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.provider.issuer:
                raise ProviderError(f"{self.provider.issuer} calls itself {found.get('issuer')!r}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(found.get(name), str):
                    raise ProviderError(f"{self.provider.issuer} names no {name}")
                _require_tls(found[name])
            self._found = found
        return self._found

    async def _fetched(self, method: str, url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        import httpx

        try:
            reply = await self._client.request(method, url, data=form, headers={"accept": "application/json"})
            found = reply.json() if reply.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderError(f"{urlsplit(url).hostname} does not answer: {type(error).__name__}") from None
        if not isinstance(found, dict):
            raise ProviderError(f"{urlsplit(url).hostname} answers with {reply.status_code}")
        return found


def _require_tls(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}):
        return
    raise ConfigError(f"{url} is not under TLS", hint="an identity provider is asked by https:// alone")

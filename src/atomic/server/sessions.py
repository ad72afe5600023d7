"""Sessions of browsers: who logged in, sealed into a cookie; and what keeps other sites from using it."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.responses import Response

from atomic.errors import KeyRefused
from atomic.login import opened, sealed
from atomic.records.principal import Principal as Identity
from atomic.server.keyring import Keyring, Principal

SESSION, LOGIN = "atomic_session", "atomic_login"  # cookies, and what they are sealed for
_HOURS_NS = 3_600_000_000_000
SESSION_NS, LOGIN_NS = 8 * _HOURS_NS, _HOURS_NS // 6
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def cookie(headers: Mapping[str, str], name: str) -> str:
    """A cookie's text; empty where there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def whose(headers: Mapping[str, str], method: str, secret: bytes, keyring: Keyring, now_ns: int) -> Principal | None:
    """Who logged in with this browser, if anybody still may. A key that was revoked since opens nothing more.

    Raises KeyRefused where another site would have the browser do something.
    """
    facts = opened(secret, SESSION, cookie(headers, SESSION), now_ns=now_ns)
    if facts is None:
        return None
    if method not in _SAFE and not _from_here(headers):
        raise KeyRefused("another site asked for this", hint="use the pages of this server", known=True)
    if "key" in facts:
        return keyring.by_id(str(facts["key"]), now_ns)
    name, tenant, team = facts["name"], facts["tenant"], facts.get("team", "")
    return Principal(person=Identity(kind="Person", name=name, roles=tuple(facts["roles"]), tenant=tenant, team=team))


def _from_here(headers: Mapping[str, str]) -> bool:
    """Whether a page of ours asks: browsers say so themselves, the older ones by the origin."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin", "").partition("://")[2] == headers.get("host", "-")


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether another site's page asks. Programs say nothing of where they are, and carry nobody's cookies."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    return "origin" in headers and not _from_here(headers)


def begin(response: Response, who: Principal, secret: bytes, now_ns: int, *, secure: bool) -> None:
    """Have the browser keep who it is."""
    facts: dict[str, Any] = {"key": who.key.key} if who.key is not None else {}
    if who.person is not None:
        person = who.person
        facts = {"name": person.name, "roles": list(person.roles), "tenant": person.tenant, "team": person.team}
    keep(response, SESSION, facts, secret, now_ns, SESSION_NS, secure=secure)


def keep(
    response: Response, name: str, facts: dict[str, Any], secret: bytes, now_ns: int, lasts_ns: int, *, secure: bool
) -> None:
    """Have the browser keep some facts: no script reads them, and no other site's form sends them along."""
    text = sealed(secret, name, facts, until_ns=now_ns + lasts_ns)
    lax = "lax" if name == LOGIN else "strict"  # a provider's answer comes from its own site
    response.set_cookie(name, text, max_age=lasts_ns // 10**9, httponly=True, samesite=lax, secure=secure, path="/")  # type: ignore[arg-type]

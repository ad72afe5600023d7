"""Keys of the API: a fold of the ledger, so every worker knows the same keys, and revoking one needs no restart."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from atomic.errors import KeyRefused
from atomic.records.event import Event
from atomic.records.key import KeyIssued, KeyRevoked
from atomic.records.principal import OURS
from atomic.records.principal import Principal as Identity

_ID, _SECRET, _SHOWN = 6, 32, 4  # bytes of an id and of a secret; characters of the secret that lists show
_HINT = "send `Authorization: Bearer KEY` or `x-api-key: KEY`; `atomic keys create` makes one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a key, a person who logged in, or nobody in particular where no key was ever issued."""

    key: KeyIssued | None = None
    person: Identity | None = None

    @property
    def who(self) -> Identity:
        """The same as policies see it."""
        if self.key is None:
            return self.person or OURS
        key = self.key
        return Identity(kind="Key", name=key.name or key.key, roles=key.roles, tenant=key.tenant, team=key.team)

    @property
    def tenant(self) -> str:
        """Whose requests it makes and sees."""
        return self.who.tenant

    @property
    def purses(self) -> tuple[tuple[str, int | None], ...]:
        """What its spending is booked on besides the day and the task."""
        return () if self.key is None else ((purse_of(self.key.key), self.key.per_day),)

    def may(self, task: str) -> bool:
        """Whether it may use this microtask."""
        return self.key is None or not self.key.tasks or task in self.key.tasks


def named(who: Principal, stated: str) -> str:
    """In whose name a word is given: of a person or a key their own; an administrator's key, and a program of this
    machine, speak for whomever they state."""
    return stated if _speaks_for_others(who) else who.who.name


def authored(who: Principal, stated: str) -> str:
    """The same of an author of feedback; a key that states one states it as a part of its own name, so that it has many
    users' words and nobody else's."""
    own = named(who, stated)
    return f"{own}/{stated}" if stated and who.person is None and not _speaks_for_others(who) else own


def _speaks_for_others(who: Principal) -> bool:
    return who.person is None and (who.key is None or "admin" in who.key.roles)


def purse_of(key: str) -> str:
    """The name of the account that a key's spending is booked on.

    >>> purse_of("8f2c01")
    'key 8f2c01'
    """
    return f"key {key}"


def purse_of_tenant(tenant: str) -> str:
    """The name of the account that a tenant's spending is booked on."""
    return f"tenant {tenant}"


def team_of(who: Identity) -> str:
    """A team as settings name it: two tenants may have teams of one name.

    >>> team_of(Identity(team="mail")), team_of(Identity(team="mail", tenant="acme"))
    ('mail', 'acme/mail')
    """
    return f"{who.tenant}/{who.team}" if who.tenant else who.team


def purse_of_team(team: str) -> str:
    """The name of the account that a team's spending is booked on, by its name in settings."""
    return f"team {team}"


def fresh_secret(key: str = "") -> tuple[KeyIssued, str]:
    """A new secret and its record; of the key `key`, or of a new one.

    >>> issued, secret = fresh_secret()
    >>> secret.startswith(issued.prefix) and issued.digest == digest_of(secret)
    True
    """
    key = key or secrets.token_hex(_ID)
    secret = f"atk_{key}_{secrets.token_urlsafe(_SECRET)}"
    shown = secret[: len(secret) - len(secret.rpartition(f"{key}_")[2]) + _SHOWN]
    return KeyIssued(key=key, digest=digest_of(secret), prefix=shown), secret


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    """A key as it stands: its newest record, and digests of earlier secrets with how long they are still taken."""

    issued: KeyIssued
    event: Event
    before: tuple[tuple[str, int], ...] = ()
    revoked: bool = False


class Keyring:
    """The keys that the ledger knows."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._seen = 0

    @property
    def required(self) -> bool:
        """Whether a key is asked for: from the first that was ever issued on, revoked or not."""
        return bool(self._known)

    def fold(self, events: Iterable[Event]) -> None:
        """Take in events in the order of the ledger, each once."""
        for event in events:
            if event.seq <= self._seen:
                continue
            self._seen, told = event.seq, event.payload
            if isinstance(told, KeyIssued):
                known = self._known.get(told.key)
                before = () if known is None else (*known.before, (known.issued.digest, told.before_until_ns))
                self._known[told.key] = _Known(told, event, before)
            elif isinstance(told, KeyRevoked) and told.key in self._known:
                self._known[told.key] = replace(self._known[told.key], revoked=True)

    def usable(self, now_ns: int) -> list[KeyIssued]:
        """Those that are taken now."""
        return [one.issued for one in self._known.values() if not _why_not(one, now_ns)]

    def listed(self, now_ns: int) -> list[tuple[KeyIssued, int, str]]:
        """Every key with when it was issued and why it is not taken any more (empty: it is)."""
        return [(one.issued, one.event.time_ns, _why_not(one, now_ns)) for one in self._known.values()]

    def get(self, text: str) -> KeyIssued | None:
        """A key that is not revoked, by its id or name; nobody hides a key by naming another as its id."""
        if text in self._known:
            return None if self._known[text].revoked else self._known[text].issued
        found = [one.issued for one in self._known.values() if text in (one.issued.key, one.issued.name)]
        usable = [one for one in found if not self._known[one.key].revoked]
        return usable[0] if len(usable) == 1 else None

    def by_id(self, key: str, now_ns: int) -> Principal | None:
        """The key of this id, if it is taken now."""
        known = self._known.get(key)
        return Principal(key=known.issued) if known is not None and not _why_not(known, now_ns) else None

    def principal(self, secret: str, now_ns: int) -> Principal:
        """Who shows this secret ("": none). Raises KeyRefused."""
        if not secret:
            raise KeyRefused("no key was sent", hint=_HINT)
        known = self._known.get(secret[4:].partition("_")[0])
        digest = digest_of(secret)
        if known is None or not _opens(known, digest, now_ns):
            raise KeyRefused("this is no key of this server", hint=_HINT)
        if why := _why_not(known, now_ns):
            raise KeyRefused(f"this key is {why}", hint="`atomic keys create` makes another")
        return Principal(key=known.issued)


def _opens(known: _Known, digest: str, now_ns: int) -> bool:
    if hmac.compare_digest(known.issued.digest, digest):
        return True
    return any(until_ns > now_ns and hmac.compare_digest(one, digest) for one, until_ns in known.before)


def _why_not(known: _Known, now_ns: int) -> str:
    if known.revoked:
        return "revoked"
    return "expired" if 0 < known.issued.expires_ns <= now_ns else ""

"""Keys of the API: issued, rotated and revoked. Only a digest is ever written down; a key of 256 random bits needs no
slow one."""

from __future__ import annotations

from dataclasses import dataclass

from atomic.records.principal import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyIssued:
    """A key was issued; a later one of the same `key` takes its place and keeps its limits' accounts.

    `digest` is the SHA-256 (hex) of the whole secret, `prefix` its beginning, which lists show. Times are calendar
    times, 0: never. `per_day` is what it may spend on a UTC day, in nano-USD (None: what the market may), `rate` how
    many requests it may make in a minute (0: any number), `tasks` the microtasks it may use (empty: all), `roles` what
    it may do. `team` is the part of its tenant on whose purse it spends as well.
    """

    key: str
    digest: str
    prefix: str
    name: str = ""
    tenant: str = ""
    team: str = ""
    expires_ns: int = 0
    per_day: int | None = None
    rate: int = 0
    tasks: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ("operator",)
    before_until_ns: int = 0  # how long the secret that this one replaces is taken as well


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked:
    """A key is not taken any more."""

    key: str

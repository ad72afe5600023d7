"""Access: who asks and what they may, and keys, made and revoked."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, get_args

from fastapi import APIRouter
from pydantic import Field

from atomic.errors import CallerError, NotFound
from atomic.policies import AREAS, Action
from atomic.records.event import Entry
from atomic.records.key import KeyRevoked
from atomic.records.money import nano_usd
from atomic.records.principal import Role, teams_name
from atomic.server.keyring import fresh_secret
from atomic.server.native.common import Serving, Who, may
from atomic.server.native.shapes import Asked, Money, Name, Told

router = APIRouter(prefix="/access", tags=["access"])
_DAY_NS = 86_400_000_000_000


class KeyAsked(Asked):
    """A new key: its name, whose requests it makes, what it may do and spend, and for how many days."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=6)] = ("operator",)
    tenant: Name = ""
    team: Name = ""
    tasks: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    per_day: Money | None = None
    rate: Annotated[int, Field(ge=0, le=10**9)] = 0
    days: Annotated[int, Field(ge=1, le=3_650)] = 90


@router.get("/me")
def me(service: Serving, who: Who) -> Told:
    """Who asks, and of everything that can be done here whether they may, or why not."""
    identity = who.who
    return {
        "kind": identity.kind,
        "name": identity.name,
        "roles": list(identity.roles),
        "tenant": identity.tenant,
        "team": identity.team,
        "may": [
            {"area": area, "action": action, "why": service.policies.entering(identity, action, area)}
            for area in AREAS
            for action in get_args(Action)
        ],
    }


@router.get("/keys", dependencies=[may("see", "access")])
def keys(service: Serving, who: Who) -> Told:
    """Every key with the beginning of its secret; a tenant's administrator sees the tenant's."""
    found = service.keyring.listed(time.time_ns())
    return {
        "keys": [
            {
                "key": one.key,
                "name": one.name,
                "prefix": one.prefix,
                "roles": list(one.roles),
                "tenant": one.tenant,
                "team": one.team,
                "tasks": list(one.tasks),
                "per_day": one.per_day,
                "rate": one.rate,
                "issued_ns": issued_ns,
                "expires_ns": one.expires_ns,
                "ended": why,
            }
            for one, issued_ns, why in found
            if who.tenant in ("", one.tenant)
        ]
    }


@router.post("/keys", status_code=201, dependencies=[may("administer", "access")])
async def create(asked: KeyAsked, service: Serving, who: Who) -> Told:
    """Make a key. Its secret is in this answer and nowhere else."""
    if service.config.ledger is None:
        raise CallerError("keys are kept in the ledger, and this one is in memory")
    if who.tenant and asked.tenant != who.tenant:
        raise CallerError("a tenant's administrator makes keys of that tenant", hint=f'say tenant "{who.tenant}"')
    if not service.guarded and "admin" not in asked.roles:
        raise CallerError("the first key shuts out whoever has none", hint='give it the role "admin"')
    issued, secret = fresh_secret()
    issued = replace(
        issued,
        name=asked.name,
        roles=tuple(dict.fromkeys(asked.roles)),
        tenant=asked.tenant,
        team=teams_name(asked.team),
        tasks=asked.tasks,
        per_day=nano_usd(asked.per_day) if asked.per_day else None,
        rate=asked.rate,
        expires_ns=time.time_ns() + asked.days * _DAY_NS,
    )
    await service.market.record([Entry(payload=issued)], power_durable=True)
    return {"key": issued.key, "secret": secret}


@router.post("/keys/{key}/revoke", status_code=204, dependencies=[may("administer", "access")])
async def revoke(key: Name, service: Serving, who: Who) -> None:
    """Take a key no more, at once, in every process."""
    found = service.keyring.get(key)
    if found is None or who.tenant not in ("", found.tenant):
        raise NotFound(f"there is no key {key!r}, or it is revoked", hint="/api/v1/access/keys lists them")
    await service.market.record([Entry(payload=KeyRevoked(key=found.key))], power_durable=True)

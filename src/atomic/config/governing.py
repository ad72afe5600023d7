"""`[govern]`: policies as code, and how people log in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from atomic.config.secrets import secret_of
from atomic.config.values import Amount, Names, SecretSettings, Table, Url
from atomic.records.principal import ROLES, Role

if TYPE_CHECKING:
    from atomic.login import Provider
    from atomic.policies import CedarPolicies


class LoginSettings(Table):
    """`[govern.login]`: who vouches for people, by OpenID Connect.

    `roles` maps what stands in the claim `roles_claim` (groups, say) to our roles; without it a claim names our roles
    themselves. `address` is where people find this server, if a proxy stands before it.
    """

    issuer: Url
    client_id: str
    client_secret: SecretSettings | None = None
    roles_claim: str = "roles"
    roles: dict[str, Role] = Field(default_factory=dict)
    tenant_claim: str = ""
    team_claim: str = ""
    name_claim: str = "email"
    address: Url | None = None


class GovernSettings(Table):
    """`[govern]`: files of Cedar policies beside what the roles say, how people log in, and what tenants may spend.

    `tenants` maps a tenant to what its requests may cost on a UTC day, over all its keys and people; `teams` a team,
    which is "TENANT/TEAM" where it is a tenant's.
    """

    policies: Names = ()
    tenants: dict[str, Amount] = Field(default_factory=dict)
    teams: dict[str, Amount] = Field(default_factory=dict)
    login: LoginSettings | None = None


def policies_of(settings: GovernSettings, folder: Path) -> CedarPolicies:
    """What the roles may do, and the policies of the files. Raises ConfigError or MissingExtra."""
    from atomic.policies import CedarPolicies

    return CedarPolicies.read([folder / one for one in settings.policies])


def provider_of(settings: LoginSettings) -> Provider:
    """The provider that the settings describe."""
    from atomic.login import Provider

    secret = settings.client_secret
    read: Callable[[], str] | None = (
        None if secret is None else lambda: secret_of(secret, what="the client secret of [govern.login]")
    )
    return Provider(
        issuer=settings.issuer,
        client_id=settings.client_id,
        client_secret=read,
        roles_claim=settings.roles_claim,
        roles=settings.roles or {role: role for role in ROLES},
        tenant_claim=settings.tenant_claim,
        team_claim=settings.team_claim,
        name_claim=settings.name_claim,
    )

"""Who asks: a person, a key of the API or a program of our own, with roles and a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["viewer", "operator", "reviewer", "auditor", "admin", "bidder"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "reviewer", "auditor", "admin", "bidder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever a request is made for; `Program` is what runs in this very process.

    >>> Principal(kind="Key", name="8f2c01", roles=("operator",)).told
    'key 8f2c01 (operator)'
    """

    kind: Literal["Person", "Key", "Program"] = "Program"
    name: str = ""
    roles: tuple[Role, ...] = ()
    tenant: str = ""
    team: str = ""  # within the tenant

    @property
    def told(self) -> str:
        """For people."""
        roles = f" ({', '.join(self.roles)})" if self.roles else ""
        return f"{self.kind.lower()} {self.name}{roles}" if self.name else f"this program{roles}"


OURS = Principal()  # a program of our own

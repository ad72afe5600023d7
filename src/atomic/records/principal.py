"""Who asks: a person, a key of the API or a program of our own, with roles and a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atomic.errors import CallerError

Role = Literal["viewer", "operator", "reviewer", "auditor", "admin", "bidder"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "reviewer", "auditor", "admin", "bidder")


def teams_name(text: str) -> str:
    """A name that a team may have, as it is. Raises CallerError for one with a slash: settings write "TENANT/TEAM".

    >>> teams_name("mail")
    'mail'
    >>> teams_name("acme/mail")  # would spend from the purse of acme's team "mail"
    Traceback (most recent call last):
    atomic.errors.CallerError: a team's name holds no slash, and 'acme/mail' does
      the tenant is said apart from it
    """
    if "/" in text:
        raise CallerError(f"a team's name holds no slash, and {text!r} does", hint="the tenant is said apart from it")
    return text


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

"""What the configuration says of those outside whom the inbox may write to: a mail server, and webhooks."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from atomic.config.values import SecretSettings, Table, Url

KEY_MARK = "{key}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or number alone: nothing is looked up.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("mail.example.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _safe_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("plain http goes to this machine only: write https://")
    return value


def _asking_url(value: str) -> str:
    if KEY_MARK not in value:
        raise ValueError(f"the place of the key is missing: write {KEY_MARK} where it stands")
    return _safe_url(value)


SafeUrl = Annotated[Url, AfterValidator(_safe_url)]
AskingUrl = Annotated[Url, AfterValidator(_asking_url)]
Seconds = Annotated[float, Field(gt=0.0, le=600.0, strict=False)]


class SmtpSettings(Table):
    """`[inbox.smtp]`: the server that mail is handed to. Times in seconds.

    `ca` is a file of certificates to trust instead of the system's. `sent` is a Maildir folder in which sent mail turns
    up: where a receipt is missing, it is looked for there. At most `per_recipient` mails go to one address in
    `per_hours`.
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    security: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: SecretSettings | None = None
    ca: str | None = None
    sent: str | None = None
    timeout: Seconds = 60.0
    per_recipient: Annotated[int, Field(ge=1, le=10_000)] = 3
    per_hours: Annotated[float, Field(gt=0.0, le=8_784.0, strict=False)] = 24.0

    @model_validator(mode="after")
    def _safe(self) -> SmtpSettings:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError('security = "none" is for this machine only: "starttls" or "implicit"')
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password come together")
        return self

    @property
    def at_port(self) -> int:
        """The port, or the usual one."""
        return self.port or {"starttls": 587, "implicit": 465, "none": 25}[self.security]


class WebhookSettings(Table):
    """`[inbox.webhooks.NAME]`: an address that is told of a mail, in JSON. `token` is sent as a bearer's.

    `ask` answers 200 to a GET where the receiver has what it was sent under a key, 404 where not.
    """

    url: SafeUrl
    ask: AskingUrl | None = None
    token: SecretSettings | None = None
    timeout: Seconds = 30.0

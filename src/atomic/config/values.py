"""Values of the configuration as people write them: money, ages, days, URLs, names; each refused in words."""

from __future__ import annotations

import datetime
import re
from decimal import InvalidOperation
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from atomic.errors import TaskError
from atomic.records.money import nano_usd

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_AGE = re.compile(r"([1-9][0-9]{0,4})([hdw])\Z")
_HOURS = {"h": 1, "d": 24, "w": 168}
_USER_INFO = re.compile(r"[a-z]+://[^/?#]*@", re.IGNORECASE)
_KEY_IN_QUERY = re.compile(
    r"[?&](?:[^=&#]*[_-])?(?:key|token|secret|password|sig|signature)=(?!\{key\})", re.IGNORECASE
)


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('not an amount of money: write it as "$0.002"')
    try:
        return nano_usd(value)
    except (TaskError, InvalidOperation):
        raise ValueError(f'{value!r} is not an amount of money: write it as "$0.002"') from None


def _per_day(value: object) -> int:
    amount, slash, period = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not slash or period.strip() != "day":
        raise ValueError(f'{value!r} is not an amount of money a day: write it as "$0.10/day"')
    return _amount(amount.strip())


def _date(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f'{value!r} is not a date: write it as "2026-11-01"') from None
    return value


def _age(value: object) -> int:
    """Nanoseconds of "90d", "36h" or "2w"."""
    found = _AGE.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is not an age: write it as "90d" (h: hours, d: days, w: weeks)')
    return int(found.group(1)) * _HOURS[found.group(2)] * 3_600_000_000_000


def _environment_name(value: str) -> str:
    if not _ENVIRONMENT_NAME.match(value):  # not quoted: it may be the secret itself
        raise ValueError('not the name of an environment variable, such as "OPENAI_API_KEY"')
    return value


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("not a URL: it begins with https:// or http://")
    if _USER_INFO.match(value) or _KEY_IN_QUERY.search(value):
        raise ValueError("a secret has no place in a URL: say where it lies, as in `key_env`")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


Amount = Annotated[int, BeforeValidator(_amount)]  # nano-USD, written in dollars
Age = Annotated[int, BeforeValidator(_age)]  # nanoseconds, written as "90d"
Day = Annotated[datetime.date, BeforeValidator(_date)]
EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
Url = Annotated[str, AfterValidator(_url)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Names = Annotated[tuple[str, ...], Field(strict=False)]  # TOML has lists where we want tuples
Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0, strict=False)]
PerDay = Annotated[int, BeforeValidator(_per_day)]  # nano-USD, written as "$0.10/day"


class Table(BaseModel):
    """A table of the file: unknown keys and other types than declared are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SecretSettings(Table):
    """Where a secret lies: in an environment variable, a file, or the system's keyring (under a service's name)."""

    env: EnvironmentName | None = None
    file: str | None = None
    keyring: str | None = None

    @model_validator(mode="after")
    def _one(self) -> SecretSettings:
        if len(self.model_fields_set) != 1:
            raise ValueError('one of env, file and keyring, such as { env = "SMTP_PASSWORD" }')
        return self


class BidderSettings(Table):
    """What is common to bidders: whether the kind has a price, so that a day's cap must be stated."""

    priced: ClassVar[bool] = False

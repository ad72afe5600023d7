"""`atomic keys …`: who may ask `atomic serve`, and for how much. A secret is shown once, and never kept."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, columns, config_for, print_json, reading, say
from atomic.errors import CallerError, ConfigError, NotFound
from atomic.records.event import Entry
from atomic.records.key import KeyIssued, KeyRevoked
from atomic.records.money import dollars, nano_usd
from atomic.records.principal import ROLES, Role, teams_name
from atomic.server.keyring import Keyring, fresh_secret, purse_of

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.protocols import History

app = typer.Typer(no_args_is_help=True, help="Keys of the API: who may ask, and for how much.")
_KINDS = ("key", "revoked")
_HEADING = (
    "key",
    "begins",
    "name",
    "tenant",
    "team",
    "issued",
    "expires",
    "a day",
    "spent today",
    "a minute",
    "tasks",
    "roles",
    "",
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What lists call it.")] = "",
    per_day: Annotated[str, typer.Option(metavar="$", help='What it may spend on a UTC day: "$5".')] = "",
    rate: Annotated[int, typer.Option(min=0, help="Requests a minute; 0: any number.")] = 0,
    task: Annotated[
        list[str] | None, typer.Option(help="A microtask that it may use; several times. Default: all.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(help=f"What it may do: {', '.join(ROLES)}; several times. Default: operator.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose requests it makes and sees.")] = "",
    team: Annotated[str, typer.Option(help="Of the tenant, on whose purse it spends as well.")] = "",
    days: Annotated[float, typer.Option(min=0.0, help="It expires after so many; 0: never.")] = 0.0,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Make a key and show it, this once."""
    read = _on_file(config_for(config, ledger))
    issued, secret = fresh_secret()
    issued = replace(
        issued,
        name=name,
        tenant=tenant,
        team=teams_name(team),
        per_day=nano_usd(per_day) if per_day else None,
        rate=rate,
        tasks=tuple(task or ()),
        roles=_roles(role or ["operator"]),
        expires_ns=time.time_ns() + int(days * 86_400e9) if days else 0,
    )
    asyncio.run(_write(read, [issued]))
    _show(issued, secret)
    with reading(config, ledger) as opened:
        if not any("admin" in one.roles for one in _keyring(opened).usable(time.time_ns())):
            typer.echo("no key may make or revoke keys over HTTP: give one `--role admin`, if that is wanted", err=True)


@app.command("list")
def list_(json: JsonOption = False, config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """List the keys: how each begins, what it may, and what it spent today."""
    from atomic.shop import day_of

    with reading(config, ledger) as opened:
        found, today = _keyring(opened).listed(time.time_ns()), day_of(time.time_ns())
        spent = {one.key: opened.spent(today, purse_of(one.key)) for one, _, _ in found}
    if json:
        print_json([_told(one, when, why) | {"spent_today": spent[one.key]} for one, when, why in found])
        return
    rows = [_row(one, when, why, spent[one.key]) for one, when, why in found]
    say("\n".join(columns([_HEADING, *rows])) if rows else "there are no keys: only this machine may ask")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id or name.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Take a key no more, at once, in every process."""
    read = _on_file(config_for(config, ledger))
    with reading(config, ledger) as opened:
        found = _find(_keyring(opened), key)
    asyncio.run(_write(read, [KeyRevoked(key=found.key)]))
    say(f"key {found.key} is revoked")


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help="Its id or name.")],
    hours: Annotated[float, typer.Option(min=0.0, help="How long the old secret is taken as well.")] = 24.0,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Give a key another secret and show it, this once. Its limits, and what it has spent, stay."""
    read = _on_file(config_for(config, ledger))
    with reading(config, ledger) as opened:
        found = _find(_keyring(opened), key)
    fresh, secret = fresh_secret(found.key)
    until_ns = time.time_ns() + int(hours * 3_600e9)
    issued = replace(found, digest=fresh.digest, prefix=fresh.prefix, before_until_ns=until_ns)
    asyncio.run(_write(read, [issued]))
    _show(issued, secret)


def _roles(names: Sequence[str]) -> tuple[Role, ...]:
    for name in names:
        if name not in ROLES:
            raise CallerError(f"there is no role {name!r}", hint=f"one of {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in names)


def _on_file(config: Config) -> Config:
    if config.ledger is None:
        raise ConfigError("keys are kept in the ledger, and this one is in memory", hint="name a file in market.ledger")
    return config


def _keyring(ledger: History) -> Keyring:
    keyring = Keyring()
    keyring.fold(ledger.read(kinds=_KINDS))
    return keyring


def _find(keyring: Keyring, text: str) -> KeyIssued:
    found = keyring.get(text)
    if found is None:
        if sum(text in (one.key, one.name) for one, _, _ in keyring.listed(time.time_ns())) > 1:
            raise CallerError(f"several keys are called {text!r}", hint="name one by its id: see `atomic keys list`")
        raise NotFound(f"there is no key {text!r}, or it is revoked", hint="see `atomic keys list`")
    return found


async def _write(config: Config, records: Sequence[KeyIssued | KeyRevoked]) -> None:
    from atomic.config import open_to_judge

    async with open_to_judge(config) as market:
        await market.record([Entry(payload=one) for one in records], power_durable=True)


def _show(issued: KeyIssued, secret: str) -> None:
    say(f"key {issued.key}; this is shown once, and not kept:")
    typer.echo(secret)


def _told(one: KeyIssued, issued_ns: int, why: str) -> dict[str, object]:
    return {
        "key": one.key,
        "prefix": one.prefix,
        "name": one.name,
        "tenant": one.tenant,
        "team": one.team,
        "issued_ns": issued_ns,
        "expires_ns": one.expires_ns,
        "per_day": one.per_day,
        "rate": one.rate,
        "tasks": list(one.tasks),
        "roles": list(one.roles),
        "why_not": why,
    }


def _row(one: KeyIssued, issued_ns: int, why: str, spent: int) -> tuple[str, ...]:
    return (
        one.key,
        f"{one.prefix}…",
        one.name,
        one.tenant,
        one.team,
        _day(issued_ns),
        _day(one.expires_ns) if one.expires_ns else "never",
        "any" if one.per_day is None else dollars(one.per_day),
        dollars(spent),
        str(one.rate or "any"),
        ", ".join(one.tasks) or "all",
        ", ".join(one.roles),
        why,
    )


def _day(time_ns: int) -> str:
    return datetime.datetime.fromtimestamp(time_ns / 1e9, tz=datetime.UTC).strftime("%Y-%m-%d %H:%M")

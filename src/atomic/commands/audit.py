"""`atomic audit`: a bundle of what was decided, for somebody who trusts nobody here."""

from __future__ import annotations

import asyncio
import datetime
import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, ledger_file, print_json, say
from atomic.errors import CallerError

_WHEN = 'write it as "2026-11-01", "2026-11-01T09:30+01:00", or an age such as "7d" or "36h"'


def audit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.", show_default=False)],
    since: Annotated[str, typer.Option("--since", help=f"From when: {_WHEN}. UTC unless it says otherwise.")],
    until: Annotated[str | None, typer.Option("--until", help="Up to before then; default: now.")] = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="Inputs and answers too.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Write what was decided since then into FOLDER, signed, with a program that checks it without Atomic."""
    import dataclasses

    from atomic.audit import write_bundle

    now_ns = time.time_ns()
    since_ns, until_ns = _nanoseconds(since, now_ns), None if until is None else _nanoseconds(until, now_ns)
    path = ledger_file(config, ledger)
    found = asyncio.run(write_bundle(path, folder, since_ns=since_ns, until_ns=until_ns, bodies=bodies))
    if json:
        print_json(dataclasses.asdict(found))
        return
    say(f"{folder}: {found.decisions} decisions in events {found.first} to {found.last}; {found.events} events with")
    say("those around them, up to the signed heads before and after.")
    say(f"Signed by {found.public_key}: give this key to the auditor by another way.")
    say(f"It is checked by: python check.py {folder} --key {found.public_key}")


def _nanoseconds(when: str, now_ns: int) -> int:
    """A moment as people write it, in nanoseconds since 1970.

    >>> _nanoseconds("1970-01-02", 0), _nanoseconds("36h", 10**18) == 10**18 - 36 * 3600 * 10**9
    (86400000000000, True)
    """
    from atomic.config.values import Age

    try:
        return now_ns - int(TypeAdapter(Age).validate_python(when))
    except ValidationError:
        pass  # not an age: a day, or a time of one
    try:
        moment = datetime.datetime.fromisoformat(when)
    except ValueError:
        raise CallerError(f"{when!r} is no time", hint=_WHEN) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return round(moment.timestamp() * 1_000_000) * 1_000

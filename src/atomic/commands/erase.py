"""`atomic erase` and `atomic export-subject`: what is about somebody, gone for ever or handed out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from atomic.commands.common import (
    ConfigOption,
    LedgerOption,
    find_config_and_ledger,
    print_json,
    reading,
    say,
)
from atomic.errors import CallerError, ConfigError

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.inbox.subjects import Erasure

_DAY_NS = 86_400_000_000_000
SubjectArgument = Annotated[
    str,
    typer.Argument(metavar="SUBJECT", help="An address, or the name that the application gave.", show_default=False),
]


def erase(
    subject: SubjectArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Erase all that is about somebody, for ever.

    Keys and bodies are destroyed, beliefs drawn up again without them, and the inbox's drafts, tags and filed mails
    removed. The mailbox itself is left alone, and so are backups: docs/erasure.md says what to do with those.
    """
    subject = _named(subject)
    read = find_config_and_ledger(config, ledger)
    if not yes:
        typer.confirm(f"Erase all that is about {subject} from {read.ledger}? It cannot be undone.", abort=True)
    found = asyncio.run(_erase(read, subject))
    if found.erased is None and not found.files:
        say("There was nothing to erase.")
        return
    erased = found.erased
    requests, bodies = (len(erased.requests), erased.bodies) if erased is not None else (0, 0)
    say(f"Erased: {bodies} bodies, {requests} requests as a whole, {found.files} files of results.")
    say("Backups of the keys still hold theirs: replace them now (docs/erasure.md).")


async def _erase(config: Config, subject: str) -> Erasure:
    from atomic.inbox.subjects import erased
    from atomic.ledger import SqliteLedger

    assert config.ledger is not None  # it was found
    async with SqliteLedger.open(config.ledger) as ledger:
        return await erased(config, ledger, subject)


def export_subject(
    subject: SubjectArgument,
    file: Annotated[Path | None, typer.Argument(help="A new file; without it, the standard output.")] = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Write all that is kept about somebody as one JSON file: inputs, answers, feedback, actions, and results."""
    from atomic.inbox.subjects import exported

    subject = _named(subject)
    read = find_config_and_ledger(config, ledger)
    with reading(config, ledger) as opened:
        found = exported(read, opened, subject)
    if file is None:
        print_json(found)
        return
    try:
        with file.open("xb") as target:
            target.write(
                orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
            )
    except FileExistsError:
        raise CallerError(f"{file} is there already", hint="name a file that is not, or remove it first") from None
    except OSError as error:
        raise CallerError(f"{file} cannot be written: {error.strerror}") from None
    say(f"{len(found['events'])} events and {len(found['results'])} files of results in {file}")


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Erase nothing: say how much would be.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Erase the bodies of requests that are older than `[retention]` says for their data label.

    Let a timer run it once a day. What was learned from them goes as well.
    """
    read = find_config_and_ledger(config, ledger)
    ages = {label: age for label, age in read.settings.retention.model_dump().items() if age is not None}
    if not ages:
        raise ConfigError("[retention] says nothing: every body is kept for ever", hint='write: internal = "90d"')
    now_ns = time.time_ns()
    with reading(config, ledger) as opened:
        old = {label: opened.older_than(label, now_ns - age) for label, age in ages.items()}
    for label, requests in old.items():
        say(f"{label}: {len(requests)} requests are older than {ages[label] / _DAY_NS:g} days")
    every = sorted({one for requests in old.values() for one in requests})
    if not dry_run and every:
        found = asyncio.run(_retire(read, every))
        say(f"Erased: {found.erased.bodies if found.erased else 0} bodies, {found.files} files of results.")


async def _retire(config: Config, requests: list[tuple[str, str]]) -> Erasure:
    from atomic import erasure
    from atomic.inbox.forgetting import digests_of, forget_results
    from atomic.inbox.subjects import Erasure, results_of
    from atomic.ledger import SqliteLedger

    assert config.ledger is not None  # it was found
    async with SqliteLedger.open(config.ledger) as ledger:
        found = await erasure.erase_requests(ledger, requests)
    digests = digests_of([request_id for _, request_id in requests])
    return Erasure(erased=found, files=forget_results(results_of(config), "", digests))


def _named(subject: str) -> str:
    subject = subject.strip()
    if not subject:
        raise typer.BadParameter("a subject has a name")
    return subject

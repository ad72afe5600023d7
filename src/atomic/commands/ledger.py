"""`atomic ledger …`: verify, tail, show, export."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import orjson
import typer

from atomic.commands.common import (
    ConfigOption,
    JsonOption,
    LedgerOption,
    config_for,
    find_request,
    ledger_file,
    print_json,
    reading,
    say,
)
from atomic.errors import CallerError, ConfigError, NotFound

if TYPE_CHECKING:
    from atomic.ledger import LedgerReader
    from atomic.records.event import Event

app = typer.Typer(no_args_is_help=True, help="The ledger: everything that happened, in order.")
BodiesOption = Annotated[bool, typer.Option("--bodies", help="Inputs and answers too.")]
_LOOK_AGAIN_SECONDS = 0.5


@app.command()
def verify(json: JsonOption = False, config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """Check the chain, the signed heads and every body. Exit 1 when anything is not as it was written."""
    from atomic.ledger.keys import keys_path
    from atomic.ledger.verify import verify as check

    path = ledger_file(config, ledger)
    found = check(path)
    if json:
        print_json(dataclasses.asdict(found) | {"ok": found.ok})
    else:
        for seq, what in found.problems:
            typer.echo(f"#{seq}: {what}" if seq else what)
        erased = f", {found.erased} bodies erased" if found.erased else ""
        if not keys_path(path).exists():
            typer.echo(f"without {keys_path(path).name} no body can be compared: only events and contents were")
        typer.echo(
            f"{path}: {found.events} events, {found.bodies} bodies and {found.blobs} contents compared{erased}; "
            f"sealed up to #{found.sealed_to}, {found.unsealed} events after it"
        )
        typer.echo("verified" if found.ok else f"NOT AS IT WAS WRITTEN: {len(found.problems)} problems")
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Keep the keys apart: see docs/erasure.md.")
    ] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Copy the whole ledger while others write it, and verify the copy."""
    from atomic.ledger.backup import back_up

    found = back_up(ledger_file(config, ledger), folder, keys=not without_keys)
    typer.echo(f"{folder}: {found.events} events and {found.bodies} bodies, verified")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `atomic ledger backup` made.")],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Put a backup where the ledger was, verified. Keys that are still there are kept: what was erased stays so.

    Exit 1 when it is not as it was written.
    """
    from atomic.ledger.backup import restore as put_back

    path = config_for(config, ledger).ledger
    if path is None:
        raise ConfigError("this configuration keeps its ledger in memory: nothing can be put back")
    found = put_back(folder, path)
    typer.echo(f"{path}: {found.events} events and {found.bodies} bodies are back, {found.erased} bodies erased")
    for seq, what in found.problems:
        typer.echo(f"#{seq}: {what}" if seq else what)
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def upgrade(config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """Carry a ledger of an earlier release forward. What is in it stays as it is, and verifies."""
    from atomic.ledger.upgrade import upgrade as carry_forward

    path = ledger_file(config, ledger)
    before, after = carry_forward(path)
    typer.echo(f"{path}: has schema {after}" + (f", had {before}" if before < after else " already"))


@app.command("import")
def import_(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Another ledger, the folder of a backup, or an export.")
    ],
    check: Annotated[bool, typer.Option("--check", help="Bring nothing: say what would come, and what not.")] = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Although the source is not as it was written.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Bring in the verified answers of another ledger, and what was said of them.

    What is here already is passed over, what was erased stays erased. Exit 1 where something is in conflict.
    """
    from atomic.commands.merged import as_json, carried_out, told

    path = ledger_file(config, ledger)
    found, origin, again = carried_out(source, path, check=check, unverified=unverified)
    if json:
        print_json(as_json(found, origin))
    else:
        say("\n".join(told(found, origin, source, check=check)))
        if again:
            say("People were erased here before, who are known there by other tokens: erase them here once more.")
    raise typer.Exit(1 if found.conflicts else 0)


@app.command()
def tail(
    count: Annotated[int, typer.Option("-n", min=0, help="How many events.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events until interrupted.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Show the last events, a line each."""
    from atomic.commands.lines import line

    with reading(config, ledger) as opened:
        seen = max(0, opened.head() - count)
        while True:
            for event in opened.read(after=seen):
                say(line(event))
                seen = event.seq
            if not follow:
                return
            time.sleep(_LOOK_AGAIN_SECONDS)


@app.command()
def show(
    which: Annotated[
        str, typer.Argument(metavar="SEQ|ID", help='An event\'s number, a request id, ID/round or "last".')
    ],
    bodies: BodiesOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Show an event, or all events of a request, as JSON."""
    from atomic.explain.events import event_told

    with reading(config, ledger) as opened:
        for event in _events(opened, which):
            print_json(event_told(opened, event, bodies=bodies))


def _events(ledger: LedgerReader, which: str) -> list[Event]:
    number = which.removeprefix("#")
    if number.isdecimal():
        found = list(ledger.read(after=int(number) - 1, limit=1))
        if found and found[0].seq == int(number):
            return found
        if not _known(ledger, which):
            raise NotFound(f"there is no event {number}", hint=f"the last is {ledger.head()}")
    text, slash, turn = which.rpartition("/")
    if slash and turn.isdecimal() and not _known(ledger, which):
        request = find_request(ledger, text)
        events = [event for event in ledger.read(request_id=request.request_id) if event.round == int(turn)]
        if not events:
            raise NotFound(f"request {request.request_id} has no round {turn}")
    else:
        request = find_request(ledger, which)
        events = list(ledger.read(request_id=request.request_id))
    return [event for event in events if event.tenant == request.tenant]


def _known(ledger: LedgerReader, request_id: str) -> bool:
    return any(True for _ in ledger.read(request_id=request_id, limit=1))


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="A new file; without it, the standard output.")] = None,
    bodies: BodiesOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Write the ledger as JSON lines, with all that somebody else needs to check it."""
    path = ledger_file(config, ledger)
    if file is None:
        _write(path, sys.stdout.buffer, bodies)
        return
    try:
        with file.open("xb") as target:
            lines = _write(path, target, bodies)
    except FileExistsError:
        raise CallerError(f"{file} is there already", hint="name a file that is not, or remove it first") from None
    except OSError as error:
        raise CallerError(f"{file} cannot be written: {error.strerror}") from None
    typer.echo(f"{lines} lines in {file}")


def _write(ledger: Path, target: BinaryIO, bodies: bool) -> int:
    from atomic.ledger.export import export as exported

    lines = 0
    for one in exported(ledger, bodies=bodies):
        target.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
        lines += 1
    target.flush()
    return lines

"""`atomic import`: what was written for BAML, as microtasks, bidders and cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomic.commands.common import say
from atomic.errors import CallerError


def import_(
    source: Annotated[Path, typer.Argument(help="A folder of .baml files.", metavar="FOLDER")],
    into: Annotated[Path, typer.Option(help="Where the module, the cases and atomic.toml are written.")] = Path(),
    worth: Annotated[
        str, typer.Option(metavar="AMOUNT", help="What a right answer of each microtask is worth.")
    ] = "$0.01",
    force: Annotated[bool, typer.Option("--force", help="Write over a module and cases that are there.")] = False,
) -> None:
    """Carry over a folder of BAML files: functions as microtasks, clients as bidders, tests as cases.

    Prompts, types' asserts and checks stay in the files, and are read from there while running.
    """
    from atomic.integrations.baml_import import CONFIG, carry_over
    from atomic.records.money import nano_usd

    if not source.is_dir():
        raise CallerError(f"there is no folder {source}", hint="BAML's own is called baml_src")
    nano_usd(worth)
    made = carry_over(source, into, worth=worth)
    there = [path for path in made.files if path.exists() and path.name != CONFIG]
    if there and not force:
        raise CallerError(f"{there[0]} is there already", hint="--force writes it anew")
    made.write()
    for path in made.files:
        say(f"wrote {path}")
    say(f"microtasks: {', '.join(made.microtasks) or 'none'}")
    say(f"bidders: {', '.join(made.bidders) or 'none new'}")
    say(f"cases: {made.cases}")
    for what, why in made.notes:
        say(f"not carried over: {what}: {why}")

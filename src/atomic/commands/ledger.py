"""`atomic ledger …`: verify, tail, show, export."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from atomic.commands.common import ConfigOption, LedgerOption, reading

app = typer.Typer(no_args_is_help=True, help="The ledger: everything that happened, in order.")
_LOOK_AGAIN_SECONDS = 0.5


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
                typer.echo(line(event))
                seen = event.seq
            if not follow:
                return
            time.sleep(_LOOK_AGAIN_SECONDS)

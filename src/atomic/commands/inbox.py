"""`atomic demo` and `atomic inbox …`: the market on a mailbox."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated

import typer

from atomic.commands.common import ConfigOption, LedgerOption, config_for, find_config_and_ledger

_AGO = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

app = typer.Typer(no_args_is_help=True, help="A mailbox: each mail typed, tagged, moved or answered by a draft.")


def demo() -> None:
    """Watch the market on 62 mails.

    In a fresh folder atomic-demo. The environment chooses: MODELS=more a second language model, REAL=1 real mails.
    """
    from atomic.inbox.demo import main

    raise typer.Exit(main())


@app.command()
def run(
    path: Annotated[Path, typer.Argument(exists=True, help="A folder of .eml files, a Maildir, or an mbox.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Buy, tag and move nothing: say what would be bought first, and its cost.")
    ] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Handle every mail of a mailbox.

    What its owner moved or tagged differently since the last run teaches first. Replies and forwards are drafts unless
    the configuration has a table [inbox.smtp] and a rule that sends. Exit 1 when some mail could not be handled.
    """
    from atomic.inbox.door import run_path

    raise typer.Exit(asyncio.run(run_path(config_for(config, ledger), path, dry_run=dry_run)))


@app.command()
def serve(
    path: Annotated[Path, typer.Argument(exists=True, help="A folder of .eml files, a Maildir, or an mbox.")],
    interval: Annotated[float, typer.Option(min=0.05, max=3_600.0, help="Seconds between two looks.")] = 2.0,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Watch a mailbox and handle mail as it comes.

    What its owner moves or tags teaches as it happens. SIGTERM or Ctrl-C ends it once what is in hand is done, the
    second one at once. One runner per mailbox and ledger.
    """
    from atomic.inbox.door import serve_path

    asyncio.run(serve_path(config_for(config, ledger), path, interval=interval))


@app.command()
def correct(
    mail: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The mail's file.")],
    folder: Annotated[str, typer.Option(help="The folder that it belongs into.")] = "",
    spam: Annotated[str, typer.Option(help="spam or ham.")] = "",
    category: Annotated[str, typer.Option(help="The category that is right.")] = "",
    sentiment: Annotated[str, typer.Option(help="negative, neutral or positive.")] = "",
    priority: Annotated[str, typer.Option(help="low, normal or high.")] = "",
    needs_reply: Annotated[bool | None, typer.Option(help="Whether its writer expects an answer.")] = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Say what is right about a mail.

    The market learns from it at once, and the mail is filed anew.
    """
    from atomic.inbox.door import correct_mail

    words = {"spam": spam, "category": category, "sentiment": sentiment, "priority": priority}
    truths: dict[str, str | bool] = {task: word for task, word in words.items() if word}
    if needs_reply is not None:
        truths["needs_reply"] = needs_reply
    if not truths and not folder:
        raise typer.BadParameter("say at least one thing that is right, such as --spam ham or --folder Billing")
    asyncio.run(correct_mail(config_for(config, ledger), mail, truths, folder=folder))


@app.command()
def undo(
    last: Annotated[str, typer.Option("--last", metavar="TIME", help='How far back, such as "30m", "1h" or "2d".')],
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Undo what was done to mails lately: moves, tags and drafts.

    What left the house (mail that was sent, webhooks that were told) cannot be undone, and is listed. What was undone
    is not done again unless you correct the mail.
    """
    from atomic.inbox.door import undo_last

    found = _AGO.fullmatch(last)
    if found is None:
        raise typer.BadParameter(f'{last!r} is not a time: write it as "30m", "1h" or "2d"')
    seconds = int(found.group(1)) * _SECONDS[found.group(2)]
    asyncio.run(undo_last(find_config_and_ledger(config, ledger), seconds=seconds))

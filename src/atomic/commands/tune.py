"""`atomic tune`: better words for a task, found offline by an optimizer; they enter as tactics and must win."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from atomic.commands.common import ConfigOption, LedgerOption, config_for, say
from atomic.errors import CallerError, NotFound


def tune(
    task: Annotated[str, typer.Argument(help='A microtask: of the inbox by name, or your own as "module:name".')] = "",
    optimizer: Annotated[str, typer.Option(metavar="NAME", help="gepa, miprov2 or bootstrap.")] = "gepa",
    budget: Annotated[str, typer.Option(metavar="AMOUNT", help="What all of it may cost.")] = "",
    bidder: Annotated[str, typer.Option(metavar="NAME", help="Whose words: a bidder that takes messages.")] = "",
    show: Annotated[bool, typer.Option("--list", help="What was found so far.")] = False,
    remove: Annotated[str, typer.Option(metavar="NAME", help="Take a finding out, by its name.")] = "",
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Look for better words for a task, on its verified answers.

    One answer in four is held out, by a hash of its request: no optimizer ever sees it. What is found is kept in the
    file that `market.tuned` names and bids from the next opening on, beside the words of before, until one of both has
    lost. Exit code 1: nothing was found.
    """
    from atomic.config.tuned import read_found, write_found

    read = config_for(config, ledger)
    file = read.folder / read.settings.market.tuned
    found = read_found(file)
    if remove:
        if all(one.name != remove for one in found):
            raise NotFound(f"nothing is called {remove!r}", hint="`atomic tune --list`")
        write_found(file, [one for one in found if one.name != remove])
    elif show:
        for one in found:
            shown = f", {len(one.examples)} examples" if one.examples else ""
            say(f"{one.name}  {one.task}, by {one.optimizer} for {one.bidder}, {one.day}{shown}")
            say("\n".join(f"    {line}" for line in one.instruction.splitlines()))
    else:
        _tune(task, optimizer, budget, bidder, config=config, ledger=ledger)


def _tune(task: str, optimizer: str, budget: str, bidder: str, *, config: Path | None, ledger: Path | None) -> None:
    from atomic.blocking import open_sync
    from atomic.calibrate import find_task
    from atomic.config.tuned import Found, read_found, write_found
    from atomic.optimizing import OPTIMIZERS, TACTICS, optimize, verified
    from atomic.records.money import dollars, nano_usd

    if not (task and budget and bidder):
        raise CallerError("a task, --budget and --bidder are needed", hint="atomic tune TASK --bidder mini --budget $1")
    if optimizer not in OPTIMIZERS:
        raise CallerError(f"there is no optimizer {optimizer!r}", hint=f"one of {', '.join(OPTIMIZERS)}")
    asked, read = find_task(task), config_for(config, ledger)
    with open_sync(read, tactics=TACTICS) as market:
        if bidder not in market.bidders:
            raise NotFound(f"there is no bidder {bidder!r}", hint=f"one of {', '.join(market.bidders)}")
        answers = verified(market.ledger, asked, market.bidders[bidder].profile)
        say(f"{len(answers.shown)} verified answers to learn from, {len(answers.held)} held out")
        run = optimize(market, asked, answers, bidder, optimizer, nano_usd(budget))
    say(f"{run.calls} calls, {dollars(run.spent)}{'; the budget ended it' if run.ended else ''}")
    if not run.found:
        say("Nothing was found that is better than the task's own words.")
        raise typer.Exit(1)
    file = read.folder / read.settings.market.tuned
    known = read_found(file)
    numbers = [int(one.name.rpartition("-")[2]) for one in known if one.optimizer == optimizer]
    name = f"{optimizer}-{max(numbers, default=0) + 1}"
    made = Found(
        task=asked.name,
        name=name,
        instruction=run.instruction,
        examples=run.examples,
        optimizer=optimizer,
        bidder=bidder,
        spent=run.spent,
        day=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    )
    write_found(file, [*known, made])
    shown = f", with {len(run.examples)} examples" if run.examples else ""
    say(f"{name} bids for {asked.name} from the next opening on{shown}:")
    say(run.instruction)

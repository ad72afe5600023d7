"""`atomic savings` and `atomic modes`: what the market is worth against a bidder, and who answers by now and why."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, print_json, reading, say
from atomic.errors import CallerError


def savings(
    against: Annotated[str, typer.Option(metavar="BIDDER", help="The bidder to compare with, named as incumbent.")],
    task: Annotated[str, typer.Option(help="Only this microtask.")] = "",
    since: Annotated[
        str, typer.Option(metavar="DAY", help='Only what was asked from then on: "2026-11-24", UTC.')
    ] = "",
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """What the market saved against a bidder, and gained or lost.

    From randomised pairs alone, with bounds that hold however often one looks.
    """
    from atomic.savings import savings as measured

    with reading(config, ledger) as opened:
        found = measured(opened, against, task=task, since_ns=_day_ns(since))
    if json:
        print_json([one.json() for one in found])
    else:
        say("\n".join(one.text() for one in found))


def modes(
    task: Annotated[str, typer.Option(help="Only this microtask.")] = "",
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Who answers each task, since when, and on what evidence that changed."""
    from atomic.modes import standings_told

    with reading(config, ledger) as opened:
        rows = [one for one in standings_told(opened) if task in {"", one["task"]}]
    if json:
        print_json(rows)
    elif not rows:
        say("the market answers everything: no task has a table of its own (docs/modes.md)")
    else:
        say("\n".join(line for row in rows for line in _lines(row)))


def _lines(row: dict[str, Any]) -> Iterator[str]:
    mode = row["mode"]
    arms = ", ".join(f"{arm} {100 * share:g} %" for arm, share in row["shares"].items())
    yield f"{row['task']}: {row['phase']}; who answers: {arms}"
    if mode["incumbent"]:
        for arm, one in row["evidence"].items():
            yield (
                f"  {arm} against {mode['incumbent']}: {one['pairs']} pairs since the last change; evidence that it is "
                f"better {one['won']:.3g}, that it is worse {one['lost']:.3g}; {one['needed']:.0f} decides"
            )
    for one in row["history"]:
        when = datetime.datetime.fromtimestamp(one["time_ns"] / 1e9, tz=datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        yield f"  {when} #{one['seq']}: {_event(one)}"


def _event(one: dict[str, Any]) -> str:
    if "stated" in one:
        mode = one["stated"]["mode"]
        return f"stated: {mode['mode']}" + (f", incumbent {mode['incumbent']}" if mode["incumbent"] else "")
    told = one["changed"]
    what = {
        "observe": f"{told['arm']} won; nothing moves while it is observed",
        "canary": f"{told['arm']} won: a share of the traffic again",
        "promoted": f"{told['arm']} won: it answers everything",
        "returned": f"back to the incumbent: {told['arm'] or 'the challengers'} {told['why']}",
    }[told["to"]]
    counted = "answers" if "floor" in told["why"] else "pairs"
    weighed = f"evidence {told['evidence']:.3g} of {told['needed']:.0f}, event {told['seen']}"
    return f"{what} ({told['pairs']} {counted}, mean {told['mean']:+.4f}; {weighed})"


def _day_ns(since: str) -> int:
    if not since:
        return 0
    try:
        day = datetime.date.fromisoformat(since)
    except ValueError:
        raise CallerError(f"{since!r} is not a day", hint='write it as "2026-11-24"') from None
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp()) * 1_000_000_000

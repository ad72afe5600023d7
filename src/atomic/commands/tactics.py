"""`atomic tactics`: what came of each tactic in a task."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, columns, print_json, reading, say
from atomic.records.money import NANO, dollars

_HEAD = ("tactic", "tried", "won", "judged", "right", "lift", "95 %", "cost each")


def tactics(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The microtask's name.")],
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """List what came of each tactic in a task: tried, won, right, lift over asking plainly, cost.

    The interval of a lift holds at all times together, so looking often does no harm. Answers that were bought in view
    of other answers are not among the judged: such cases are harder than most.
    """
    from atomic.errors import NotFound
    from atomic.explain.tried import KINDS, record_of

    with reading(config, ledger) as opened:
        found = record_of(opened.read(kinds=KINDS), task)
    if not found.bids:
        raise NotFound(
            f"nobody was asked for {task!r}", hint="the name of a microtask that was bought: see `atomic objectives`"
        )
    rows: list[tuple[str, ...]] = []
    told: list[dict[str, Any]] = []
    for key, one in sorted(found.bids.items()):
        lift = found.lift(key)
        each = one.cost // max(1, one.tried)
        rows.append(
            (
                key,
                str(one.tried),
                str(one.won),
                str(len(one.rights)),
                "-" if one.right is None else f"{one.right:.3f}",
                "-" if lift is None else f"{lift.mean:+.3f}",
                "-" if lift is None else f"[{lift.low:+.3f}, {lift.high:+.3f}]",
                dollars(each),
            )
        )
        told.append(
            {
                "tactic": key,
                "tried": one.tried,
                "won": one.won,
                "failed": one.failed,
                "judged": len(one.rights),
                "right": one.right,
                "lift": None
                if lift is None
                else {"over": lift.over, "mean": lift.mean, "low": lift.low, "high": lift.high},
                "usd_each": each / NANO,
            }
        )
    stopped = [{"stopped": one.stopped, "by": one.by, "pairs": one.pairs, "lead": one.lead} for one in found.stopped]
    retired = [
        {"example": one.example, "repeated": one.repeated, "wrong": one.wrong, "expected": one.expected}
        for one in found.retired
    ]
    if json:
        print_json({"task": task, "tactics": told, "stopped": stopped, "retired": retired})
        return
    for line in columns([_HEAD, *rows]):
        say(line)
    for decided in found.stopped:
        lead = f"{decided.by} is right more often by {decided.lead:.0%} ({decided.pairs} pairs)"
        say(f"{decided.stopped} is asked no more: {lead}")
    for gone in found.retired:
        say(
            f"example {gone.example} is shown no more: {gone.wrong:g} of {gone.repeated} answers like it were wrong, "
            f"{gone.expected:.1f} expected"
        )

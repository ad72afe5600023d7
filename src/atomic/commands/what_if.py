"""`atomic what-if`: recorded traffic under another worth, without a bidder, at other prices."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from atomic.commands.common import (
    ConfigOption,
    JsonOption,
    LedgerOption,
    columns,
    print_json,
    reading,
    say,
    short_id,
)
from atomic.errors import CallerError
from atomic.records.canonical import canonical_json
from atomic.records.money import dollars

if TYPE_CHECKING:
    from atomic.whatif import Tried, WhatIf

_SHOWN, _ANSWER = 20, 30


def what_if(
    worth: Annotated[str | None, typer.Option(help='Another worth: "2x" or "$0.01".')] = None,
    without: Annotated[list[str] | None, typer.Option(metavar="BIDDER", help="As if it had not bid.")] = None,
    price: Annotated[list[str] | None, typer.Option(metavar="BIDDER=0.5x", help="At another price of its.")] = None,
    task: Annotated[str, typer.Option(help="This microtask only.")] = "",
    last: Annotated[int, typer.Option(min=0, help="So many newest requests; 0: all.")] = 1_000,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """What recorded traffic would have bought if something had been otherwise.

    First rounds are auctioned again; what would have come of it is told where the ledger knows it, else "not known".
    """
    from atomic.whatif import Amount, Change
    from atomic.whatif import what_if as tried

    if worth is None and not without and not price:
        raise typer.BadParameter("say what would be otherwise: --worth, --without or --price")
    prices = []
    for one in price or ():
        name, equal, amount = one.rpartition("=")
        if not equal or not name:
            raise CallerError(f"{one!r} is no price", hint="write BIDDER=0.5x or BIDDER=$0.001")
        prices.append((name, Amount.read(amount)))
    change = Change(
        worth=None if worth is None else Amount.read(worth), without=tuple(without or ()), prices=tuple(prices)
    )
    with reading(config, ledger) as opened:
        found = tried(opened, change, task=task, last=last)
    if json:
        print_json({"totals": found.totals(), "requests": [dataclasses.asdict(one) for one in found.rounds]})
    else:
        say("\n".join(_told(found)))


def _told(found: WhatIf) -> Iterator[str]:
    sums = found.totals()
    yield f"{sums['requests']} first rounds auctioned again; the award is another in {sums['changed']}."
    if found.apart:
        yield f"{found.apart} more could not be: made by other rules, erased, or not as recorded."
    yield (
        f"What would have come of it is known for {sums['known']} and not known for {sums['not_known']} "
        f"({sums['changed_and_known']} of the {sums['changed']} others known)."
    )
    if sums["known"]:
        yield f"Over the {sums['known']} known: {dollars(int(sums['cost_now'] or 0))} was billed in first rounds, " + (
            f"{dollars(int(sums['cost_then'] or 0))} would have been."
        )
    if sums["judged"]:
        yield (
            f"Over the {sums['judged']} of them where feedback says so of both answers: right "
            f"{sums['right_now']:.3f} as it was, {sums['right_then']:.3f} as it would have been."
        )
    if sums["changed"]:
        yield "Known is what was bought in the same request anyway: mostly hard cases, not like the rest."
        yield ""
        rows = [_row(one) for one in found.changed[:_SHOWN]]
        yield from columns([("request", "task", "was", "would be", "billed", "answer", "right"), *rows])
        if len(found.changed) > _SHOWN:
            yield f"… and {len(found.changed) - _SHOWN} more; --json has them all"


def _row(one: Tried) -> tuple[str, ...]:
    came = one.came_then
    was, would = (" and ".join(action) or "nobody" for action in (one.now, one.then))
    if came is None:
        return short_id(one.request_id), one.task, was, would, "not known", "not known", "not known"
    answer = {"none": "none", "erased": "erased"}.get(came.state) or canonical_json(came.answer).decode()[:_ANSWER]
    right = "not known" if came.right is None else f"{came.right:.2f}"
    return short_id(one.request_id), one.task, was, would, dollars(came.cost), " ".join(answer.split()), right

"""`atomic explain`, `why-not` and `replay`: why it was decided so, and whether it would be again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from atomic.commands.common import (
    ConfigOption,
    JsonOption,
    LedgerOption,
    RequestArgument,
    find_request,
    print_json,
    reading,
    say,
)
from atomic.commands.ledger import BodiesOption
from atomic.errors import OperatorError


def explain(
    request: RequestArgument,
    json: JsonOption = False,
    brief: Annotated[bool, typer.Option("--brief", help="On one screen.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as a page to look at, one file without scripts.")
    ] = None,
    bodies: BodiesOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Why an answer was bought from whom.

    And what it would have taken to be bought elsewhere.
    """
    from atomic.explain import explain as explained

    with reading(config, ledger) as opened:
        event = find_request(opened, request)
        story = explained(opened, event.request_id, tenant=event.tenant, bodies=bodies)
    if html is not None:
        try:
            html.write_text(story.html(), encoding="utf-8")
        except OSError as error:
            raise OperatorError(f"{html} cannot be written: {error.strerror}") from None
        say(f"written to {html}")
    else:
        print_json(story.json()) if json else say(story.brief() if brief else story.text())


def why_not(
    bidder: Annotated[str, typer.Argument(help='A bidder, or "bidder+tactic".')],
    request: RequestArgument,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Why a bidder did not win a request.

    And what it would have taken.
    """
    from atomic.explain import why_not as explained

    with reading(config, ledger) as opened:
        event = find_request(opened, request)
        story = explained(opened, bidder, event.request_id, tenant=event.tenant)
        print_json(story.json()) if json else say(story.text())


def replay(
    deep: Annotated[bool, typer.Option("--deep", help="Rebuild beliefs from lessons as well.")] = False,
    sample: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="This share of the awards only, chosen by their hash.")
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Compute every award again.

    Exit 1 when any differs, 2 when some cannot be replayed by this release.
    """
    from atomic.replay import replay as recomputed

    with reading(config, ledger) as opened:
        found = recomputed(opened, deep=deep, sample=sample)
    print_json(dataclasses.asdict(found)) if json else say(found.text())
    raise typer.Exit(found.exit_code)

"""`atomic bench routing`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class _Feedback(StrEnum):
    ALL = "all"
    BOUGHT = "bought"
    NONE = "none"


def routing(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with items.jsonl.xz and outcomes.jsonl.xz.")],
    learn: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Learn from that folder; without: five folds of DIR.")
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(help="worth=$0.01, target=0.95, budget=$2/1k, price=0.6x or frontier; may be given again."),
    ] = None,
    labels: Annotated[str, typer.Option(help="How many learn items are labelled: all, none or a number.")] = "all",
    feedback: Annotated[_Feedback, typer.Option(help="What is told of each item once it was bought.")] = _Feedback.NONE,
    shuffle: Annotated[int | None, typer.Option(metavar="SEED", help="Another order of the items.")] = None,
    folds: Annotated[int, typer.Option(min=1, max=5, help="Without --learn: try that many of the five folds.")] = 5,
    bidders: Annotated[str, typer.Option(metavar="A,B", help="These bidders alone.")] = "",
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")] = None,
) -> None:
    """Replay an outcome table through the market, with its controls in the same run."""
    from atomic.bench import routing as bench

    if labels not in {"all", "none"} and not labels.isdecimal():
        raise typer.BadParameter(f"--labels {labels}: all, none or a number")
    options = bench.Options(
        objectives=bench.objectives(objective or ["price=0.6x"]),
        labels=None if labels == "all" else 0 if labels == "none" else int(labels),
        feedback=feedback.value,
        shuffle=shuffle,
        folds=folds,
    )
    named = [name for name in bidders.split(",") if name]
    result = bench.run(folder, options, learn=learn, bidders=named, tell=lambda text: typer.echo(text, err=True))
    typer.echo(bench.text(result))
    if json is not None:
        json.write_text(result.model_dump_json(indent=2))

"""`atomic bench routing`: replays an outcome table through the market, beside what a team would try first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from atomic.bench.routing.objectives import objectives
from atomic.bench.routing.outcomes import Table, read_table
from atomic.bench.routing.report import figures, text
from atomic.bench.routing.result import Figures
from atomic.bench.routing.run import Options, folds, run_fold
from atomic.errors import CallerError

__all__ = ["Figures", "Options", "objectives", "run", "text"]


def run(
    folder: Path,
    options: Options,
    *,
    learn: Path | None = None,
    bidders: Sequence[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Every figure of docs/bench-routing.md; `tell` hears of each fold. Raises CallerError for a table that is none."""
    began = time.perf_counter()
    tried, learned_from = read_table(folder, bidders), None
    if learn is not None:
        tried, learned_from = _together(tried, read_table(learn, bidders))
    found = []
    for trial in folds(tried, learned_from, options):
        found.append(run_fold(trial, options))
        seconds = time.perf_counter() - began
        tell(f"{len(trial.learn.items)} items learned from, {len(trial.test.items)} tried, {seconds:.0f} s")
    if not found:
        raise CallerError(f"{folder}: {len(tried.items)} items are too few to learn from some and try others")
    return figures(tried, found, options.objectives, time.perf_counter() - began)


def _together(tried: Table, learned_from: Table) -> tuple[Table, Table]:
    """Both tables with the bidders that are in both, and no item learned from that is tried on."""
    both = [name for name in tried.bidders if name in learned_from.rows]
    if not both:
        raise CallerError("no bidder is in both folders", hint=f"in the first: {', '.join(tried.bidders)}")
    alone = sorted(set(tried.bidders) ^ set(learned_from.bidders))
    ids = {item.id for item in tried.items}
    kept = [item for item in learned_from.items if item.id not in ids]
    notes = list(tried.notes) + [f"to learn from: {note}" for note in learned_from.notes if note not in tried.notes]
    if alone:
        notes.append(f"in one folder only, left out: {', '.join(alone)}")
    if len(kept) < len(learned_from.items):
        notes.append(f"{len(learned_from.items) - len(kept)} items are in both folders: not learned from")
    return (
        replace(tried, rows={name: tried.rows[name] for name in both}, notes=tuple(notes)),
        replace(learned_from, rows={name: learned_from.rows[name] for name in both}, items=tuple(kept)),
    )

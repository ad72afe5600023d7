"""Tactics against each other: on real mails, and on short texts with 77 and 151 labels of which few are known.

Rows are {who: share right}, with "figures" beside: what the market of tactics has over the best single one, with the
paired 95 % interval. On mails the best one is chosen on the stream; on texts it is the best in hindsight, controls
included, which is more than anybody could have known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atomic.bench import inbox, tactics_text
from atomic.errors import TaskError
from atomic.inbox.tasks import TASKS
from atomic.protocols import Tactic
from atomic.tactics import Calibrated, DiverseExamples, LabelScoring, NearestExamples, Plain, ScoredExamples

TEXTS = ("banking77", "clinc150")
MAIL_SAMPLE = 60  # measured mails that the model answers by each tactic: more would take over a quarter of an hour
# Of each mail the beginning: a model of this machine reads a hundred tokens or two in a second.
_LABELS = LabelScoring(most=400)
MAIL_TACTICS: tuple[Tactic, ...] = (
    Plain(),
    _LABELS,
    NearestExamples(),
    ScoredExamples(),
    Calibrated(_LABELS, "neutral"),
    Calibrated(_LABELS, "batch"),
    DiverseExamples(count=4, each=120),
)


def run(folder: Path, *, only: str = "", model: bool = True, cache: Path | None = None) -> dict[str, Any]:
    """A row for each pack that is there. Raises TaskError where there is none, or none of the name."""
    packs = {name: folder / "text" / f"{name}.jsonl.xz" for name in TEXTS} | {"mails": folder / "mail" / "labels.jsonl"}
    wanted = {name: file for name, file in packs.items() if only in {"", name} and file.is_file()}
    if not wanted:
        places = ", ".join(str(file.relative_to(folder)) for name, file in packs.items() if only in {"", name})
        raise TaskError(f"{folder} holds no pack for {only or 'any row'}", hint=places or f"one of {', '.join(packs)}")
    rows: dict[str, Any] = {}
    for name, file in wanted.items():
        began = time.perf_counter()
        if name == "mails":
            rows[name] = _mails(folder / "mail", model=model, cache=cache)
        else:
            rows[name] = _texts(asyncio.run(tactics_text.row(file, model=model, cache=cache)))
        rows[name]["figures"]["seconds"] = time.perf_counter() - began
    return rows


def _texts(found: Mapping[str, Any]) -> dict[str, Any]:
    figures = {name: found[name] for name in ("versus", "versus_each", "measured", "items", "labels", "labelled")}
    figures |= {name: found["market"][name] for name in ("usd_per_1k", "wins", "asked")}
    return {"market": found["market"]["right"], **found["alone"], **found["controls"], "figures": figures}


def _mails(folder: Path, *, model: bool, cache: Path | None) -> dict[str, Any]:
    if not model:
        raise TaskError("the row mails compares a model's tactics", hint="without --no-model, or another row")
    samples, _ = inbox.load(folder, limit=None, headers="")
    bench = inbox.Bench(
        samples, TASKS["spam"], feedback=1.0, cache=cache, only="", tactics=MAIL_TACTICS, sample=MAIL_SAMPLE
    )
    found = asyncio.run(inbox.figures(bench))
    alone = {name: one["right"] for name, one in found["bidders"].items()}
    figures = {
        "versus": found["versus"],
        "lift": found["lift"],
        "measured": {name: one["measured"] for name, one in found["bidders"].items()},
        "usd_per_1k": found["market"]["usd_per_1k"],
        "wins": found["market"]["wins"],
    }
    return {"market": found["market"]["right"], **alone, **found["controls"], "figures": figures}


def table(rows: Mapping[str, Any]) -> str:
    """The rows for people."""
    lines: list[str] = []
    for name, row in rows.items():
        figures = row["figures"]
        lines.append(f"{name} ({figures['seconds']:.0f} s)")
        lines += [f"  {who:32s} {right:.3f}" for who, right in row.items() if who != "figures"]
        versus = figures["versus"]
        other = versus.get("other") or versus.get("bidder")
        lines.append(f"  market over {other}: {versus['diff']:+.4f} [{versus['low']:+.4f}, {versus['high']:+.4f}]")
        for lift in figures.get("lift", {}).values():
            between = f"{lift['diff']:+.3f} [{lift['low']:+.3f}, {lift['high']:+.3f}]"
            lines.append(f"  {lift['best']} over zero-shot, {lift['measured']} mails: {between}")
    return "\n".join(lines)

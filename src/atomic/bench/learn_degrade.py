"""One bidder silently begins to guess: after how many of its answers is it nearly out of the market?

The bidder is the one most often bought before. `folder` holds an outcome table; answers that were bought are judged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atomic.bench.learning import Awards, Rows, Seen, answers_until, guessing, played, scene, share

SEEDS = (1, 2, 3)
SHARE = 0.05
MUST, AIM = 150, 60


def run(folder: Path) -> dict[str, Any]:
    """For each of three orders: who it was, its share before, and its answers until below 5 % of what is bought."""
    found, took = [], list[int | None]()
    for seed in SEEDS:
        victim, calm, seen = _order(folder, seed)
        after = seen.awards[len(calm) :]
        took.append(answers_until(after, victim, SHARE, above=False))
        found.append(
            {
                "bidder": victim,
                "share_before": share(calm, victim),
                "answers": took[-1],
                "share_after": share(after[len(after) // 2 :], victim),
                "noticed": [f"{key} {why}" for _, key, why in seen.changes],
            }
        )
    return {
        "orders": found,
        "answers": None if None in took else max(one or 0 for one in took),
        "must": MUST,
        "aim": AIM,
    }


def _order(folder: Path, seed: int) -> tuple[str, Awards, Seen]:
    """Who began to guess, what was bought before, and all of it."""
    whole = scene(folder, seed)
    known: list[tuple[str, Awards]] = []

    def happens(calm: Awards) -> Rows:
        victim = max(whole.table.bidders, key=lambda name: (share(calm, name), name))
        known.append((victim, calm))
        return guessing(whole, victim, seed)

    seen = played(whole, happens)
    return *known[0], seen


def table(result: dict[str, Any]) -> str:
    """A line for each order."""
    lines = [
        f"  {one['bidder']}: {one['share_before']:.0%} of what was bought before, below {SHARE:.0%} after "
        f"{one['answers']} of its answers, {one['share_after']:.1%} in the end; noticed: "
        f"{', '.join(one['noticed']) or 'nothing'}"
        for one in result["orders"]
    ]
    return "\n".join([*lines, f"  at most {result['answers']} answers; must {MUST}, aim {AIM}"])

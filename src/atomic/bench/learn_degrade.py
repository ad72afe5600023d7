"""One bidder silently begins to guess: after how many of its answers is it nearly out of the market?

The bidder is the one most often bought before. `folder` holds an outcome table; answers that were bought are judged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atomic.bench.learning import answers_until, guessing, played, scene, share

SEEDS = (1, 2, 3)
SHARE = 0.05
MUST, AIM = 150, 60


def run(folder: Path) -> dict[str, Any]:
    """For each of three orders: who it was, its share before, and its answers until below 5 % of what is bought."""
    found, took = [], list[int | None]()
    for seed in SEEDS:
        whole = scene(folder, seed)
        calm = played(whole).awards[: whole.at - whole.learned]
        victim = max(whole.table.bidders, key=lambda name: (share(calm, name), name))
        seen = played(guessing(whole, victim, seed))
        after = seen.awards[whole.at - whole.learned :]
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


def table(result: dict[str, Any]) -> str:
    """A line for each order."""
    lines = [
        f"  {one['bidder']}: {one['share_before']:.0%} of what was bought before, below {SHARE:.0%} after "
        f"{one['answers']} of its answers, {one['share_after']:.1%} in the end; noticed: "
        f"{', '.join(one['noticed']) or 'nothing'}"
        for one in result["orders"]
    ]
    return "\n".join([*lines, f"  at most {result['answers']} answers; must {MUST}, aim {AIM}"])

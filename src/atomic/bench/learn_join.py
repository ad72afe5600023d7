"""A model that the market has never seen joins: after how many of its answers has it half of its final share?

The newcomer is the bidder with the largest share where all are known from the start; nothing is known of it but its
price. `folder` holds an outcome table; answers that were bought are judged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from atomic.bench.learning import answers_until, played, scene, share

SEEDS = (1, 2, 3)
MUST, AIM = 150, 60


def run(folder: Path) -> dict[str, Any]:
    """For each of three orders: who joined, its final share, and its answers until half of that."""
    found, took = [], list[int | None]()
    for seed in SEEDS:
        whole = scene(folder, seed)
        settled = played(replace(whole, table=whole.table.only(whole.table.items[: whole.at]))).awards
        newcomer = max(whole.table.bidders, key=lambda name: (share(settled, name), name))
        awards = played(replace(whole, absent={newcomer})).awards[whole.at - whole.learned :]
        final = share(awards[len(awards) // 2 :], newcomer)
        took.append(answers_until(awards, newcomer, final / 2, above=True) if final > 0.0 else None)
        found.append(
            {
                "bidder": newcomer,
                "share_if_always_there": share(settled, newcomer),
                "share_final": final,
                "answers": took[-1],
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
        f"  {one['bidder']}: {one['share_final']:.0%} of what is bought in the end "
        f"({one['share_if_always_there']:.0%} where it was there from the start), half of that after "
        f"{one['answers']} of its answers"
        for one in result["orders"]
    ]
    return "\n".join([*lines, f"  at most {result['answers']} answers; must {MUST}, aim {AIM}"])

"""Outcome tables made by hand: bidders of known strength, and answers that can be compared."""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BIDDERS: Mapping[str, tuple[float, float]] = {  # right, dollars
    "small": (0.55, 0.0001),
    "middle": (0.7, 0.0003),
    "other": (0.7, 0.0004),
    "large": (0.9, 0.004),
}


def items(count: int, *, domains: Sequence[str] = ("law", "maths")) -> list[dict[str, Any]]:
    return [
        {"id": f"t/{n}", "task": "quiz", "domain": domains[n % len(domains)], "text": f"Question {n}?"}
        for n in range(count)
    ]


def outcomes(
    questions: Sequence[Mapping[str, Any]],
    bidders: Mapping[str, tuple[float, float]] = BIDDERS,
    *,
    answers: bool = True,
    latency_s: float | None = None,
) -> list[dict[str, Any]]:
    draw = random.Random(7)
    found = []
    for item in questions:
        truth = draw.choice("ABCDE")
        for name, (right, price) in bidders.items():
            hit = draw.random() < right
            row = {"id": item["id"], "model": name, "right": int(hit), "price_usd": price}
            if answers:
                row["answer"] = truth if hit else draw.choice([one for one in "ABCDE" if one != truth])
            if latency_s is not None:
                row["latency_s"] = latency_s
            found.append(row)
    return found


def written(folder: Path, questions: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("items", questions), ("outcomes", rows)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl.xz").write_bytes(lzma.compress(text.encode()))
    return folder


def pack(folder: Path, count: int = 100, **options: Any) -> Path:
    questions = items(count)
    return written(folder, questions, outcomes(questions, **options))

"""What is asked of the market: a worth, a target, a budget, or a share of the best fixed bidder's price."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from atomic.errors import CallerError
from atomic.records.money import nano_usd

FRONTIER = ("0.1x", "0.2x", "0.35x", "0.5x", "0.6x", "0.7x", "0.8x", "1.0x")
_SHARE, _NUMBER = re.compile(r"(\d*\.?\d+)x\Z"), re.compile(r"(\d*\.?\d+)(%?)\Z")


@dataclass(frozen=True, slots=True)
class Objective:
    """What is asked for. `value`: nano-USD for `worth` and `budget` (an item), a probability, or a share of a price."""

    text: str
    kind: Literal["worth", "target", "budget", "price"]
    value: float


def objectives(texts: Sequence[str]) -> list[Objective]:
    """Read them; "frontier" stands for eight. Raises CallerError for what is none.

    >>> [one.kind for one in objectives(["worth=$0.01", "budget=$2/1k", "target=0.9"])], len(objectives(["frontier"]))
    (['worth', 'budget', 'target'], 8)
    """
    found: list[Objective] = []
    for text in texts:
        found += [_objective(f"price={share}") for share in FRONTIER] if text == "frontier" else [_objective(text)]
    return found


def _objective(text: str) -> Objective:
    kind, _, said = text.partition("=")
    if kind == "worth":
        return Objective(text, "worth", float(nano_usd(said)))
    if kind == "budget" and said.endswith("/1k"):
        return Objective(text, "budget", nano_usd(said.removesuffix("/1k")) / 1000)
    if kind == "price" and (share := _SHARE.match(said)):
        return Objective(text, "price", float(share[1]))
    if kind == "target" and (number := _NUMBER.match(said)):
        value = float(number[1]) / (100 if number[2] else 1)
        if 0 < value < 1:
            return Objective(text, "target", value)
    raise CallerError(
        f"{text!r} is no objective", hint="worth=$0.01, target=0.95, budget=$2/1k, price=0.6x or frontier"
    )

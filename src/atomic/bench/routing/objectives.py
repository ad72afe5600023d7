"""Operating points: what an objective asks for, and the worth at which the market meets it on learn data alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from atomic.bench.routing.outcomes import Item, Row
from atomic.bench.routing.rehearsal import Rehearsal, Rehearsed
from atomic.errors import CallerError
from atomic.records.money import nano_usd

FRONTIER = ("0.1x", "0.2x", "0.35x", "0.5x", "0.6x", "0.7x", "0.8x", "1.0x")
_LEAST, _MOST = 1e3, 1e11  # nano-USD that a right answer may be worth
_SHARE, _NUMBER = re.compile(r"(\d*\.?\d+)x\Z"), re.compile(r"(\d*\.?\d+)(%?)\Z")
_ANSWERED = 0.99  # of the items
_STEPS = 11  # of the bisection


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


def worth_for(objective: Objective, rehearsal: Rehearsal, best_fixed: Callable[[Item], Row]) -> int:
    """The worth, in nano-USD, at which the market meets an objective on learn items.

    `price` and `budget`: what it spends there is that share of what the best fixed bidder costs there, or that much.
    `target`: its own mean probability is that high; the largest worth tried where it never is. Never so little that
    items stay without an answer, which whoever is compared with gives.
    """
    if objective.kind == "worth":
        return round(objective.value)
    if objective.kind == "target":
        return crossing(
            lambda worth: _answers(rehearsal.at(worth)) and rehearsal.at(worth).probability >= objective.value
        )[1]
    most = objective.value
    if objective.kind == "price":
        # Against the best fixed bidder on the same items: that some of them are long cancels out.
        most *= sum(best_fixed(item).price for item in rehearsal.items) / len(rehearsal.items)
    below, above = crossing(lambda worth: _answers(rehearsal.at(worth)) and rehearsal.at(worth).price > most)
    return below if _answers(rehearsal.at(below)) else above


def _answers(found: Rehearsed) -> bool:
    return found.answered >= _ANSWERED


def crossing(enough: Callable[[int], bool]) -> tuple[int, int]:
    """The largest worth that is not enough and the least that is, in nano-USD, one per cent apart."""
    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if enough(round(middle)) else (middle, high)
    return round(low), round(high)

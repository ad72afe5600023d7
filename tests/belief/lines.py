"""Line-ups made by planted classes of items, and the events that would have made them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atomic.belief.lineups import Lineup, OfTask

RIGHT = {"ant+plain": (0.95, 0.35), "bee+plain": (0.9, 0.55), "cat+plain": (0.8, 0.2), "dog+plain": (0.97, 0.75)}
SHARES, POPULAR = (0.6, 0.4), 0.5


@dataclass(frozen=True, slots=True)
class Made:
    """Line-ups of a task, with the truth of each."""

    lineups: list[Lineup]
    truths: list[int]

    def of_task(self, alternatives: int) -> OfTask:
        found = OfTask(alternatives)
        found.kept.update({("", f"r{number}"): one for number, one in enumerate(self.lineups)})
        found.fresh = set(found.kept)
        return found


def made(
    count: int,
    *,
    seed: int = 1,
    alternatives: int = 10,
    labelled: float = 1.0,
    answers: float = 1.0,
    right: Mapping[str, tuple[float, ...]] = RIGHT,
    prices: Sequence[int] = (100, 300, 50, 1_000),
    shares: tuple[float, ...] = SHARES,
) -> Made:
    """So many items: each bid right by its class, wrong ones giving the popular wrong answer or one by chance."""
    dice = random.Random(seed)
    lineups, truths = [], []
    for _ in range(count):
        which = dice.choices(range(len(shares)), shares)[0]
        one = Lineup("")
        for (key, chances), price in zip(right.items(), prices, strict=True):
            if dice.random() >= answers:
                group = -1
            elif dice.random() < chances[which]:
                group = 0
            else:
                group = 1 if dice.random() < POPULAR else dice.randrange(1, alternatives)
            one.keys, one.groups, one.prices = (*one.keys, key), (*one.groups, group), (*one.prices, price)
            if group >= 0:
                one.rights[key] = (1.0 if group == 0 else 0.0, 1.0, 1.0)
        if dice.random() >= labelled:
            one.rights = {}
        known: dict[int, int] = {}
        truths.append(0)
        one.groups = tuple(-1 if group < 0 else known.setdefault(group, len(known)) for group in one.groups)
        truths[-1] = known.get(0, -1)
        lineups.append(one)
    return Made(lineups, truths)

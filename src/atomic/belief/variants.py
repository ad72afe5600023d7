"""Prompt variants against the words they would replace: bets on the difference, and who lost is asked no more.

A bid "a+plain~short" is held against "a+plain". The first judged outcome of the one makes a pair with the first of the
other, and so on; purchases in view of other answers are left out, since those cases are harder. On the differences are
laid two bets, that the variant is right more often and that it is less (`rules.betting`), each at half of alpha.
The pairs are of different requests, so what is compared are means: that whoever is asked is drawn, or asked by turns as
its record moves, is assumed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from atomic.records.lesson import Lesson, VariantDecided
from atomic.rules.betting import Bet

MARK = "~"
ALPHA = 0.05
_MOST_WAITING = 200  # outcomes of one side that wait for the other's


class Duel:
    """A variant and the words it would replace, for one bidder and task."""

    __slots__ = ("better", "variant", "waiting", "worse")

    def __init__(self) -> None:
        self.better, self.worse = Bet(), Bet()
        self.waiting: deque[float] = deque(maxlen=_MOST_WAITING)
        self.variant = False  # whose outcomes wait

    def outcome(self, right: float, *, variant: bool) -> bool | None:
        """How right one of them was; True when that decides for the variant, False against it."""
        if not self.waiting or self.variant == variant:
            self.waiting.append(right)
            self.variant = variant
            return None
        other = self.waiting.popleft()
        difference = right - other if variant else other - right
        self.better.add(difference)
        self.worse.add(-difference)
        for bet, won in ((self.better, True), (self.worse, False)):
            if bet.capital >= 2.0 / ALPHA:
                return won
        return None


class Variants:
    """All duels, and who lost one. A fold of lessons: the same lessons give the same duels, bit for bit."""

    def __init__(self) -> None:
        self.duels: dict[tuple[str, str], Duel] = {}  # by bid key of the variant, and task
        self.stopped: dict[tuple[str, str], int] = {}  # bid key and task -> seq of what decided
        self._decided: list[VariantDecided] = []  # to be written down; no belief

    def learn(self, lesson: Lesson, task: str, seq: int) -> None:
        """Take in how right a bid was, if it is one of a duel."""
        if lesson.weight <= 0.0 or lesson.selected:
            return
        base, mark, _ = lesson.key.partition(MARK)
        if mark:
            self._take(lesson.key, base, task, lesson.target, seq, variant=True)
            return
        for key in [key for key, of in self.duels if of == task and key.partition(MARK)[0] == base]:
            self._take(key, base, task, lesson.target, seq, variant=False)

    def _take(self, key: str, base: str, task: str, right: float, seq: int, *, variant: bool) -> None:
        if (key, task) in self.stopped or (base, task) in self.stopped:
            return
        duel = self.duels.setdefault((key, task), Duel())
        won = duel.outcome(right, variant=variant)
        if won is None:
            return
        lost = base if won else key
        self.stopped[lost, task] = seq
        pairs, mean = duel.better.count, duel.better.mean
        self._decided.append(
            VariantDecided(task=task, stopped=lost, by=key if won else base, pairs=pairs, lead=abs(mean), cause=seq)
        )

    def changed(self, name: str) -> None:
        """A bidder is another than before: what its words came to is open again."""
        self.duels = {one: duel for one, duel in self.duels.items() if not _is_of(one[0], name)}
        self.stopped = {one: seq for one, seq in self.stopped.items() if not _is_of(one[0], name)}

    def shown_by(self, first: int, last: int) -> list[VariantDecided]:
        """What the events of these seqs decided, told once."""
        told = [one for one in self._decided if first <= one.cause <= last]
        self._decided = [one for one in self._decided if one.cause > last]
        return told

    def state(self) -> dict[str, list[list[Any]]]:
        """Everything it holds, for digests and snapshots; nothing where there is no variant."""
        if not self.duels:
            return {}
        return {
            "duels": [
                [*name, one.better.state(), one.worse.state(), list(one.waiting), one.variant]
                for name, one in sorted(self.duels.items())
            ],
            "stopped": [[*name, seq] for name, seq in sorted(self.stopped.items())],
        }

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> Variants:
        """What `state` gave."""
        made = cls()
        for key, task, better, worse, waiting, variant in held.get("duels", ()):
            duel = made.duels[key, task] = Duel()
            duel.better, duel.worse = Bet.of(better), Bet.of(worse)
            duel.waiting.extend(waiting)
            duel.variant = variant
        made.stopped = {(key, task): seq for key, task, seq in held.get("stopped", ())}
        return made


def _is_of(key: str, name: str) -> bool:
    return key == name or key.partition("+")[0] == name

"""What a run came to: counts that grow with each mail, and what they say for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from atomic.inbox.handler import DRAFT, Handled

Labels = Mapping[str, Mapping[str, Any]]  # the owner's labels by file name, then by task


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the market said what the owner did, and how often always saying the commonest label would have."""

    right: int
    known: int
    majority: int


@dataclass(slots=True)
class Tally:
    """A run so far. `labels` are the owner's; those of `taught` files were given to it, and prove nothing."""

    labels: Labels = field(default_factory=dict)
    taught: frozenset[str] = frozenset()
    mails: int = 0
    skipped: int = 0
    seen_before: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    spent: int = 0
    asked: int = 0
    wins: Counter[str] = field(default_factory=Counter)
    drafts: int = 0
    suggestions: list[tuple[str, str]] = field(default_factory=list)
    uncertain: list[tuple[str, str]] = field(default_factory=list)  # what left the house, and perhaps did not arrive
    seconds: list[float] = field(default_factory=list)
    said: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)  # (ours, the owner's) by task

    def add(self, one: Handled) -> None:
        """Count a mail."""
        name = one.source.path.name
        if one.problem:
            self.problems.append((name, one.problem))
            return
        self.mails += 1
        self.spent += one.spent
        self.seconds.append(one.seconds)
        for task, answer in one.answers.items():
            self.asked += 1
            if answer.outcome.winner:
                self.wins[answer.outcome.winner] += 1
            self.drafts += task == DRAFT and not answer.outcome.refused
        self.suggestions += [
            (name, taken.decision.words) for taken in one.taken if taken.status == "suggested" and taken.path is None
        ]
        self.uncertain += [(name, taken.decision.words) for taken in one.taken if taken.status == "uncertain"]
        if name not in self.taught:
            for task, answer in one.answers.items():
                label = self.labels.get(name, {}).get(task)
                if label is not None and answer.value is not None:
                    self.said.setdefault(task, []).append((answer.outcome.answer, label))

    def agreement(self, task: str) -> Agreement:
        """Over the mails of which the market was not told, and of which it was asked."""
        pairs = self.said.get(task, [])
        commonest = Counter(label for _, label in pairs).most_common(1)
        right = sum(ours == label for ours, label in pairs)
        return Agreement(right, len(pairs), commonest[0][1] if commonest else 0)

    @property
    def p50(self) -> float:
        """Median seconds of a mail, 0 before the first."""
        return median(self.seconds) if self.seconds else 0.0

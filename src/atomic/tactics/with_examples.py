"""What tactics that show verified examples share: the prompt is made of those that each of them chooses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import LABEL_TOKENS, Prompt, build
from atomic.tactics.selection import Shown


class Choice(NamedTuple):
    """The examples to show, the nearest first, and the labels to choose from. Nothing shown is a refusal."""

    shown: Sequence[Shown]
    labels: tuple[str, ...]


class WithExamples(ABC):
    """For tasks with labels; those are scored where the bidder can. A refusal until there is an example.

    Each example is cut to `each` characters and the input to `most`. Not for free text: an answer that goes out may
    show nothing of another correspondent's mail.
    """

    steady = False  # whether everything before the input is the same for inputs of one kind

    def __init__(self, *, each: int, most: int) -> None:
        self._each = each
        self._most = most

    @property
    @abstractmethod
    def name(self) -> str:
        """As in bids."""

    @abstractmethod
    def choose(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Choice:
        """What to show of the examples at hand."""

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Whether it is for this bidder and task."""
        return profile.speaks and bool(ask.task.labels)

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not self.applies(ask, profile):
            return None
        prompt, _ = self._prompt(ask, profile, examples)
        return prompt if isinstance(prompt, Reason) else prompt.sketch(self.name, _max_tokens(profile))

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """Examples as earlier turns, then the input."""
        prompt, labels = self._prompt(ask, profile, examples)
        if isinstance(prompt, Reason):
            prompt = Prompt(())
        return Plan(
            bidder=profile.name,
            tactic=self.name,
            messages=prompt.messages,
            labels=labels if profile.scores_labels else (),
            max_tokens=_max_tokens(profile),
            examples=prompt.examples,
            steady=max(0, len(prompt.messages) - 1) if self.steady else 0,
        )

    def _prompt(
        self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]
    ) -> tuple[Prompt | Reason, tuple[str, ...]]:
        shown, labels = self.choose(ask, profile, examples)
        if not shown:
            return Reason.NO_EXAMPLES, labels
        if labels != ask.task.labels:
            ask = replace(ask, task=replace(ask.task, labels=labels))
        return build(ask, profile, shown, each=self._each, most=self._most) or Reason.INPUT_TOO_LONG, labels


def _max_tokens(profile: Profile) -> int:
    return 1 if profile.scores_labels else LABEL_TOKENS

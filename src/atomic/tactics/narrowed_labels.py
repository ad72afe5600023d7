"""For tasks with many labels: only the labels of the nearest verified examples are a choice, and those are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import LABEL_TOKENS, Prompt, build
from atomic.tactics.selection import Shown, labelled

FEWEST_LABELS = 12  # of a task; fewer fit into any prompt


class NarrowedLabels:
    """For bidders that speak; labels are scored where they can be. A refusal until examples of two labels are at hand.

    A prompt that lists 150 labels is long, and a small model is lost among them. `labels` are left to choose from,
    those of the nearest examples; the nearest `count` are shown as earlier turns, each cut to `each` characters, and
    the input is cut to `most`. What is right and nobody near has is given up: its record knows how often.
    """

    def __init__(self, *, labels: int = 10, count: int = 6, each: int = 120, most: int = 400) -> None:
        self._labels = labels
        self._count = count
        self._each = each
        self._most = most

    @property
    def name(self) -> str:
        """As in bids."""
        return "narrowed"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not profile.speaks or len(ask.task.labels) < FEWEST_LABELS:
            return None
        prompt, _ = self._prompt(ask, profile, examples)
        return prompt if isinstance(prompt, Reason) else prompt.sketch(self.name, _max_tokens(profile))

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """Examples as earlier turns, then the input; the labels in the order of their nearest examples."""
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
        )

    def _prompt(
        self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]
    ) -> tuple[Prompt | Reason, tuple[str, ...]]:
        known = labelled(ask, examples)
        labels = tuple(dict.fromkeys(label for _, _, label in known))[: self._labels]
        if len(labels) < 2:
            return Reason.NO_EXAMPLES, ()
        shown: list[Shown] = [(example, label) for _, example, label in known if label in labels][: self._count]
        narrow = replace(ask, task=replace(ask.task, labels=labels))
        return build(narrow, profile, shown, each=self._each, most=self._most) or Reason.INPUT_TOO_LONG, labels


def _max_tokens(profile: Profile) -> int:
    return 1 if profile.scores_labels else LABEL_TOKENS

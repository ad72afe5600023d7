"""For tasks with many labels: only the labels of the nearest verified examples are a choice, and those are shown."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile
from atomic.records.microtask import Ask, Example
from atomic.tactics.selection import labelled
from atomic.tactics.with_examples import Choice, WithExamples

FEWEST_LABELS = 12  # of a task; fewer fit into any prompt


class NarrowedLabels(WithExamples):
    """For bidders that speak; labels are scored where they can be. A refusal until examples of two labels are at hand.

    A prompt that lists 150 labels is long, and a small model is lost among them. `labels` are left to choose from,
    those of the nearest examples; the nearest `count` are shown as earlier turns, each cut to `each` characters, and
    the input is cut to `most`. What is right and nobody near has is given up: its record knows how often.
    """

    def __init__(self, *, labels: int = 10, count: int = 6, each: int = 120, most: int = 400) -> None:
        super().__init__(each=each, most=most)
        self._labels = labels
        self._count = count

    @property
    def name(self) -> str:
        """As in bids."""
        return "narrowed"

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Where the labels are many."""
        return profile.speaks and len(ask.task.labels) >= FEWEST_LABELS

    def choose(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Choice:
        """The nearest with a label that is left, which are in the order of their nearest examples."""
        known = labelled(ask, examples)
        labels = tuple(dict.fromkeys(label for _, _, label in known))[: self._labels]
        if len(labels) < 2:
            return Choice((), ())
        return Choice([(example, label) for _, example, label in known if label in labels][: self._count], labels)

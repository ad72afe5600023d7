"""The nearest verified examples in the prompt, then the input; the answer is generated."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile
from atomic.records.microtask import Ask, Example
from atomic.tactics.selection import nearest
from atomic.tactics.with_examples import Choice, WithExamples


class NearestExamples(WithExamples):
    """For bidders that speak but cannot score labels: `count` examples."""

    def __init__(self, *, count: int = 4, each: int = 200, most: int = 400) -> None:
        super().__init__(each=each, most=most)
        self._count = count

    @property
    def name(self) -> str:
        """As in bids."""
        return "examples"

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Where labels cannot be scored."""
        return super().applies(ask, profile) and not profile.scores_labels

    def choose(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Choice:
        """The nearest."""
        return Choice(nearest(ask, examples, self._count), ask.task.labels)

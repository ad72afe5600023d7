"""The nearest verified examples in the prompt, and the labels weighed by their probability: the strong one."""

from __future__ import annotations

from atomic.protocols import Profile
from atomic.records.microtask import Ask
from atomic.tactics.nearest_examples import NearestExamples


class ScoredExamples(NearestExamples):
    """For tasks with labels and bidders that score them; a refusal until there is an example."""

    @property
    def name(self) -> str:
        """As in bids."""
        return "examples-labels"

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Where labels can be scored."""
        return profile.scores_labels and bool(ask.task.labels)

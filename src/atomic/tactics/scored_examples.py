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

    def _applies(self, profile: Profile) -> bool:
        return profile.scores_labels

    def _labels(self, ask: Ask) -> tuple[str, ...]:
        return ask.task.labels

    def _max_tokens(self) -> int:
        return 1

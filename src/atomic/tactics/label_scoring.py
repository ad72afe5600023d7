"""Label scoring: the same prompt as plain, but the labels are weighed by their probability; nothing is generated."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import Prompt, build


class LabelScoring:
    """For tasks with labels and bidders that score them. `most` cuts the input to so many characters."""

    def __init__(self, *, most: int = 1_000) -> None:
        self._most = most

    @property
    def name(self) -> str:
        """As in bids."""
        return "labels"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not (profile.scores_labels and ask.task.labels):
            return None
        prompt = self._prompt(ask, profile)
        if prompt is None:
            return Reason.INPUT_TOO_LONG
        return prompt.sketch(self.name, 1)

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """One token, to be compared among the labels."""
        prompt = self._prompt(ask, profile) or Prompt(())
        return Plan(
            bidder=profile.name,
            tactic=self.name,
            messages=prompt.messages,
            labels=ask.task.labels,
            max_tokens=1,
        )

    def _prompt(self, ask: Ask, profile: Profile) -> Prompt | None:
        return build(ask, profile, (), each=0, most=self._most)

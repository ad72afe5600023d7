"""What was found offline for a task: an instruction, and examples that were chosen for it. It must win auctions."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Tactic
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.label_scoring import LabelScoring
from atomic.tactics.nearest_examples import NearestExamples
from atomic.tactics.plain import Plain
from atomic.tactics.prompt import Prompt, build
from atomic.tactics.selection import nearest
from atomic.tactics.variant import Variant


class ChosenExamples(NearestExamples):
    """The same examples for every input, by request id and in this order; those that are not at hand are left out.

    In place of `plain`, or with `scored` of `labels`: that is what a variant of it is compared with.
    """

    def __init__(self, chosen: Sequence[str], *, scored: bool) -> None:
        super().__init__(each=1_000, most=4_000)
        self._chosen = {request_id: place for place, request_id in enumerate(chosen)}
        self._scored = scored

    @property
    def name(self) -> str:
        """As in bids."""
        return "labels" if self._scored else "plain"

    def _prompt(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Prompt | Reason:
        at_hand = [one for one in examples if one[1].request_id in self._chosen]
        shown = nearest(ask, at_hand, len(at_hand))
        shown.sort(key=lambda one: self._chosen[one[0].request_id])
        if not shown:
            return Reason.NO_EXAMPLES
        return build(ask, profile, shown, each=self._each, most=self._most) or Reason.INPUT_TOO_LONG

    def _applies(self, profile: Profile) -> bool:
        return profile.speaks and profile.scores_labels == self._scored

    def _labels(self, ask: Ask) -> tuple[str, ...]:
        return ask.task.labels if self._scored else ()

    def _max_tokens(self) -> int:
        return 1 if self._scored else super()._max_tokens()


def tuned(task: str, name: str, instruction: str, chosen: Sequence[str]) -> list[Tactic]:
    """The tactics that a finding enters as: variants of how the task is asked in its own words."""
    inner: list[Tactic] = [Plain(), LabelScoring()]
    if chosen:
        inner = [ChosenExamples(chosen, scored=False), ChosenExamples(chosen, scored=True)]
    return [Variant(one, task=task, name=name, instruction=instruction) for one in inner]

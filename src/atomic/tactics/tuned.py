"""What was found offline for a task: an instruction, and examples that were chosen for it. It must win auctions."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Tactic
from atomic.records.microtask import Ask, Example
from atomic.tactics.label_scoring import LabelScoring
from atomic.tactics.plain import Plain
from atomic.tactics.selection import nearest
from atomic.tactics.variant import Variant
from atomic.tactics.with_examples import Choice, WithExamples


class ChosenExamples(WithExamples):
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

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Scored where labels can be, generated where not."""
        return profile.speaks and bool(ask.task.labels) and profile.scores_labels == self._scored

    def choose(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Choice:
        """Those that were chosen, of what is at hand."""
        at_hand = [one for one in examples if one[1].request_id in self._chosen]
        shown = nearest(ask, at_hand, len(at_hand))
        return Choice(sorted(shown, key=lambda one: self._chosen[one[0].request_id]), ask.task.labels)


def tuned(task: str, name: str, instruction: str, chosen: Sequence[str]) -> list[Tactic]:
    """The tactics that a finding enters as: variants of how the task is asked in its own words."""
    inner: list[Tactic] = [Plain(), LabelScoring()]
    if chosen:
        inner = [ChosenExamples(chosen, scored=False), ChosenExamples(chosen, scored=True)]
    return [Variant(one, task=task, name=name, instruction=instruction) for one in inner]

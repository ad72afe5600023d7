"""The order that keeps a provider's cache of prompt beginnings warm: what changes least comes first, the input last."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import LABEL_TOKENS, Prompt, build
from atomic.tactics.selection import labelled


class SteadyExamples:
    """For tasks with labels and bidders that speak: instruction, then examples, the oldest first, then the input.

    Examples in order of nearness make a new prompt of every input; of the same examples in the order of their age all
    prompts begin alike, and tokens that a provider has kept are paid at its price for those. `count` examples: of those
    near the input the ones that were verified first, so that inputs of one kind share them. Everything before the input
    is marked as steady (`Plan.steady`), so that dialects which mark what is kept can.
    """

    def __init__(self, *, count: int = 6, each: int = 200, most: int = 400) -> None:
        self._count = count
        self._each = each
        self._most = most

    @property
    def name(self) -> str:
        """As in bids."""
        return "steady"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not (profile.speaks and ask.task.labels):
            return None
        prompt = self._prompt(ask, profile, examples)
        return prompt if isinstance(prompt, Reason) else prompt.sketch(self.name, _max_tokens(profile))

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """Everything but the input is steady."""
        prompt = self._prompt(ask, profile, examples)
        if isinstance(prompt, Reason):
            prompt = Prompt(())
        return Plan(
            bidder=profile.name,
            tactic=self.name,
            messages=prompt.messages,
            labels=ask.task.labels if profile.scores_labels else (),
            max_tokens=_max_tokens(profile),
            examples=prompt.examples,
            steady=max(0, len(prompt.messages) - 1),
        )

    def _prompt(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Prompt | Reason:
        known = sorted(labelled(ask, examples), key=lambda one: (one[1].time_ns, one[1].request_id))[: self._count]
        if not known:
            return Reason.NO_EXAMPLES
        shown = [(example, label) for _, example, label in reversed(known)]
        return build(ask, profile, shown, each=self._each, most=self._most) or Reason.INPUT_TOO_LONG


def _max_tokens(profile: Profile) -> int:
    return 1 if profile.scores_labels else LABEL_TOKENS

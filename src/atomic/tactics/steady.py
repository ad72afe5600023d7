"""The order that keeps a provider's cache of prompt beginnings warm: what changes least comes first, the input last."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile
from atomic.records.microtask import Ask, Example
from atomic.tactics.selection import labelled
from atomic.tactics.with_examples import Choice, WithExamples


class SteadyExamples(WithExamples):
    """For tasks with labels and bidders that speak: instruction, then examples, the oldest first, then the input.

    Examples in order of nearness make a new prompt of every input; of the same examples in the order of their age all
    prompts begin alike, and tokens that a provider has kept are paid at its price for those. `count` examples: of those
    near the input the ones that were verified first, so that inputs of one kind share them. Everything before the input
    is marked as steady (`Plan.steady`), so that dialects which mark what is kept can.
    """

    steady = True

    def __init__(self, *, count: int = 6, each: int = 200, most: int = 400) -> None:
        super().__init__(each=each, most=most)
        self._count = count

    @property
    def name(self) -> str:
        """As in bids."""
        return "steady"

    def choose(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Choice:
        """Of those near the input, the ones that were verified first."""
        known = sorted(labelled(ask, examples), key=lambda one: (one[1].time_ns, one[1].request_id))[: self._count]
        return Choice([(example, label) for _, example, label in reversed(known)], ask.task.labels)

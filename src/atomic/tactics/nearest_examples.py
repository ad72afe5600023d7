"""The nearest verified examples in the prompt, then the input; the answer is generated."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import LABEL_TOKENS, Prompt, build
from atomic.tactics.selection import nearest


class NearestExamples:
    """For tasks with labels and bidders that speak but cannot score labels; a refusal until there is an example.

    `count` examples of `each` characters, and the input cut to `most`. Not for free text: an answer that goes out may
    show nothing of another correspondent's mail.
    """

    def __init__(self, *, count: int = 4, each: int = 200, most: int = 400) -> None:
        self._count = count
        self._each = each
        self._most = most

    @property
    def name(self) -> str:
        """As in bids."""
        return "examples"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not (self._applies(profile) and ask.task.labels):
            return None
        prompt = self._prompt(ask, profile, examples)
        if isinstance(prompt, Reason):
            return prompt
        return prompt.sketch(self.name, self._max_tokens())

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """Examples as earlier turns, then the input."""
        prompt = self._prompt(ask, profile, examples)
        if isinstance(prompt, Reason):
            prompt = Prompt(())
        return Plan(
            bidder=profile.name,
            tactic=self.name,
            messages=prompt.messages,
            labels=self._labels(ask),
            max_tokens=self._max_tokens(),
            examples=prompt.examples,
        )

    def _prompt(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Prompt | Reason:
        shown = nearest(ask, examples, self._count)
        if not shown:
            return Reason.NO_EXAMPLES
        return build(ask, profile, shown, each=self._each, most=self._most) or Reason.INPUT_TOO_LONG

    def _applies(self, profile: Profile) -> bool:
        return profile.speaks and not profile.scores_labels

    def _labels(self, ask: Ask) -> tuple[str, ...]:
        return ()

    def _max_tokens(self) -> int:
        return LABEL_TOKENS

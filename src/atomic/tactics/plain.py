"""The instruction and the input, nothing else; for bidders that do not speak, just the input itself."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import Prompt, answer_tokens, build


class Plain:
    """`most` cuts the input, head and tail, to so many characters; 0: only to the context.

    Applies to every bidder, but not where it could score the labels instead: that asks the same, is never cut, and
    costs one token.
    """

    def __init__(self, *, most: int = 4_000) -> None:
        self._most = most

    @property
    def name(self) -> str:
        """As in bids."""
        return "plain"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size; 0 for a bidder that takes no messages."""
        if profile.speaks and ask.conversation is not None:
            return None
        if not profile.speaks:
            return Sketch(tactic=self.name, prompt_characters=0, max_tokens=0)
        if ask.task.labels and profile.scores_labels:
            return None
        prompt = self._prompt(ask, profile)
        if prompt is None:
            return Reason.INPUT_TOO_LONG
        return prompt.sketch(self.name, answer_tokens(ask))

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """Instruction, form of the answer, input."""
        prompt = self._prompt(ask, profile) if profile.speaks else None
        if prompt is None:
            return Plan(bidder=profile.name, tactic=self.name, max_tokens=0)
        return Plan(bidder=profile.name, tactic=self.name, messages=prompt.messages, max_tokens=answer_tokens(ask))

    def _prompt(self, ask: Ask, profile: Profile) -> Prompt | None:
        return build(ask, profile, (), each=0, most=self._most)

"""Verified examples that are like the input and unlike each other, no label more than half, within a room of tokens."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example
from atomic.tactics.prompt import LABEL_TOKENS, Prompt, build
from atomic.tactics.selection import diverse

CHARACTERS_PER_TOKEN = 4


class DiverseExamples:
    """For tasks with labels and bidders that speak; labels are scored where they can be. See `selection.diverse`.

    `count` examples of `each` characters at most, in `tokens` tokens (reckoned at four characters each) or a third of
    the bidder's context, whichever is less; the input is cut to `most` characters.
    """

    def __init__(self, *, count: int = 6, each: int = 200, tokens: int = 400, most: int = 400) -> None:
        self._count = count
        self._each = each
        self._tokens = tokens
        self._most = most

    @property
    def name(self) -> str:
        """As in bids."""
        return "diverse"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size."""
        if not (profile.speaks and ask.task.labels):
            return None
        prompt = self._prompt(ask, profile, examples)
        return prompt if isinstance(prompt, Reason) else prompt.sketch(self.name, _max_tokens(profile))

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """Examples as earlier turns, then the input."""
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
        )

    def _prompt(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Prompt | Reason:
        room = CHARACTERS_PER_TOKEN * self._tokens
        if profile.context_characters:
            room = min(room, profile.context_characters // 3)
        shown = diverse(ask, examples, self._count, each=self._each, room=room)
        if not shown:
            return Reason.NO_EXAMPLES
        return build(ask, profile, shown, each=self._each, most=self._most) or Reason.INPUT_TOO_LONG


def _max_tokens(profile: Profile) -> int:
    return 1 if profile.scores_labels else LABEL_TOKENS

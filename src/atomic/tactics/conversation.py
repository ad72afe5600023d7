"""A conversation passes through as it is: no instruction, no form of an answer, nothing cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Message, Plan
from atomic.records.bid import Reason
from atomic.records.canonical import sorted_json
from atomic.records.conversation import text_of
from atomic.records.microtask import Ask, Example

ANSWER_TOKENS = 4_096  # where the caller sets no limit
_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant"
}  # fmt: skip


class PassThrough:
    """For tasks that take a conversation. Bidders that converse find it whole in the ask; others that speak get its
    texts, where it is nothing but texts.
    """

    @property
    def name(self) -> str:
        """As in bids."""
        return "conversation"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size. An image counts as much as one can come to, however small its file is."""
        said = ask.conversation
        if said is None or not profile.speaks:
            return None
        if not (profile.converses or said.plain):
            return Reason.TYPE_NOT_SUPPORTED
        characters = len(said.text) + len(sorted_json(said.tools))
        return Sketch(
            tactic=self.name,
            prompt_characters=characters,
            max_tokens=said.limit or ANSWER_TOKENS,
            prompt_bytes=said.size,
            messages=len(said.messages),
        )

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """The conversation as it is, or its texts."""
        said = ask.conversation
        most = ANSWER_TOKENS if said is None else said.limit or ANSWER_TOKENS
        if said is None or profile.converses:
            return Plan(bidder=profile.name, tactic=self.name, max_tokens=most)
        messages = tuple(Message(role=_ROLES[str(one["role"])], content=text_of(one)) for one in said.messages)
        warmth = said.settings.get("temperature")
        temperature = float(warmth) if isinstance(warmth, int | float) and 0 <= warmth <= 2 else 0.0
        return Plan(bidder=profile.name, tactic=self.name, messages=messages, max_tokens=most, temperature=temperature)

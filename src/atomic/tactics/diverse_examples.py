"""Verified examples that are like the input and unlike each other, no label more than half, within a room of tokens."""

from __future__ import annotations

from collections.abc import Sequence

from atomic.protocols import Profile
from atomic.records.microtask import Ask, Example
from atomic.tactics.selection import diverse
from atomic.tactics.with_examples import Choice, WithExamples

CHARACTERS_PER_TOKEN = 4


class DiverseExamples(WithExamples):
    """For tasks with labels and bidders that speak; labels are scored where they can be. See `selection.diverse`.

    `count` examples of `each` characters at most, in `tokens` tokens (reckoned at four characters each) or a third of
    the bidder's context, whichever is less; the input is cut to `most` characters.
    """

    def __init__(self, *, count: int = 6, each: int = 200, tokens: int = 400, most: int = 400) -> None:
        super().__init__(each=each, most=most)
        self._count = count
        self._tokens = tokens

    @property
    def name(self) -> str:
        """As in bids."""
        return "diverse"

    def choose(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Choice:
        """Those that are near and unlike each other."""
        room = CHARACTERS_PER_TOKEN * self._tokens
        if profile.context_characters:
            room = min(room, profile.context_characters // 3)
        return Choice(diverse(ask, examples, self._count, each=self._each, room=room), ask.task.labels)

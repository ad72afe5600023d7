"""What of a conversation a model has read lately, so that its provider most likely still has it in its prompt cache."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from atomic.clock import Clock
from atomic.records.canonical import sorted_json
from atomic.records.microtask import Ask

KEPT_NS = 300_000_000_000  # providers keep a prefix for five minutes after its last use, some for longer
_MOST = 10_000  # conversations that are remembered
_LEAST = 1_024  # characters: a shorter beginning is not cached by anybody


class Warmth:
    """Beginnings of conversations that were read, by digest and tenant; of this process alone.

    >>> from atomic.clock import FrozenClock
    >>> from atomic.records.conversation import Conversation, Spoken
    >>> from atomic.records.microtask import microtask
    >>> from atomic.testing import ask_for
    >>> @microtask(worth="$1")
    ... async def chat(conversation: Conversation) -> Spoken:
    ...     \"\"\"Go on.\"\"\"
    >>> turns = [{"role": "user", "content": "long " * 400}, {"role": "assistant", "content": "Yes."}]
    >>> first, then = (ask_for(chat(Conversation(messages=turns[:count]))) for count in (1, 2))
    >>> warmth, clock = Warmth(clock := FrozenClock()), clock
    >>> warmth.of(then), warmth.read(first), warmth.of(then) > 2_000
    (0, None, True)
    >>> clock.advance(KEPT_NS)
    >>> warmth.of(then)
    0
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[bytes, int] = OrderedDict()

    def read(self, ask: Ask) -> None:
        """It has read this conversation to its end."""
        beginnings = _beginnings(ask)
        if beginnings:
            digest = beginnings[-1][0]
            self._until[digest] = self._clock.monotonic_ns() + KEPT_NS
            self._until.move_to_end(digest)
            if len(self._until) > _MOST:
                self._until.popitem(last=False)

    def of(self, ask: Ask) -> int:
        """How many characters of the conversation, from its beginning, it has read lately."""
        if not self._until:
            return 0
        now_ns = self._clock.monotonic_ns()
        for digest, size in reversed(_beginnings(ask)):
            if self._until.get(digest, 0) > now_ns:
                return size
        return 0


def _beginnings(ask: Ask) -> list[tuple[bytes, int]]:
    """Each beginning of a conversation that is long enough, by digest, with its size."""
    talk = ask.conversation
    if talk is None:
        return []
    running, size, found = hashlib.sha256(sorted_json([ask.tenant, talk.tools])), 0, []
    for message in talk.messages:
        said = sorted_json(message)
        running.update(said)
        size += len(said)
        if size >= _LEAST:
            found.append((running.copy().digest(), size))
    return found

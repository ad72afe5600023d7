"""How fast a local model is, as measured by itself while it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from atomic.records.attempt import Usage

USUAL_ANSWER = 512  # tokens, before any was seen: one that may be longer mostly is not
_MEMORY = 0.8  # of the former estimate, per measurement


class Pace:
    """Characters per token, and tokens per second of reading and of writing: moving averages, from usual values."""

    def __init__(self, *, characters: float = 3.5, reads: float = 130.0, writes: float = 60.0) -> None:
        self._characters = characters
        self._reads = reads
        self._writes = writes
        self._answer = 0.0  # tokens of an answer, as far as known

    def tokens(self, characters: int) -> int:
        """How many tokens a prompt of so many characters will have."""
        return math.ceil(characters / self._characters)

    def answer_tokens(self, most: int) -> int:
        """How many tokens an answer will have that may have so many."""
        return min(most, math.ceil(self._answer) if self._answer else USUAL_ANSWER)

    def seconds(self, characters: int, tokens: int) -> float:
        """How long a prompt of so many characters and an answer of so many tokens will take.

        >>> round(Pace(characters=4.0, reads=100.0, writes=50.0).seconds(400, 50), 1)
        2.0
        """
        return characters / self._characters / self._reads + tokens / self._writes

    def learn(self, characters: int, usage: Usage, timings: Sequence[tuple[int, float, int, float]]) -> None:
        """Take in one attempt: each call's tokens and seconds of reading and writing."""
        if usage.prompt_tokens and characters:
            self._characters = _mixed(self._characters, characters / usage.prompt_tokens)
        if usage.completion_tokens:
            before = self._answer or float(usage.completion_tokens)
            self._answer = _mixed(before, float(usage.completion_tokens))
        for read, read_seconds, written, written_seconds in timings:
            # A handful of tokens measures the overhead of a call, not the pace.
            if read >= 16 and read_seconds > 0:
                self._reads = _mixed(self._reads, read / read_seconds)
            if written >= 4 and written_seconds > 0:
                self._writes = _mixed(self._writes, written / written_seconds)


def _mixed(before: float, now: float) -> float:
    return _MEMORY * before + (1.0 - _MEMORY) * now

"""A prompt variant: the same question in other words. Compared with the words it replaces, and stopped when decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atomic.belief.variants import MARK
from atomic.protocols import Profile, Sketch, Tactic
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example


class Variant:
    """`inner` with another instruction for one task; named "inner~variant".

    As a bid of its own it has its own record. `atomic.belief.variants` bets on the difference to the bid without the
    variant, and whoever loses is asked no more.
    """

    def __init__(self, inner: Tactic, *, task: str, name: str, instruction: str) -> None:
        self._inner = inner
        self._task = task
        self._name = f"{inner.name}{MARK}{name}"
        self._instruction = instruction

    @property
    def name(self) -> str:
        """As in bids."""
        return self._name

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """As large as its words make it; None for other tasks, for a task that brings its own whole prompt, and for
        bidders that read no words."""
        if ask.task.name != self._task or ask.task.wording is not None or not profile.speaks:
            return None
        found = self._inner.sketch(self._asked(ask), profile, examples)
        return replace(found, tactic=self.name) if isinstance(found, Sketch) else found

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """In its own words."""
        return replace(self._inner.plan(self._asked(ask), profile, examples), tactic=self.name)

    def _asked(self, ask: Ask) -> Ask:
        return replace(ask, task=replace(ask.task, instruction=self._instruction))

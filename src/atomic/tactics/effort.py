"""How much is thought before the answer: none, little or much. Dearer and slower, and perhaps right more often."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from atomic.protocols import Profile, Sketch, Tactic
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.tactics.changed import Changed, Examples

TOKENS = {"none": 0, "low": 1_024, "medium": 4_096, "high": 16_384}  # thought at most, beyond the answer


class Effort(Changed):
    """For bidders that say they can think (`Profile.thinks`): a level, and the tokens that it may take."""

    def __init__(self, inner: Tactic, level: Literal["none", "low", "medium", "high"]) -> None:
        super().__init__(inner, level)
        self._level: Literal["none", "low", "medium", "high"] = level

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Whoever thinks."""
        return profile.speaks and profile.thinks

    def resized(self, sketch: Sketch) -> Sketch:
        """With room for the thoughts, so that the price reckons with them."""
        return replace(sketch, max_tokens=sketch.max_tokens + TOKENS[self._level])

    def change(self, ask: Ask, plan: Plan, examples: Examples) -> Plan:
        """At its level."""
        return replace(plan, effort=self._level, max_tokens=plan.max_tokens + TOKENS[self._level])

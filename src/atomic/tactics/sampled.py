"""An answer drawn instead of the likeliest, so that asking again is an opinion of its own."""

from __future__ import annotations

from dataclasses import replace

from atomic.protocols import Profile, Tactic
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.tactics.changed import Changed, Examples


class Sampled(Changed):
    """For answers that are generated, at a `temperature` above 0; a bid of it may be bought again, as `draws` says.

    The seed is the market's: each purchase in a request has another. Not where labels are scored: nothing is drawn.
    """

    draws = True

    def __init__(self, inner: Tactic, *, temperature: float = 0.8) -> None:
        super().__init__(inner, "sampled")
        self._temperature = temperature

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Whoever generates."""
        return profile.speaks and not (ask.task.labels and profile.scores_labels)

    def change(self, ask: Ask, plan: Plan, examples: Examples) -> Plan:
        """Drawn."""
        return replace(plan, temperature=self._temperature)

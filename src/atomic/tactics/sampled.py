"""An answer drawn instead of the likeliest, so that asking again is an opinion of its own."""

from __future__ import annotations

from dataclasses import replace

from atomic.protocols import Profile, Tactic
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.tactics.changed import Changed, Examples


class Sampled(Changed):
    """For answers that are generated, at a `temperature` above 0. Each `draw`, from 1 on, is a bid of its own.

    So the market sees how often two draws agree beyond what their quality explains, as of any two bids, and asks
    again where that is worth its price. Not where labels are scored: nothing is drawn there.
    """

    def __init__(self, inner: Tactic, *, draw: int = 1, temperature: float = 0.8) -> None:
        super().__init__(inner, f"sampled{draw}")
        self._draw = draw
        self._temperature = temperature

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Whoever generates."""
        return profile.speaks and not (ask.task.labels and profile.scores_labels)

    def change(self, ask: Ask, plan: Plan, examples: Examples) -> Plan:
        """Drawn, each draw by a seed of its own."""
        return replace(plan, temperature=self._temperature, seed=self._draw)

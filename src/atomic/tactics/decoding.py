"""Decoding: free, where the bidder would otherwise be held to the type as it decodes."""

from __future__ import annotations

from dataclasses import replace

from atomic.output import plain_type
from atomic.protocols import Profile, Tactic
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.tactics.changed import Changed, Examples


class Free(Changed):
    """For bidders that hold answers to their type (`Profile.holds`): as the model would write by itself, then read.

    Being held makes every answer valid, but some models answer better when nothing forces their first word. Which it is
    for a model and a task only its record tells.
    """

    def __init__(self, inner: Tactic) -> None:
        super().__init__(inner, "free")

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Where being held makes a difference: not for text, and not for scored labels."""
        scored = bool(ask.task.labels) and profile.scores_labels
        return profile.speaks and profile.holds and not scored and plain_type(ask.task) is not str

    def change(self, ask: Ask, plan: Plan, examples: Examples) -> Plan:
        """Not held."""
        return replace(plan, free=True)

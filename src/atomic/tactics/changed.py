"""A tactic by way of another: the same prompt, and something of the plan changed. What changes is one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atomic.protocols import Profile, Sketch, Tactic
from atomic.records.attempt import Plan
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Example

Examples = Sequence[tuple[float, Example]]


class Changed:
    """What `inner` would do, as `change` has it, for whom `applies` says; named "inner-suffix"."""

    def __init__(self, inner: Tactic, suffix: str) -> None:
        self._inner = inner
        self._name = f"{inner.name}-{suffix}"

    @property
    def name(self) -> str:
        """As in bids."""
        return self._name

    def sketch(self, ask: Ask, profile: Profile, examples: Examples) -> Sketch | Reason | None:
        """As large as the other's, and more where the change says so."""
        if not self.applies(ask, profile):
            return None
        found = self._inner.sketch(ask, profile, examples)
        return self.resized(replace(found, tactic=self.name)) if isinstance(found, Sketch) else found

    def plan(self, ask: Ask, profile: Profile, examples: Examples) -> Plan:
        """The other's, changed."""
        found = self._inner.plan(ask, profile, examples)
        return self.change(ask, replace(found, tactic=self.name), examples)

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Whether the change makes sense for this bidder and task."""
        return profile.speaks

    def resized(self, sketch: Sketch) -> Sketch:
        """The sketch of the changed plan."""
        return sketch

    def change(self, ask: Ask, plan: Plan, examples: Examples) -> Plan:
        """The changed plan; no larger than `resized` says."""
        return plan

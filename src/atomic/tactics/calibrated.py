"""Label scores put right: what a model says of the labels whatever it reads is taken off, or people's word put in.

Three ways, each a tactic: "neutral", what the same prompt scores on a text that says nothing (Zhao et al., Calibrate
Before Use, 2021); "batch", the mean of the model's scores over inputs before (Zhou et al., Batch Calibration, 2024);
"voted", from feedback: the labels of the verified examples like this input are the prior, the scores the likelihood.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from atomic.protocols import Profile, Sketch, Tactic
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.tactics.changed import Changed, Examples
from atomic.tactics.selection import labelled

NOTHING = "N/A"
_DOUBT = 0.1  # of the nearest example's weight, that each label has without any example


class Calibrated(Changed):
    """For labels that are scored, by bidders that put scores right themselves (`Profile.calibrates`)."""

    def __init__(self, inner: Tactic, way: Literal["neutral", "batch", "voted"]) -> None:
        super().__init__(inner, way)
        self._way = way

    def applies(self, ask: Ask, profile: Profile) -> bool:
        """Whoever scores labels and can take off what they score on nothing."""
        return bool(ask.task.labels) and profile.scores_labels and profile.calibrates

    def resized(self, sketch: Sketch) -> Sketch:
        """What the labels score on nothing is a call of its own, the first time that a prompt is asked for it."""
        return replace(sketch, calls=2) if self._way == "neutral" else sketch

    def change(self, ask: Ask, plan: Plan, examples: Examples) -> Plan:
        """What is to be taken off, or put in."""
        if self._way == "neutral":
            return replace(plan, neutral=NOTHING)
        if self._way == "batch":
            return replace(plan, batch=True)
        return replace(plan, priors=voted(ask, plan.labels, examples))


def voted(ask: Ask, labels: tuple[str, ...], examples: Examples) -> tuple[float, ...]:
    """The share of each label among the examples, each weighing its similarity to the fourth power, never 0.

    >>> from typing import Literal
    >>> from atomic.records.microtask import microtask
    >>> from atomic.testing import ask_for, example_for
    >>> @microtask(worth="$1")
    ... async def kind(text: str) -> Literal["spam", "ham"]:
    ...     \"\"\"Which is it?\"\"\"
    >>> [round(one, 2) for one in voted(ask_for(kind("hi")), kind.labels, [(0.5, example_for(kind("hi you"), "ham"))])]
    [0.08, 0.92]
    """
    weights = dict.fromkeys(labels, 0.0)
    for near, _, label in labelled(ask, examples):
        if label in weights:
            weights[label] += near**4
    doubt = _DOUBT * max((near**4 for near, _ in examples), default=1.0) or 1.0
    total = math.fsum(weights.values()) + doubt * len(labels)
    return tuple((weights[label] + doubt) / total for label in labels)

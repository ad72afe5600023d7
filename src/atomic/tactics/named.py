"""All tactics by their names, as a configuration chooses them, and those that are offered unless it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atomic.protocols import Tactic
from atomic.tactics.calibrated import Calibrated
from atomic.tactics.conversation import PassThrough
from atomic.tactics.decoding import Free
from atomic.tactics.diverse_examples import DiverseExamples
from atomic.tactics.effort import Effort
from atomic.tactics.label_scoring import LabelScoring
from atomic.tactics.narrowed_labels import NarrowedLabels
from atomic.tactics.nearest_examples import NearestExamples
from atomic.tactics.plain import Plain
from atomic.tactics.sampled import Sampled
from atomic.tactics.scored_examples import ScoredExamples
from atomic.tactics.steady import SteadyExamples
from atomic.tactics.variant import Variant

USUAL = ("plain", "labels", "examples", "examples-labels", "narrowed", "conversation")


def named() -> Mapping[str, Tactic]:
    """Every tactic there is, by its name.

    >>> [name for name in named() if name.startswith("narrowed")]
    ['narrowed', 'narrowed-neutral', 'narrowed-voted']
    """
    shown: Sequence[Tactic] = (LabelScoring(), ScoredExamples(), NarrowedLabels())
    tactics: list[Tactic] = [
        Plain(),
        LabelScoring(),
        NearestExamples(),
        ScoredExamples(),
        DiverseExamples(),
        NarrowedLabels(),
        SteadyExamples(),
        PassThrough(),
        *(Calibrated(one, "neutral") for one in shown),
        *(Calibrated(one, "batch") for one in shown[:2]),  # where the labels are other ones each time there is no mean
        *(Calibrated(one, "voted") for one in shown),
        *(Sampled(Plain(), draw=draw) for draw in (1, 2, 3)),
        *(Effort(Plain(), level) for level in ("none", "low", "medium", "high")),
        Free(Plain()),
    ]
    return {one.name: one for one in tactics}


def variants(task: str, wordings: Mapping[str, str]) -> list[Tactic]:
    """A task's prompt variants: each by every tactic that asks in the task's own words."""
    inner: Sequence[Tactic] = (Plain(), LabelScoring(), NearestExamples(), ScoredExamples())
    return [
        Variant(one, task=task, name=name, instruction=instruction)
        for name, instruction in wordings.items()
        for one in inner
    ]

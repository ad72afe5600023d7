"""Tactics: how a bidder would answer. Each turns an awarded bid into a plan for one input; pure, a screen each."""

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

__all__ = [
    "Calibrated",
    "DiverseExamples",
    "Effort",
    "Free",
    "LabelScoring",
    "NarrowedLabels",
    "NearestExamples",
    "PassThrough",
    "Plain",
    "Sampled",
    "ScoredExamples",
    "SteadyExamples",
    "Variant",
]

"""Tactics: how a bidder would answer. Each turns an awarded bid into a plan for one input; pure, a screen each."""

from atomic.tactics.conversation import PassThrough
from atomic.tactics.label_scoring import LabelScoring
from atomic.tactics.nearest_examples import NearestExamples
from atomic.tactics.plain import Plain
from atomic.tactics.scored_examples import ScoredExamples

__all__ = ["LabelScoring", "NearestExamples", "PassThrough", "Plain", "ScoredExamples"]

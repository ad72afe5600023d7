"""Tactics: how a bidder would answer. Each turns an awarded bid into a plan for one input; pure, a screen each."""

from atomic.tactics.examples import WithExamples
from atomic.tactics.examples_labels import LabelsWithExamples
from atomic.tactics.labels import Labels
from atomic.tactics.plain import Plain

__all__ = ["Labels", "LabelsWithExamples", "Plain", "WithExamples"]

"""Optimizing offline: DSPy's optimizers on verified answers, within a budget; what they find must win auctions."""

from atomic.optimizing.answers import Answers, verified
from atomic.optimizing.asking import TACTICS
from atomic.optimizing.running import OPTIMIZERS, Run, optimize

__all__ = ["OPTIMIZERS", "TACTICS", "Answers", "Run", "optimize", "verified"]

"""Merging: answers that another ledger verified, and what was said of them, come into this one. See docs/ledger.md.

What comes is the input, the answer, every word of feedback and every lesson: what beliefs and examples are made of.
Awards and attempts stay where they are, since they were held by another market's draws, beliefs and prices.
"""

from atomic.merging.bring import Target, merge, survey
from atomic.merging.items import Item, Merged, Source

__all__ = ["Item", "Merged", "Source", "Target", "merge", "survey"]

"""Replay: every award of a ledger, computed again from what it was computed from. See docs/explanation.md."""

from atomic.replay.recompute import Difference, Replay, replay

__all__ = ["Difference", "Replay", "replay"]

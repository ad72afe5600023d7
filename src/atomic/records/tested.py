"""What came of a task's test cases (`atomic test`), as the ledger remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case: how it ended, who answered, and at what price (nano-USD) and time."""

    id: str
    status: Literal["passed", "failed", "skipped"]
    winner: str = ""
    probability: float = 0.0
    cost: int = 0
    latency_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesPlayed:
    """A run of a task's cases, against the market or the one `bidder` named; nothing was learned from it.

    What was wrong with each, in words, is this event's body `said`: a list of texts by case.
    """

    task: str
    bidder: str = ""
    cases: tuple[CaseResult, ...] = ()

    @property
    def passed(self) -> int:
        """How many passed."""
        return sum(one.status == "passed" for one in self.cases)

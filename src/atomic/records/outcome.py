"""What a request settled for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProbabilitySource = Literal["labelled", "agreement", "prior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSettled:
    """A request ended: with an answer (the body `answer`), or with an honest refusal and why."""

    task: str
    status: Literal["answered", "refused"]
    why: str = ""
    probability: float = 0.0
    probability_source: ProbabilitySource = "prior"
    group: int | None = None
    winner: str = ""
    rounds: int = 0
    cost: int = 0
    latency_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionIntended:
    """An action on the world is about to be taken. Its parameters are the body `action`."""

    action: str
    key: str  # the same key is never carried out twice


ActionStatus = Literal["done", "suggested", "observed", "failed", "given_up", "uncertain", "undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone:
    """An action was carried out, held back, failed (it may be tried again), was given up for good, or was undone.

    "uncertain": it left the house, and whether it arrived is not known; it is never repeated unasked.
    """

    action: str
    key: str
    status: ActionStatus
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOpened:
    """A process opened the market: with which version, rules and configuration (by digest)."""

    version: str
    rules_version: str
    config: str

"""A request: one call of a microtask with one input, and the terms it is bought on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DataLabel = Literal["public", "internal", "confidential", "sovereign"]
LABELS: tuple[DataLabel, ...] = ("public", "internal", "confidential", "sovereign")


def accepts(highest: DataLabel, label: DataLabel) -> bool:
    """Whether something cleared up to `highest` may see data with `label`.

    >>> accepts("internal", "public"), accepts("internal", "sovereign")
    (True, False)
    """
    return LABELS.index(label) <= LABELS.index(highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a request is bought on. Money in nano-USD, times in nanoseconds."""

    worth: int
    latency_price: int = 0  # nano-USD per second of waiting
    max_price: int
    deadline_ns: int = 60_000_000_000
    refuse_below: float = 0.0
    explore: bool = True
    jurisdictions: tuple[str, ...] = ()  # where it may be worked on; empty: anywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the market may know of an input before anybody answers. `text` and what derives from it is a body."""

    text: str
    characters: int
    numbers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOpened:
    """A request was accepted. The input is this event's body `input`, the features its body `features`."""

    task: str
    task_version: str
    domain: str
    labels: tuple[str, ...]
    terms: Terms

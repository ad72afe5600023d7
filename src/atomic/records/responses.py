"""What answers to expect in a task: a response model, fitted to line-ups and kept by its content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InDomain:
    """A response model in one domain (name "" stands for all of them together).

    `shares` says how often items are of each hidden class, `right` how often each bid is right there (bids by classes).
    """

    domain: str
    shares: tuple[float, ...]
    right: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How often agreement states were seen in a domain, and how often each of their groups was right there.

    States and groups are those of `rules.states.structure` for as many bids, in its order.
    """

    domain: str
    often: tuple[float, ...]
    right: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Whose answers matter when a right one is worth about `worth` nano-USD: the shortlist, in order of their names.

    `seen` is there where counting states did better on items left out than the hidden classes.
    """

    worth: int
    keys: tuple[str, ...]
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseModel:
    """Hidden classes of items, "how hard, for whom": in each a bid is right with a probability of its own.

        Who is wrong gives the popular wrong answer with probability `popular` (by class), else one of its own, which is
    somebody else's by accident with probability `accident`. `seq` is the youngest event that it knows.
    """

    seq: int
    keys: tuple[str, ...]
    prices: tuple[int, ...]  # by key, mean bill in nano-USD
    popular: tuple[float, ...]
    accident: float
    domains: tuple[InDomain, ...]
    levels: tuple[Level, ...] = ()
    labelled: int = 0  # line-ups that somebody judged, of
    lineups: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFitted:
    """A response model was fitted to a task's line-ups; from here on the task's table holds it.

    `settling` maps a number of answers in hand to (intercept, slope) of the calibration of their posterior under this
    model, found on items left out.
    """

    task: str
    alternatives: int
    model: ResponseModel | None  # None: the copying model does better
    settling: tuple[tuple[int, float, float], ...] = ()
    why: str = ""
    apart: bool = False  # answers are never equal: one says nothing of another

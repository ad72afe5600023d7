"""Hedges: what a market does while it waits for an attempt and waiting has become dear."""

from __future__ import annotations

from dataclasses import dataclass

from atomic.records.award import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is waited for, since when, and who else could not be asked now.

    `running` are the attempts waited for, by the keys of their bids; they have run for `waited_ns` and will be waited
    for at most `patience_ns` longer. `left_out` are bids of the round's slate whose bidders are busy or unwell by now,
    or were asked before in vain so far.
    """

    running: tuple[str, ...]
    waited_ns: int
    patience_ns: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedged:
    """It paid to buy another bid beside those running (`chosen`), or, where that is empty, to wait for them no longer.

    A purchase of the same round, with its own reservation; the first answer then ends the round. `slate` and `table`
    are the award's, `position` is as of now, with what has been answered and billed in this round so far. `waiting` and
    `gain` are what waiting on and what was done instead are worth over settling now, in nano-USD.
    """

    position: Position
    slate: str  # content id
    table: str  # content id
    what: Waiting
    chosen: tuple[str, ...]
    waiting: int
    gain: int
    rules_version: str

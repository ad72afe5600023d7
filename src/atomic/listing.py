"""Which requests there were, and which mails: kept in memory to be searched and paged through without reading them.

A follower of the ledger. Of a request it keeps its id, task, winner and status, some 120
bytes; inputs and answers never.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from atomic.protocols import Headed
from atomic.records.event import Event
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened

Status = Literal["open", "answered", "refused"]
_STATUS: tuple[Status, ...] = ("open", "answered", "refused")
_WINDOW = 512  # events


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests: each field that is empty lets every one through. `search` is a part of the id, `bidder` who won,
    with or without its tactic."""

    search: str = ""
    task: str = ""
    status: Status | Literal[""] = ""
    bidder: str = ""


@dataclass(slots=True)
class _Requests:
    """A tenant's requests in the order of the ledger, column by column; shadows of others are not among them."""

    seqs: array[int] = field(default_factory=lambda: array("Q"))
    ids: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)  # the same text, not a copy, in every row
    winners: list[str] = field(default_factory=list)
    states: bytearray = field(default_factory=bytearray)
    open: dict[str, int] = field(default_factory=dict)  # rows
    mails: dict[str, array[int]] = field(default_factory=dict)  # seqs of each mail's requests; the newest mail last


class Listing:
    """Every tenant's requests and mails."""

    def __init__(self) -> None:
        self._of: dict[str, _Requests] = defaultdict(_Requests)
        self._texts: dict[str, str] = {}

    def follow(self, events: Sequence[Event]) -> None:
        """Take in events, each once, in the order of the ledger; others than requests and outcomes are passed over."""
        for event in events:
            payload = event.payload
            if isinstance(payload, RequestOpened):
                if payload.assignment is None or not payload.assignment.shadows:
                    self._opened(event, payload)
            elif isinstance(payload, OutcomeSettled):
                known = self._of[event.tenant]
                row = known.open.pop(event.request_id, None)
                if row is not None:
                    known.states[row] = _STATUS.index(payload.status)
                    known.winners[row] = self._one(payload.winner)

    def _opened(self, event: Event, opened: RequestOpened) -> None:
        known = self._of[event.tenant]
        known.open[event.request_id] = len(known.ids)
        known.seqs.append(event.seq)
        known.ids.append(event.request_id)
        known.tasks.append(self._one(opened.task))
        known.winners.append("")
        known.states.append(0)
        mail, slash, _ = event.request_id.rpartition("/")
        if slash:
            seqs = known.mails.pop(mail, None) or array("Q")
            seqs.append(event.seq)
            known.mails[mail] = seqs

    def _one(self, text: str) -> str:
        return self._texts.setdefault(text, text)

    def requests(self, tenant: str, wanted: Wanted, *, before: int = 0) -> Iterator[int]:
        """Events with which requests were opened, newest first, of those with seq < `before` (0: of all).

        May be read in any thread while the list is added to in another: a row is there once its state is.
        """
        known = self._of.get(tenant, _Requests())
        end = len(known.states)
        end = bisect_left(known.seqs, before, 0, end) if before else end
        return (known.seqs[row] for row in _rows(known, end, wanted))

    def mails(self, tenant: str, *, before: int = 0) -> Iterator[tuple[str, Sequence[int]]]:
        """Each mail with the events of its requests, the one asked of last first, of those last asked of before.

        May be read in any thread: of the mails as they are when it begins.
        """
        known = self._of.get(tenant, _Requests())
        for mail, seqs in reversed(list(known.mails.items())):
            if not before or seqs[-1] < before:
                yield mail, seqs


def _rows(known: _Requests, end: int, wanted: Wanted) -> Iterator[int]:
    """Rows before `end`, the last first. Only what is asked for is looked at: of 100,000 rows that takes a while."""
    rows: Iterator[int] = iter(range(end - 1, -1, -1))
    if wanted.status:
        rows = _in_state(known.states, _STATUS.index(wanted.status), end)
    if wanted.search:
        ids, search = known.ids, wanted.search
        rows = (row for row in rows if search in ids[row])
    if wanted.task:
        tasks, task = known.tasks, wanted.task
        rows = (row for row in rows if tasks[row] == task)
    if wanted.bidder:
        winners, bidder = known.winners, wanted.bidder
        rows = (row for row in rows if bidder in {winners[row], winners[row].partition("+")[0]})
    return rows


def _in_state(states: bytearray, state: int, end: int) -> Iterator[int]:
    while (end := states.rfind(state, 0, end)) >= 0:
        yield end


def backwards(ledger: Headed, kinds: Sequence[str], before: int = 0) -> Iterator[Event]:
    """Events of these kinds with seq < `before` (0: all), newest first: windows that grow while they hold few."""
    window, end = _WINDOW, before or ledger.head() + 1
    while end > 1:
        begin = max(0, end - 1 - window)
        found = []
        for event in ledger.read(after=begin, kinds=kinds):
            if event.seq >= end:
                break
            found.append(event)
        yield from reversed(found)
        end, window = begin + 1, window * 2

"""A run of cases as events: an entry for each task, for the ledger that the tests were played on a copy of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from atomic.cases.declared import Ready
from atomic.cases.played import Played
from atomic.records.event import Body, Entry
from atomic.records.request import DataLabel
from atomic.records.tested import CaseResult, CasesPlayed


def entries(cases: Sequence[Ready], played: Sequence[Played], bidder: str, time_ns: int) -> Iterator[Entry]:
    """What to append, in the order of the tasks; `played` are in the order of `cases`."""
    labels: Mapping[str, DataLabel] = {one.call.task.name: one.call.task.label for one in cases}
    for task, label in labels.items():
        mine = [one for one in played if one.task == task]
        said = orjson.dumps({one.id: one.said for one in mine if one.said})
        yield Entry(
            payload=CasesPlayed(task=task, bidder=bidder, cases=tuple(map(_result, mine))),
            label=label,
            time_ns=time_ns,
            bodies=(Body(name="said", content=said),),
        )


def _result(one: Played) -> CaseResult:
    return CaseResult(
        id=one.id,
        status=one.status,
        winner=one.winner,
        probability=one.probability,
        cost=one.cost,
        latency_ns=round(one.seconds * 1e9),
    )

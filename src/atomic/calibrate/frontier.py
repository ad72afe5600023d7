"""What a calibration found: quality against cost of every bidder, of the plain cascade and of the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atomic.bench.routing.cascade import thought_right
from atomic.bench.routing.learned import Trial
from atomic.bench.routing.matrix import domains_of, matrix
from atomic.bench.routing.objectives import objectives
from atomic.bench.routing.outcomes import Item, Row, Table, hashed
from atomic.bench.routing.report import figures
from atomic.bench.routing.result import Figures, Result
from atomic.bench.routing.run import FOLDS, Options, run_fold
from atomic.bench.routing.tasks import Tasks
from atomic.calibrate.buying import requests_of
from atomic.calibrate.cases import Case
from atomic.market import Market
from atomic.records.attempt import AttemptFinished
from atomic.records.lesson import LessonsLearned
from atomic.records.money import dollars

_POINTS = 8  # worths that are tried
LABELLED_ENOUGH = 30  # with fewer, quality is what agreement makes of it
LEAST_ITEMS = 20
_SELDOM = 0.02  # of the inputs
_CHEAP, _DEAR = 2.0, 300.0  # the worths lie between these many times the cheapest and the dearest answer
_AS_GOOD = 0.002  # below the best bidder by no more than this counts as good as it


@dataclass(frozen=True, slots=True)
class Frontier:
    """Held-out figures: each fifth is tried by a market that learned from the others.

    `judged` says by what: "labels", or "agreement" where too few inputs were labelled. `best` is the cheapest market
    point that is as good as the best single bidder, else the best there is.
    """

    figures: Figures
    judged: str
    labelled: int

    @property
    def best(self) -> Result:
        """The point that is recommended."""
        good = [one for one in self.figures.results if one.right >= self.figures.best_fixed.right - _AS_GOOD]
        return (
            min(good, key=lambda one: one.usd_per_1k) if good else max(self.figures.results, key=lambda one: one.right)
        )


def measured(market: Market, cases: Sequence[Case]) -> Frontier | str:
    """From what was bought of some cases; or why there is none."""
    table, labelled = _table(market, cases)
    if len(table.items) < LEAST_ITEMS or len(table.bidders) < 2:
        return f"too little to compare: it takes {LEAST_ITEMS} inputs, and two bidders that answered all of them"
    by_labels = len(labelled) >= LABELLED_ENOUGH
    if not by_labels:
        if _agreed(table) < _SELDOM:
            return f"hardly two answers are ever equal, so agreement says nothing: label {LABELLED_ENOUGH} inputs"
        table = _judged_by_agreement(table, labelled)
    options = Options(objectives=objectives(_worths(table)))
    tasks = Tasks([table])
    found = []
    for number in range(FOLDS):
        tried = [one for one in table.items if hashed(one) % FOLDS == number and (one.id in labelled or not by_labels)]
        learnt = [one for one in table.items if hashed(one) % FOLDS != number]
        if tried and learnt:
            trial = Trial(
                learn=table.only(learnt),
                test=table.only(tried),
                tasks=tasks,
                labelled=labelled & {one.id for one in learnt},
            )
            found.append(run_fold(trial, options))
    judged = "labels" if by_labels else "agreement"
    return Frontier(figures(table, found, options.objectives, 0.0), judged, len(labelled))


def _agreed(table: Table) -> float:
    """The share of inputs on which any two bidders agree."""
    said = matrix(table, domains_of(table)).said
    return float(np.mean([len(set(row)) < len(row) for row in said.tolist()]))


def _worths(table: Table) -> list[str]:
    means = [sum(row.price for row in rows.values()) / len(rows) for rows in table.rows.values()]
    priced = [one for one in means if one > 0] or [1_000.0]
    found = np.geomspace(_CHEAP * min(priced), _DEAR * max(priced), _POINTS)
    return [f"worth={dollars(_two_digits(worth))}" for worth in found]


def _two_digits(nano: float) -> int:
    return max(1, int(float(f"{nano:.1e}")))


def _table(market: Market, cases: Sequence[Case]) -> tuple[Table, frozenset[str]]:
    """What was bought, of those who answered everything, and the ids of the labelled."""
    items: list[Item] = []
    rows: dict[str, dict[str, Row]] = {}
    labelled: set[str] = set()
    for case in cases:
        found = _rows(market, case)
        if not found:
            continue
        name = case.request_id
        items.append(Item(name, case.call.task.name, case.domain, case.call.text))
        if case.labelled:
            labelled.add(name)
        for key, row in found.items():
            rows.setdefault(key, {})[name] = row
    complete = {key: of_key for key, of_key in rows.items() if len(of_key) == len(items)}
    notes = tuple(
        f"{key} answered {len(rows[key])} of {len(items)}: left out" for key in sorted(set(rows) - set(complete))
    )
    return Table("calibration", tuple(items), complete, notes), frozenset(labelled)


def _rows(market: Market, case: Case) -> dict[str, Row]:
    finished: list[tuple[AttemptFinished, str | None]] = []
    rights: dict[str, float] = {}
    events = (event for name in requests_of(market, case) for event in market.ledger.read(request_id=name))
    for event in events:
        payload = event.payload
        if isinstance(payload, AttemptFinished):
            body = market.ledger.body(event.bodies[0]) if event.bodies else b""
            finished.append((payload, None if body is None else body.decode()))
        elif isinstance(payload, LessonsLearned):
            rights |= {one.key: one.target for one in payload.lessons if one.kind == "right" and one.weight > 0}
    return {
        one.key: Row(
            right=rights.get(one.key, 0.0),
            price=one.price,
            answer=answer,
            latency_s=one.latency_ns / 1e9,
        )
        for one, answer in finished
    }


def _judged_by_agreement(table: Table, labelled: frozenset[str]) -> Table:
    """The same with how right each answer is thought to be, where nobody said it."""
    alternatives = Tasks([table]).call(table.items[0]).task.alternatives
    thought = thought_right(matrix(table, domains_of(table)), alternatives)
    rows = {
        bidder: {
            item.id: table.rows[bidder][item.id]
            if item.id in labelled
            else _with_right(table.rows[bidder][item.id], float(thought[number, column]))
            for number, item in enumerate(table.items)
        }
        for column, bidder in enumerate(table.bidders)
    }
    return Table(table.name, table.items, rows, table.notes)


def _with_right(row: Row, right: float) -> Row:
    return Row(right if row.answer else 0.0, row.price, row.answer, latency_s=row.latency_s)

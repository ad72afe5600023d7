"""A market on an outcome table that learned from some items and buys the others under an objective.

Shared by the rows of `atomic bench learn` on objectives. All tasks of a table are one microtask, its tasks domains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atomic.bench.routing.bidder import bidder_name, request_id
from atomic.bench.routing.learned import Trial
from atomic.bench.routing.objectives import objectives
from atomic.bench.routing.outcomes import Item, Table, hashed, read_table
from atomic.bench.routing.points import Point, point_for
from atomic.bench.routing.rehearsal import Rehearsal
from atomic.bench.routing.tasks import ANY_PRICE, NO_HURRY_NS, Tasks
from atomic.market import Market, Trade
from atomic.records.request import Terms


@dataclass(frozen=True, slots=True)
class Answer:
    """One item: how right the answer was, its price in nano-USD, its latency in seconds, whether it was refused."""

    right: float
    price: int
    latency_s: float
    refused: bool


def one_task(folder: Path, bidders: Sequence[str] = ()) -> Table:
    """A table with one task, in the order of the hashes of the items."""
    table = read_table(folder, bidders)
    several = len({item.task for item in table.items}) > 1
    items = [
        replace(item, task=table.name, domain=f"{item.task}/{item.domain}" if several else item.domain)
        for item in sorted(table.items, key=hashed)
    ]
    return table.only(items)


def halves(table: Table) -> Iterator[Trial]:
    """Each half of the items learned from, with all labels, and the other half bought."""
    tasks, even, odd = Tasks([table]), table.only(table.items[::2]), table.only(table.items[1::2])
    for learn, test in ((even, odd), (odd, even)):
        labelled = frozenset(item.id for item in learn.items)
        yield Trial(learn=learn, test=test, tasks=tasks, labelled=labelled)


def rehearsed(market: Market, trial: Trial, *wanted: str) -> list[Point]:
    """The operating points of some objectives ("price=0.35x", "target=0.9"), as rehearsed on the learned items."""
    rehearsal = Rehearsal(market, trial)
    best = max(trial.learn.rows.values(), key=lambda own: sum(row.right for row in own.values()))
    return [point_for(one, rehearsal, lambda item: best[item.id]) for one in objectives(wanted)]


def aimed(**aim: object) -> Terms:
    """Terms with this objective and no other limit."""
    return replace(Terms(max_price=ANY_PRICE, deadline_ns=NO_HURRY_NS, explore=False), **aim)  # type: ignore[arg-type]


async def bought(market: Market, trial: Trial, item: Item, terms: Terms, stage: str = "test") -> Answer:
    """Buy one item."""
    trade = Trade(request_id=request_id(stage, item.id), domain=item.domain, terms=terms)
    outcome = await market.buy(trial.tasks.call(item), trade)
    winner = outcome.winner.partition("+")[0]
    rows = next((rows for name, rows in trial.test.rows.items() if bidder_name(name) == winner), None)
    right = rows[item.id].right if rows is not None and not outcome.refused else 0.0
    return Answer(right, outcome.cost, outcome.latency, outcome.refused)

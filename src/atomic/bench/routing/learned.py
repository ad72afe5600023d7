"""A market that learned from the items of an outcome table: each bought from everybody, some of them labelled."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atomic.bench.routing.bidder import TableBidder, bidder_name, request_id
from atomic.bench.routing.outcomes import Item, Row, Table, hashed
from atomic.bench.routing.tasks import Tasks, terms
from atomic.clock import FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.protocols import Examples
from atomic.records.attempt import AttemptFinished
from atomic.records.microtask import Ask, Call, Example
from atomic.records.request import EVERYBODY
from atomic.tactics.plain import Plain

_SECRET = b"bench routing".ljust(32)  # draws are the same in every run
_SURVEY_WORTH = 1_000_000_000
BETWEEN_S = 900.0  # of virtual time between two items: who is left out for a while over empty answers is back by then


class _NoExamples:
    """Bidders that answer from a table show no examples to anybody."""

    def add(self, example: Example) -> None:
        """Nothing."""

    def nearest(self, ask: Ask, count: int) -> Sequence[tuple[float, Example]]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is learned from and what it is tried on, with the same bidders; `labelled` are the ids of the learn items
    whose outcomes are told."""

    learn: Table
    test: Table
    tasks: Tasks
    labelled: frozenset[str]


def first_labelled(items: Sequence[Item], labels: int | None) -> frozenset[str]:
    """The ids of the first items by the hash of their ids; of all where `labels` is None."""
    return frozenset(item.id for item in sorted(items, key=hashed)[:labels])


async def learned(trial: Trial, clock: FrozenClock) -> Market:
    """A market that bought each learn item from everybody, in order, and was told what came of the labelled ones."""
    market = _market(trial, MemoryLedger(clock=clock, secret=_SECRET), clock)
    await market.start()
    for item in trial.learn.items:
        told = trial.learn.rows if item.id in trial.labelled else None
        await survey(market, trial.tasks.call(item), item, told=told)
    await planned(market)
    return market


async def planned(market: Market) -> None:
    """Plan here what is due by now, as if it took no time."""
    await market.planning.done()
    market.planning.hold = True


class Places:
    """Where a market plans anew while it is played: after `first` requests, each quarter more, and once a bidder
    changed, so that a run is the same again."""

    def __init__(self, first: int) -> None:
        self._past, self._first, self._again = 0, first, first

    async def past(self, market: Market) -> None:
        """One more request is past."""
        self._past += 1
        dropped = any(task.all_fresh for task in market.beliefs.lineups.tasks.values())
        if self._past >= self._again or (dropped and self._past >= self._first):
            await planned(market)
            self._again = round(1.25 * max(self._past, self._again))


async def branched(market: Market, trial: Trial, clock: FrozenClock) -> Market:
    """A market of its own with the same past and the same beliefs, so that several futures can be tried."""
    assert isinstance(market.ledger, MemoryLedger)
    other = _market(trial, market.ledger.copy(), clock)
    other.beliefs.become(copy.deepcopy(market.beliefs))
    await other.start()
    return other


async def survey(
    market: Market, call: Call[Any], item: Item, *, told: Mapping[str, Mapping[str, Row]] | None, stage: str = "learn"
) -> None:
    """Buy an item from everybody; where `told`, say how right each answer was."""
    name = request_id(stage, item.id)
    await asyncio.sleep(BETWEEN_S)
    await market.buy(call, Trade(request_id=name, domain=item.domain, terms=terms(_SURVEY_WORTH, survey=EVERYBODY)))
    if told is not None:
        await judge(market, name, item, told)


async def judge(market: Market, name: str, item: Item, rows: Mapping[str, Mapping[str, Row]]) -> None:
    """Say of each answer that a request bought how right it was."""
    by_name = {bidder_name(model): of_model for model, of_model in rows.items()}
    rights = {one.key: by_name[one.bidder][item.id].right for one in answers(market, name)}
    if rights:
        await market.feedback(name, rights=rights, source="fact", asked=True)


def answers(market: Market, name: str) -> list[AttemptFinished]:
    """The attempts of a request that brought an answer."""
    found = (event.payload for event in market.ledger.read(request_id=name, kinds=("finished",)))
    return [one for one in found if isinstance(one, AttemptFinished) and one.group is not None]


def _market(trial: Trial, ledger: MemoryLedger, clock: FrozenClock) -> Market:
    items = {item.id: item for table in (trial.learn, trial.test) for item in table.items}
    bidders = [
        TableBidder(name, trial.learn, items, {**trial.learn.rows[name], **trial.test.rows[name]})
        for name in trial.learn.bidders
    ]
    examples: Examples = _NoExamples()
    market = Market(ledger=ledger, bidders=bidders, tactics=(Plain(),), examples=examples, clock=clock)
    market.planning.hold = True  # it plans where the bench says, so that a run is the same again
    return market

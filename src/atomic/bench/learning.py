"""A market at work on an outcome table while something happens to one of its bidders: who was bought, one by one.

Shared by the rows of `atomic bench learn` that ask how soon the market notices.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atomic.bench.routing.bidder import TableBidder, bidder_name, request_id
from atomic.bench.routing.learned import judge
from atomic.bench.routing.outcomes import Item, Row, Table, hashed, read_table
from atomic.bench.routing.tasks import Tasks, terms
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock
from atomic.ledger import MemoryLedger
from atomic.market import Market, Trade
from atomic.records.award import Award
from atomic.records.lesson import BidderChanged
from atomic.records.microtask import Ask, Example
from atomic.records.money import nano_usd
from atomic.tactics.plain import Plain

WORTH = nano_usd("$0.02")
WINDOW = 100  # requests over which a share of awards is taken
_LEARNED = 0.4  # of the items are bought from everybody and told, before anything happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Items in order, the first `learned` of them bought from everybody present; it happens at item `at`.

    `absent` bidders do not take part before that; `rows` are what everybody answers.
    """

    table: Table
    learned: int
    at: int
    rows: Mapping[str, Mapping[str, Row]]
    absent: Collection[str] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened: per request after the learned ones, who was chosen in each award; and what the market noticed."""

    awards: tuple[tuple[str, ...], ...]
    changes: tuple[tuple[int, str, str], ...]  # (answers of the bidder since it happened, key, why)


def scene(folder: Path, seed: int, *, bidders: Sequence[str] = ()) -> Scene:
    """A scene in which nothing happens yet: it would, two thirds through what is not learned from."""
    table = read_table(folder, bidders)
    items = sorted(table.items, key=hashed)
    random.Random(seed).shuffle(items)
    learned = int(_LEARNED * len(items))
    return Scene(
        table=table.only(items), learned=learned, at=learned + (len(items) - learned) // 3, rows=table.rows, seed=seed
    )


def played(one: Scene) -> Seen:
    """Play it from the first item to the last, in no time."""
    clock = FrozenClock()
    return run_virtually(_played(one, clock), clock)


async def _played(one: Scene, clock: FrozenClock) -> Seen:
    table, items = one.table, one.table.items
    tasks, by_id = Tasks([table]), {item.id: item for item in items}
    before = {item.id for item in items[: one.at]}
    learn = table.only(items[: one.learned])
    bidders = []
    for name in table.bidders:
        late = name in one.absent
        rows = {item: row for item, row in one.rows[name].items() if not (late and item in before)}
        bidders.append(TableBidder(name, learn, by_id, rows))
    ledger = MemoryLedger(clock=clock, secret=f"bench {one.seed}".encode().ljust(32))
    market = Market(ledger=ledger, bidders=bidders, tactics=(Plain(),), examples=NoExamples(), clock=clock)
    await market.start()
    everybody = tuple(bidder.profile.name for bidder in bidders)
    for number, item in enumerate(items):
        name = request_id("played", item.id)
        wanted = terms(WORTH, survey=everybody) if number < one.learned else terms(WORTH, explore=True)
        await market.buy(tasks.call(item), Trade(request_id=name, domain=item.domain, terms=wanted))
        await judge(market, name, item, one.rows)
    awards: dict[str, list[str]] = {item.id: [] for item in items[one.learned :]}
    changes: list[tuple[int, str, str]] = []
    for event in ledger.read(kinds=("award", "changed")):
        item_id = event.request_id.partition(":")[2]
        if isinstance(event.payload, Award) and item_id in awards:
            awards[item_id] += [key.partition("+")[0] for key in event.payload.chosen]
        elif isinstance(event.payload, BidderChanged):
            changes.append((event.payload.cause, event.payload.key, event.payload.why))
    await market.close()
    return Seen(tuple(tuple(chosen) for chosen in awards.values()), tuple(changes))


def share(awards: Sequence[Sequence[str]], bidder: str) -> float:
    """The share of answers bought that were this bidder's.

    >>> share([["a", "b"], ["b"], []], "a")
    0.3333333333333333
    """
    bought = [name for chosen in awards for name in chosen]
    return bought.count(bidder_name(bidder)) / len(bought) if bought else 0.0


def answers_until(awards: Sequence[Sequence[str]], bidder: str, reached: float, *, above: bool) -> int | None:
    """After how many of its answers its share of the next requests is at least (or, not `above`, below) `reached`.

    >>> answers_until([["a"]] * 9 + [["b"]] * WINDOW, "a", 0.05, above=False)
    5
    """
    name, answers = bidder_name(bidder), 0
    for start in range(max(1, len(awards) - WINDOW + 1)):
        found = share(awards[start : start + WINDOW], bidder)
        if found >= reached if above else found < reached:
            return answers
        answers += list(awards[start]).count(name)
    return None


def guessing(one: Scene, bidder: str, seed: int) -> Scene:
    """The same scene, but from `at` on this bidder guesses: any answer that somebody gives in the task, as likely."""
    draw = random.Random(seed)
    said: dict[str, set[str]] = {}
    for item in one.table.items:
        known = said.setdefault(item.task, set())
        known.update(rows[item.id].answer or "" for rows in one.rows.values())
    rows = dict(one.rows[bidder])
    for item in one.table.items[one.at :]:
        options = sorted(said[item.task] - {""})
        rows[item.id] = _guessed(rows[item.id], item, options, one.rows, draw)
    return replace(one, rows={**one.rows, bidder: rows})


def _guessed(
    row: Row, item: Item, options: Sequence[str], rows: Mapping[str, Mapping[str, Row]], draw: random.Random
) -> Row:
    if row.answer is None or not options:
        return replace(row, right=0.0)
    answer = draw.choice(options)
    right = max((of[item.id].right for of in rows.values() if of[item.id].answer == answer), default=0.0)
    return replace(row, answer=answer, right=right)


class NoExamples:
    """Bidders that answer from a table show no examples to anybody."""

    def add(self, example: Example) -> None:
        """Nothing."""

    def nearest(self, ask: Ask, count: int) -> Sequence[tuple[float, Example]]:
        """None."""
        return ()

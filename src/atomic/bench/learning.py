"""A market at work on an outcome table while something happens to one of its bidders: who was bought, one by one.

Shared by the rows of `atomic bench learn` that ask how soon the market notices.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atomic.bench.routing.bidder import TableBidder, bidder_name, request_id
from atomic.bench.routing.learned import Places, judge
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
Rows = Mapping[str, Mapping[str, Row]]
Awards = tuple[tuple[str, ...], ...]
_MOST_ITEMS = 1_500
_LEARNED = 0.4  # of the items are bought from everybody and told, before anything happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Items in order, the first `learned` of them bought from everybody present; it happens at item `at`.

    `absent` bidders do not take part before that; `rows` are what everybody answers.
    """

    table: Table
    learned: int
    at: int
    rows: Rows
    absent: Collection[str] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened: per request after the learned ones, who was chosen in each award; and what the market noticed."""

    awards: Awards
    changes: tuple[tuple[int, str, str], ...]  # (answers of the bidder since it happened, key, why)


def scene(folder: Path, seed: int, *, bidders: Sequence[str] = ()) -> Scene:
    """A scene in which nothing happens yet: it would, two thirds through what is not learned from."""
    table = read_table(folder, bidders)
    items = sorted(table.items, key=hashed)
    random.Random(seed).shuffle(items)
    items = items[:_MOST_ITEMS]
    learned = int(_LEARNED * len(items))
    return Scene(
        table=table.only(items), learned=learned, at=learned + (len(items) - learned) // 3, rows=table.rows, seed=seed
    )


def played(one: Scene, happens: Callable[[Awards], Rows] | None = None) -> Seen:
    """Play it from the first item to the last, in no time.

    `happens` is told at item `at` who was bought until then, and says what everybody answers from there on.
    """
    clock = FrozenClock()
    return run_virtually(_played(one, happens, clock), clock)


async def _played(one: Scene, happens: Callable[[Awards], Rows] | None, clock: FrozenClock) -> Seen:
    bidders = _bidders(one)
    ledger = MemoryLedger(clock=clock, secret=f"bench {one.seed}".encode().ljust(32))
    market = Market(
        ledger=ledger, bidders=list(bidders.values()), tactics=(Plain(),), examples=NoExamples(), clock=clock
    )
    market.planning.hold = True
    await market.start()
    everybody = tuple(bidder.profile.name for bidder in bidders.values())
    tasks, rows, places = Tasks([one.table]), one.rows, Places(one.learned)
    for number, item in enumerate(one.table.items):
        if number == one.at and happens is not None:
            rows = happens(_awards(ledger, one))
            for model, bidder in bidders.items():
                bidder.answers_from(rows[model])
        name = request_id("played", item.id)
        wanted = terms(WORTH, survey=everybody) if number < one.learned else terms(WORTH, explore=True)
        await market.buy(tasks.call(item), Trade(request_id=name, domain=item.domain, terms=wanted))
        await judge(market, name, item, rows)
        await places.past(market)
    changed = [event.payload for event in ledger.read(kinds=("changed",))]
    changes = [(one.cause, one.key, one.why) for one in changed if isinstance(one, BidderChanged)]
    awards = _awards(ledger, one)
    await market.close()
    return Seen(awards, tuple(changes))


def _bidders(one: Scene) -> dict[str, TableBidder]:
    table, items = one.table, one.table.items
    by_id, before = {item.id: item for item in items}, {item.id for item in items[: one.at]}
    learn = table.only(items[: one.learned])
    found = {}
    for model in table.bidders:
        late = model in one.absent
        rows = {item: row for item, row in one.rows[model].items() if not (late and item in before)}
        found[model] = TableBidder(model, learn, by_id, rows)
    return found


def _awards(ledger: MemoryLedger, one: Scene) -> Awards:
    """Who was bought, for each request so far that was not bought from everybody."""
    awards: dict[str, list[str]] = {}
    learned = {item.id for item in one.table.items[: one.learned]}
    for event in ledger.read(kinds=("award",)):
        item_id = event.request_id.partition(":")[2]
        if isinstance(event.payload, Award) and item_id not in learned:
            awards.setdefault(item_id, []).extend(key.partition("+")[0] for key in event.payload.chosen)
    return tuple(tuple(chosen) for chosen in awards.values())


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


def guessing(one: Scene, bidder: str, seed: int) -> Rows:
    """What everybody answers if from `at` on this bidder guesses: any answer given in the task, as likely."""
    draw = random.Random(seed)
    said: dict[str, set[str]] = {}
    for item in one.table.items:
        known = said.setdefault(item.task, set())
        known.update(rows[item.id].answer or "" for rows in one.rows.values())
    rows = dict(one.rows[bidder])
    for item in one.table.items[one.at :]:
        options = sorted(said[item.task] - {""})
        rows[item.id] = _guessed(rows[item.id], item, options, one.rows, draw)
    return {**one.rows, bidder: rows}


def _guessed(row: Row, item: Item, options: Sequence[str], rows: Rows, draw: random.Random) -> Row:
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

"""Operating points: what an objective asks for, and the worth at which the market meets it on learn data alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from atomic.bench.routing.bidder import bidder_name, request_id
from atomic.bench.routing.learned import Trial
from atomic.bench.routing.outcomes import Item, Row, hashed
from atomic.bench.routing.tasks import NO_HURRY_NS, terms
from atomic.errors import CallerError
from atomic.market import Market
from atomic.records.award import Answered, Position, Slate, State
from atomic.records.microtask import Ask
from atomic.records.money import nano_usd
from atomic.rules.auction import auction, without
from atomic.stages.collect import Round, collect
from atomic.stages.prepare import prepare
from atomic.tactics.plain import Plain

FRONTIER = ("0.1x", "0.2x", "0.35x", "0.5x", "0.6x", "0.7x", "0.8x", "1.0x")
_LEAST, _MOST = 1e2, 1e13  # nano-USD that a right answer may be worth
_SHARE, _NUMBER = re.compile(r"(\d*\.?\d+)x\Z"), re.compile(r"(\d*\.?\d+)(%?)\Z")
_STEPS = 12  # of the bisection: a worth within one per cent of the range's decade
_SAMPLE = 300  # learn items that a worth is tried on


@dataclass(frozen=True, slots=True)
class Objective:
    """What is asked for. `value`: nano-USD for `worth` and `budget` (an item), a probability, or a share of a price."""

    text: str
    kind: Literal["worth", "target", "budget", "price"]
    value: float


def objectives(texts: Sequence[str]) -> list[Objective]:
    """Read them; "frontier" stands for eight. Raises CallerError for what is none.

    >>> [one.kind for one in objectives(["worth=$0.01", "budget=$2/1k", "target=0.9"])], len(objectives(["frontier"]))
    (['worth', 'budget', 'target'], 8)
    """
    found: list[Objective] = []
    for text in texts:
        found += [_objective(f"price={share}") for share in FRONTIER] if text == "frontier" else [_objective(text)]
    return found


def _objective(text: str) -> Objective:
    kind, _, said = text.partition("=")
    if kind == "worth":
        return Objective(text, "worth", float(nano_usd(said)))
    if kind == "budget" and said.endswith("/1k"):
        return Objective(text, "budget", nano_usd(said.removesuffix("/1k")) / 1000)
    if kind == "price" and (share := _SHARE.match(said)):
        return Objective(text, "price", float(share[1]))
    if kind == "target" and (number := _NUMBER.match(said)):
        value = float(number[1]) / (100 if number[2] else 1)
        if 0 < value < 1:
            return Objective(text, "target", value)
    raise CallerError(
        f"{text!r} is no objective", hint="worth=$0.01, target=0.95, budget=$2/1k, price=0.6x or frontier"
    )


def worth_for(objective: Objective, rehearsal: Rehearsal, best_fixed: Callable[[Item], Row]) -> int:
    """The worth, in nano-USD, at which the market meets an objective on learn items.

    `price` and `budget`: what it spends there is that share of what the best fixed bidder costs there, or that much.
    `target`: its own mean probability is that high; the largest worth tried where it never is.
    """
    if objective.kind == "worth":
        return round(objective.value)
    if objective.kind == "target":
        return _least(lambda worth: rehearsal.at(worth)[1] - objective.value)
    if objective.kind == "price":
        # Against the best fixed bidder on the same items: that some of them are long cancels out.
        fixed = sum(best_fixed(item).price for item in rehearsal.items) / len(rehearsal.items)
        return _least(lambda worth: rehearsal.at(worth)[0] - objective.value * fixed)
    return _least(lambda worth: rehearsal.at(worth)[0] - objective.value)


def _least(above: Callable[[int], float]) -> int:
    """Where a rising function crosses 0, by bisection on a logarithmic scale."""
    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if above(round(middle)) >= 0 else (middle, high)
    return round(float((low * high) ** 0.5))


class Rehearsal:
    """What the market would buy of some learn items, and what it would pay, if a right answer were worth so much.

    The same auctions on the same bids, with the answers of the table; nothing is recorded.
    """

    def __init__(self, market: Market, trial: Trial) -> None:
        # The last by hash: where few are labelled these are not, like the items to come.
        self.items = sorted(trial.learn.items, key=hashed)[-_SAMPLE:]
        self._market, self._trial = market, trial
        self._rows = {bidder_name(model): rows for model, rows in trial.learn.rows.items()}
        self._offered = [self._collected(item) for item in self.items]
        self._known: dict[int, tuple[float, float]] = {}

    def at(self, worth: int) -> tuple[float, float]:
        """Mean price in nano-USD and mean probability of being right."""
        if worth not in self._known:
            found = [self._bought(*one, worth) for one in zip(self.items, self._offered, strict=True)]
            self._known[worth] = sum(one[0] for one in found) / len(found), sum(one[1] for one in found) / len(found)
        return self._known[worth]

    def _collected(self, item: Item) -> tuple[Ask, Slate]:
        market = self._market
        call = self._trial.tasks.call(item)
        ask = prepare(
            call, request_id=request_id("learn", item.id), tenant="", label=call.task.label, domain=item.domain
        )
        this = Round(terms=terms(1), spent=0, now_ns=0, busy={}, excluded={}, examples=())
        ask = replace(ask, time_left_ns=NO_HURRY_NS)
        return ask, collect(ask, market.bidders, (Plain(),), market.beliefs, this)

    def _bought(self, item: Item, offered: tuple[Ask, Slate], worth: int) -> tuple[int, float]:
        """Price and probability of what would be settled for."""
        ask, slate = offered
        table, _, _ = self._market.beliefs.table(ask.task.name, ask.task.alternatives)
        answered: list[Answered] = []
        groups: dict[str, int] = {}
        spent = 0
        bids = {bid.key: bid for bid in slate.bids}
        for number in count(1):
            position = Position(
                terms=terms(worth), state=State(answered=tuple(answered)), round=number, spent=spent, elapsed_ns=0
            )
            verdict = auction(position, slate, table, 0.0)
            if not verdict.chosen:
                return spent, verdict.standing
            slate = without(slate, verdict.chosen)
            for key in verdict.chosen:
                bid = bids[key]
                row = self._rows[bid.offer.bidder][item.id]
                spent += row.price
                if row.answer != "":
                    said = f"{key} alone" if row.answer is None else f"={row.answer}"
                    group = groups.setdefault(said, len(groups))
                    answered.append(Answered(key=key, group=group, probability=bid.probability))
        raise AssertionError("an auction among fewer and fewer bids ends")

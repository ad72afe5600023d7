"""Bidders that answer from an outcome table, and what they may know of their own price before they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from atomic.bench.routing.outcomes import Item, Row, Table
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask

_SHRINKAGE = 20.0  # items that a domain needs to count as much as the whole
_LONGEST_NS = 86_400_000_000_000
_FAR_MORE = 4  # a ceiling is that many times the dearest answer that was learned from


class Prices:
    """What a bidder expects to bill: by its tokens where they are counted, else the mean of the domain.

    Learned from other items. The length of the prompt is known before, that of the answer is not: its mean in the
    domain stands for it, shrunk towards the mean of all.
    """

    def __init__(self, items: Sequence[Item], rows: Mapping[str, Row]) -> None:
        found = [(item.domain, rows[item.id]) for item in items]
        self.counted = all(row.prompt_tokens is not None and row.completion_tokens is not None for _, row in found)
        self.ceiling = _FAR_MORE * max(row.price for _, row in found)
        values = [float((row.completion_tokens or 0) if self.counted else row.price) for _, row in found]
        self._mean = sum(values) / len(values)
        self._by_domain: dict[str, float] = {}
        for domain in {domain for domain, _ in found}:
            own = [value for (other, _), value in zip(found, values, strict=True) if other == domain]
            self._by_domain[domain] = (sum(own) + _SHRINKAGE * self._mean) / (len(own) + _SHRINKAGE)
        self._rates = np.zeros(2)
        if self.counted:
            tokens = np.array([[row.prompt_tokens or 0, row.completion_tokens or 0] for _, row in found], dtype=float)
            prices = np.array([row.price for _, row in found], dtype=float)
            self._rates = np.linalg.lstsq(tokens, prices, rcond=None)[0]

    def expected(self, item: Item, row: Row) -> int:
        """Nano-USD; of `row` only what is known before the answer is read."""
        value = self._by_domain.get(item.domain, self._mean)
        if self.counted and row.prompt_tokens is not None:
            value = float(self._rates[0]) * row.prompt_tokens + float(self._rates[1]) * value
        return min(self.ceiling, max(1, round(value)))


class TableBidder:
    """Answers a request with its row in the table, after the row's latency, at the row's price."""

    def __init__(self, name: str, learn: Table, items: Mapping[str, Item], rows: Mapping[str, Row]) -> None:
        self._rows, self._items = rows, items
        self._prices = Prices(learn.items, learn.rows[name])
        learned = [row.latency_s for item in learn.items if (row := learn.rows[name][item.id]).latency_s is not None]
        self._latency_ns = int(1e9 * sum(learned) / len(learned)) if learned else 0
        # It may take as long as the table says: how long to wait is a question of its own.
        self.profile = Profile(name=bidder_name(name), kind="table", lasting_ns=_LONGEST_NS, concurrency=1 << 20)
        self._silent = f"what {name} said"

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Its expected price: what this very item will cost is not known before."""
        item = item_of(ask.request_id)
        row = self._rows.get(item)
        if row is None:
            return NoBid(bidder=self.profile.name, tactic=sketch.tactic, reason=Reason.DECLINED)
        price = self._prices.expected(self._items[item], row)
        return Offer(
            bidder=self.profile.name,
            tactic=sketch.tactic,
            price=price,
            ceiling=max(self._prices.ceiling, row.price),  # of a dearer one the reader of a table would be cheated
            latency_ns=self._latency_ns,
        )

    def answers_from(self, rows: Mapping[str, Row]) -> None:
        """From now on it answers with other rows."""
        self._rows = rows

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """The row. Answers that were not kept are equal to nobody's; an empty one is none."""
        row = self._rows[item_of(ask.request_id)]
        if row.latency_s:
            await asyncio.sleep(row.latency_s)
        usage = Usage(prompt_tokens=row.prompt_tokens or 0, completion_tokens=row.completion_tokens or 0)
        value: Any = self._silent if row.answer is None else row.answer
        return Reply(value=value, price=row.price, usage=usage)

    async def close(self) -> None:
        """Nothing."""


def bidder_name(model: str) -> str:
    """A model's name as a bidder's, which has no "+"."""
    return model.replace("+", "_")


def request_id(stage: str, item: str) -> str:
    """The id of a request about an item."""
    return f"{stage}:{item}"


def item_of(request: str) -> str:
    """The item that a request is about."""
    return request.partition(":")[2]

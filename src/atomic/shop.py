"""What every purchase of a market shares."""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from atomic.belief import Beliefs
from atomic.clock import Clock
from atomic.outcome import Outcome
from atomic.protocols import Bidder, Examples, Invited, Parser, Priced, Spend, Tactic, Valuation
from atomic.records.bid import Bid
from atomic.records.event import Entry, Event
from atomic.records.microtask import Ask, Call
from atomic.records.price import PricesChanged
from atomic.records.request import Terms
from atomic.rules.exploration import drawn
from atomic.stages.capacity import Capacity
from atomic.stages.execute import Attempted
from atomic.stages.invite import invite
from atomic.stages.punctual import Punctuality
from atomic.stages.reading import Reading
from atomic.trade import Trade

P = ParamSpec("P")
T = TypeVar("T")


class Record(Protocol):
    """`Market.record`."""

    async def __call__(
        self, entries: Sequence[Entry], *, spend: Spend | None = None, power_durable: bool = False
    ) -> tuple[Event, ...]:
        """Append to the ledger."""
        ...


Watcher = Callable[[str, Ask, int, int], None]  # told of a stage, whose request, when it began and ended (UTC, in ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What every purchase of a market shares."""

    bidders: Mapping[str, Bidder]
    tactics: Sequence[Tactic]
    examples: Examples
    beliefs: Beliefs
    record: Record
    clock: Clock
    secret: bytes
    per_day: int | None
    per_task: Mapping[str, int]
    valuation: Valuation
    punctual: Punctuality
    capacity: Capacity
    reading: Reading
    parser: Parser | None = None
    purses: tuple[tuple[str, int | None], ...] = ()  # parts of the day that this purchase is booked on, with their caps
    recalled: Mapping[str, Attempted] = field(default_factory=dict)  # by bid: made and paid already, by another request
    invited: Sequence[Invited] = ()  # of the bidders, those to be asked before they offer
    buy: Callable[[Call[Any], Trade], Awaitable[Outcome[Any]]] | None = None  # the market's own door, for judges
    watchers: list[Watcher] = field(default_factory=list)

    async def invite(self, ask: Ask, terms: Terms) -> None:
        """Have the offers of those at hand who must be asked elsewhere."""
        if self.invited:
            await invite(ask, terms, self.invited, self.beliefs, self.clock.time_ns())

    def timed(self, stage: str, ask: Ask, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do one stage of a request, and tell those who watch how long it took."""
        if not self.watchers:
            return work(*args, **kwargs)
        began_ns = self.clock.time_ns()
        done = work(*args, **kwargs)
        for watcher in self.watchers:
            watcher(stage, ask, began_ns, self.clock.time_ns())
        return done

    def reserved(self, bid: Bid) -> int:
        """What an attempt on a bid may cost at most; nothing where it is only recalled."""
        return 0 if bid.key in self.recalled else bid.offer.ceiling

    def claims(self, ask: Ask) -> Mapping[str, float]:
        """The market's own claims by the text alone, where answers do not say more: they are never equal, or
        there are not three bidders to compare."""
        table, _, _ = self.beliefs.table(ask.task.name, ask.task.alternatives)
        return self.reading.claims(ask) if table.apart or len(self.bidders) < 3 else {}

    def draw(self, tenant: str, request_id: str, round_number: int) -> float:
        """A number in [0, 1) that bidders cannot predict: HMAC over tenant, request and round."""
        return drawn(self.secret, tenant, request_id, round_number)

    def today(self) -> str:
        """The UTC date that spending counts against."""
        return day_of(self.clock.time_ns())


def day_of(time_ns: int) -> str:
    """The UTC date of a calendar time, as spending counts against it.

    >>> day_of(1_700_000_000_000_000_000)
    '2023-11-14'
    """
    return datetime.datetime.fromtimestamp(time_ns / 1e9, tz=datetime.UTC).date().isoformat()


def fingerprint_of(secret: bytes, task: str, input_json: bytes) -> str:
    """What tells one input of a request from another, under the market's secret: a plain digest could be guessed.

    >>> fingerprint_of(b"secret", "spam", b'{"text":"hi"}')[:8]
    '38bcbe9b'
    """
    return hmac.new(secret, task.encode() + b"\0" + input_json, hashlib.sha256).hexdigest()


def reprice(bidders: Mapping[str, object], events: Sequence[Event]) -> None:
    """Tell bidders, those whose price may change, what new events say that they cost."""
    for event in events:
        for price in event.payload.prices if isinstance(event.payload, PricesChanged) else ():
            bidder = bidders.get(price.bidder)
            if isinstance(bidder, Priced):
                bidder.reprice(price)

"""The books of one purchase: what it has recorded and reserved, and what waits for the next append."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from atomic.protocols import Spend
from atomic.records.attempt import AttemptStarted, Plan
from atomic.records.bid import Bid
from atomic.records.event import Body, Entry, encode
from atomic.records.microtask import Ask, Example
from atomic.shop import Shop


class Books:
    """Entries of a purchase, and the money that they reserve and give back.

    What a round found is appended together with what the next one decides, so a request of one round costs two
    commits. `round` is the one that entries are written under.
    """

    def __init__(
        self, shop: Shop, ask: Ask, subjects: tuple[str, ...], nearest: Sequence[tuple[float, Example]]
    ) -> None:
        self.round = 0
        self.day = ""  # that the last reservation counts against
        self._shop = shop
        self._ask = ask
        self._subjects = subjects
        self._nearest = nearest
        self._borrowed: tuple[str, ...] = ()  # of examples that were shown to those who wrote free text
        self._pending: list[Entry] = []  # recorded with the next append
        self._unsettled = 0  # of what was reserved on that day, to be given back with the next append

    def note(self, payload: Any, *, bodies: tuple[Body, ...] = (), blobs: tuple[bytes, ...] = ()) -> None:
        """Record it with the next append."""
        self._pending.append(self.entry(payload, bodies=bodies, blobs=blobs))

    def note_entry(self, entry: Entry) -> None:
        """The same for an entry that was made earlier."""
        self._pending.append(entry)

    def settle(self, bid: Bid, price: int) -> None:
        """An attempt ended: what of its reservation was not billed is given back with the next append."""
        if bid.key not in self._shop.recalled:
            self._unsettled += price - bid.offer.ceiling

    def move(self, shop: Shop) -> None:
        """Spend from now on as this shop may."""
        self._shop = shop

    async def reserve(
        self, decision: Entry, chosen: Sequence[Bid], plans: Sequence[Plan], undo: Callable[[], None]
    ) -> bool:
        """Record a decision and its reservations before the first call; False when a day's cap forbids it.

        When cancelled, what was written all the same is ended by `undo`, which is recorded: nobody was called.
        """
        if self._unsettled and self.day != self._shop.today():
            await self.flush()
        today = self._shop.today()
        reserved = sum(map(self._shop.reserved, chosen))
        entries = [*self._pending, decision, *(self._started(*one) for one in zip(chosen, plans, strict=True))]
        spend = self._spend(today, reserved + self._unsettled, capped=reserved > 0)
        writing = asyncio.ensure_future(self._shop.record(entries, spend=spend))
        cancelled = False
        try:
            events = await asyncio.shield(writing)
        except asyncio.CancelledError:
            cancelled, events = True, await writing
        if events:
            self._pending, self._unsettled, self.day = [], 0, today
        if cancelled:
            if events:
                undo()
                await asyncio.shield(self.flush())
            raise asyncio.CancelledError
        return bool(events)

    async def flush(self) -> None:
        """Append what waits."""
        pending, back = self._pending, self._unsettled
        self._pending, self._unsettled = [], 0
        await self._shop.record(pending, spend=self._spend(self.day, back, capped=False))

    def _spend(self, day: str, change: int, *, capped: bool) -> Spend | None:
        task = self._ask.task.name
        if not change and not capped:
            return None
        return Spend(
            day=day,
            change=change,
            cap=self._shop.per_day if capped else None,
            task=task,
            task_cap=self._shop.per_task.get(task) if capped else None,
            purses=tuple((name, cap if capped else None) for name, cap in self._shop.purses),
        )

    def _started(self, bid: Bid, plan: Plan) -> Entry:
        profile = self._shop.bidders[bid.offer.bidder].profile
        started = AttemptStarted(
            bidder=bid.offer.bidder,
            tactic=bid.offer.tactic,
            reserved=self._shop.reserved(bid),
            examples=plan.examples,
            cleared=profile.accepts,
            jurisdictions=profile.jurisdictions,
        )
        if not (plan.messages or plan.begun):
            return self.entry(started)
        body = Body(name="plan", content=encode(plan), subjects=self._subjects + self.shown(plan))
        return self.entry(started, bodies=(body,))

    def shown(self, plan: Plan) -> tuple[str, ...]:
        """Whose data the examples in a plan are: what is made of it is theirs, too."""
        used = [example for _, example in self._nearest if example.request_id in plan.examples]
        return tuple(dict.fromkeys(subject for example in used for subject in example.subjects))

    def borrow(self, subjects: tuple[str, ...]) -> None:
        """Answers from now on are these subjects' data, too: free text may say again what an example said."""
        if not self._ask.task.alternatives:
            self._borrowed += subjects

    def answer(self, content: bytes) -> Body:
        """An answer's body, with whose data it is."""
        return Body(name="answer", content=content, subjects=self._subjects + self._borrowed)

    def entry(self, payload: Any, *, bodies: tuple[Body, ...] = (), blobs: tuple[bytes, ...] = ()) -> Entry:
        """A record of this request and round, as of now."""
        return Entry(
            payload=payload,
            request_id=self._ask.request_id,
            round=self.round,
            tenant=self._ask.tenant,
            label=self._ask.label,
            time_ns=self._shop.clock.time_ns(),
            bodies=bodies,
            blobs=blobs,
        )

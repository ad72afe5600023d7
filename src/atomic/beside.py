"""Beside: what is bought for comparison once the caller has its answer, out of a budget of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from atomic.arms import Compared, Errand, beside
from atomic.protocols import SharedLedger, Spend
from atomic.purchase import MOST_REPEATS, Purchase
from atomic.records.award import Table
from atomic.records.bid import Bid
from atomic.records.event import Entry
from atomic.records.microtask import Ask
from atomic.records.mode import MARKET, Assignment, Mode, PairMade, Side
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened, Terms
from atomic.rules.posterior import calibrated, of_state
from atomic.shop import Shop
from atomic.stages.execute import Attempted
from atomic.stages.prepare import given
from atomic.trade import Trade

_AT_ONCE = 4
_MOST_WAITING = 256  # more would only be bought long after; those are left out, whatever they ask
_LAST_SECONDS = 10.0

Paired = Callable[[tuple[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A caller's request that has its answer, and which arm is to be asked beside it."""

    ask: Ask
    opened: RequestOpened
    terms: Terms  # as its owner states them
    assignment: Assignment
    mode: Mode
    trade: Trade  # the caller's: whose data it is, for whom, and where it may be worked on
    compared: Compared

    @property
    def shadow(self) -> str:
        """The id of the purchase that shadows it."""
        return f"{self.ask.request_id}~shadow"

    @property
    def brought(self) -> Attempted | None:
        """The attempt whose answer the caller got."""
        settled, hand = self.compared.settled, self.compared.hand
        made = self.compared.attempts.get(settled.winner)
        if made is None or settled.status == "refused" or settled.group is None:
            return None
        return replace(made, answer=hand.groups[settled.group].answer)


class Beside:
    """Buys the other arms' answers. No caller waits for it; what it cannot afford today it leaves out."""

    def __init__(self, shop: Shop, ledger: SharedLedger, paired: Paired) -> None:
        self._shop = shop
        self._ledger = ledger
        self._paired = paired  # told when the caller's request, by tenant and id, has become one of a pair
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[asyncio.Task[None], tuple[str, str]] = {}  # whose caller's request, by tenant and id

    def begin(self, answered: Answered) -> None:
        """Buy what the assignment says, some time after this."""
        settled = answered.compared.settled
        if settled.status == "answered" and answered.brought is None:
            return  # another process, which died, made the attempt: its answer is not at hand to compare with
        if answered.assignment.other and len(self._tasks) < _MOST_WAITING:
            task = asyncio.create_task(self._run(answered))
            self._tasks[task] = (answered.ask.tenant, answered.ask.request_id)
            task.add_done_callback(self._tasks.pop)

    async def wait(self) -> None:
        """Wait until all that was begun has ended."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def ended(self, request: tuple[str, str]) -> None:
        """Wait a little for what is bought beside a request: what is said of it now would teach those who are asked."""
        if beside := [task for task, key in self._tasks.items() if key == request]:
            await asyncio.wait(beside, timeout=_LAST_SECONDS)

    async def close(self) -> None:
        """Give what is under way a little time; what is cut then stays charged, and makes no pair."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_LAST_SECONDS)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, answered: Answered) -> None:
        try:
            async with self._room:
                await self._buy(answered)
        except Exception as error:  # a full disk, foreign code: no caller waits for it, but somebody should know
            what = {"message": "an answer could not be bought for comparison", "exception": error}
            asyncio.get_running_loop().call_exception_handler(what)

    async def _buy(self, answered: Answered) -> None:
        tenant = answered.ask.tenant
        if await self._ledger.claim(tenant, answered.shadow, "") != "new":
            return
        try:
            ask = replace(answered.ask, request_id=answered.shadow)
            errand, most = self._errand(answered, ask)
            day = self._shop.today()
            spend = Spend(day=_account(day), change=most, task=ask.task.name, task_cap=answered.mode.shadow_per_day)
            if not await self._shop.record([_opening(answered, errand, self._shop)], spend=spend):
                return
            purchase = Purchase(errand, ask, _trade(answered))
            settled, _ = await purchase.run()
            ended = purchase.compared(settled)
            pair = _pair(answered, ended, self._table(ask), errand.terms.max_price)
            back = Spend(day=_account(day), change=ended.paid - most, task=ask.task.name)
            await self._shop.record([_entry(answered, pair, self._shop)], spend=back if back.change else None)
            await self._paired((tenant, answered.ask.request_id))
        finally:
            await asyncio.shield(self._ledger.release(tenant, answered.shadow, done=True))

    def _errand(self, answered: Answered, ask: Ask) -> tuple[Errand, int]:
        """The purchase, and the most that it may cost: what all who bid could bill, within the request's own limit."""
        arm = answered.assignment.other
        errand = beside(self._shop, answered.terms, arm, answered.compared.attempts)
        slate, _ = Purchase(errand, ask, _trade(answered)).preview()
        repeats = 1 if arm != MARKET else MOST_REPEATS
        most = sum(errand.shop.reserved(bid) * self._times(bid, repeats) for bid in slate.bids)
        most = min(most, errand.terms.max_price)
        recalled = sum(one.bid.offer.ceiling for one in answered.compared.attempts.values())
        terms = replace(errand.terms, max_price=min(errand.terms.max_price, most + recalled))
        return replace(errand, terms=terms, brought=answered.brought), most

    def _times(self, bid: Bid, repeats: int) -> int:
        return 1 if self._shop.bidders[bid.offer.bidder].profile.deterministic else repeats

    def _table(self, ask: Ask) -> Table:
        table, _, _ = self._shop.beliefs.table(ask.task.name, ask.task.alternatives)
        return table


def _trade(answered: Answered) -> Trade:
    """For the same person, of the same people's data, and where that may be worked on: a judge is bought by it, too."""
    caller = answered.trade
    return Trade(subjects=caller.subjects, principal=caller.principal, terms=answered.terms)


def _account(day: str) -> str:
    """What shadows are booked on, beside the day's spending that they are part of."""
    return f"shadow {day}"


def _opening(answered: Answered, errand: Errand, shop: Shop) -> Entry:
    ask = answered.ask
    opened = replace(
        answered.opened,
        terms=errand.terms,
        assignment=replace(answered.assignment, arm=answered.assignment.other, shadows=ask.request_id),
    )
    bodies = given(ask, answered.trade.subjects)
    return replace(_entry(answered, opened, shop), request_id=answered.shadow, bodies=bodies)


def _entry(answered: Answered, payload: Any, shop: Shop) -> Entry:
    ask = answered.ask
    return Entry(
        payload=payload,
        request_id=ask.request_id,
        tenant=ask.tenant,
        label=ask.label,
        time_ns=shop.clock.time_ns(),
    )


def _pair(answered: Answered, ended: Compared, table: Table, most: int) -> PairMade:
    """What both arms came to, with the probabilities of both answers given all that was said."""
    first, assignment = answered.compared, answered.assignment
    brought = answered.brought
    theirs = next((one.group for one in ended.hand.state.answered if brought and one.key == brought.bid.key), None)
    ours = ended.settled.group if ended.settled.status == "answered" else None
    shares = _shares(ended, table)
    markets = ended if assignment.other == MARKET else first  # whose terms say what a right answer is worth
    ceilings = [one.bid.offer.ceiling for one in first.attempts.values()]
    bound = answered.terms.max_price if assignment.arm == MARKET else 0
    return PairMade(
        task=answered.opened.task,
        number=assignment.number,
        pair=assignment.pair,
        shadow=answered.shadow,
        caller=_side(assignment.arm, first.settled, shares.get(theirs, 0.0)),
        beside=_side(assignment.other, ended.settled, shares.get(ours, 0.0)),
        equal=theirs is not None and theirs == ours,
        whole=not ended.capped and (bool(ended.attempts) or assignment.other == MARKET),
        worth=markets.terms.worth,
        most=max(most, bound, *ceilings, first.settled.cost, ended.settled.cost),
    )


def _shares(ended: Compared, table: Table) -> Mapping[int | None, float]:
    """How probably each group of equal answers is right; the best of them calibrated, the others in proportion."""
    posterior = of_state(ended.hand.state, table)
    best, number = posterior.best
    if number < 0:
        return {}
    right = calibrated(best, len(ended.hand.state.answered), table.settling)
    rest = (1.0 - right) / (1.0 - best) if best < 1.0 else 0.0
    return {group: right if group == number else share * rest for group, share in enumerate(posterior.groups)}


def _side(arm: str, settled: OutcomeSettled, probability: float) -> Side:
    answered = settled.status == "answered"
    return Side(
        arm=arm,
        answered=answered,
        winner=settled.winner if answered else "",
        price=settled.cost,
        probability=probability if answered else 0.0,
        source=settled.probability_source,
    )

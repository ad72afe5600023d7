"""Buying what a calibration needs: everybody's answer to each input, within a budget, resumed where it was cut."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from atomic.calibrate.cases import Case
from atomic.market import Market, Trade
from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import EVERYBODY, Terms

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """An input to be bought from everybody: what that is expected to cost and the most it can, in nano-USD.

    `bidders`: these alone, since an earlier run asked the others; empty: it is bought for the first time.
    """

    case: Case
    request_id: str
    expected: int
    ceiling: int
    bidders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be bought, in order. `bought` were before, for `spent`; `left` do not fit the budget.

    An input that was bought is bought again from bidders that were not there then.
    """

    wanted: tuple[Wanted, ...]
    bought: int
    spent: int
    left: int
    bidders: tuple[str, ...]

    @property
    def expected(self) -> int:
        """What it will cost, in nano-USD, over what was spent."""
        return sum(one.expected for one in self.wanted)

    @property
    def ceiling(self) -> int:
        """The most that it can cost."""
        return sum(one.ceiling for one in self.wanted)


def planned(market: Market, cases: Sequence[Case], budget: int, bidders: Sequence[str] = ()) -> Plan:
    """What of the cases fits a budget (nano-USD), with what earlier runs bought of them counted in.

    In the order of a hash, so that a budget that does not reach for all buys a fair sample of the file.
    """
    wanted: list[Wanted] = []
    names: set[str] = set()
    bought = spent = left = 0
    reckoned = 0
    ordered = sorted(cases, key=_drawn)
    settled = {case.request_id: requests_of(market, case) for case in ordered}
    spent = sum(outcome.cost for of_case in settled.values() for outcome in of_case.values())
    for case in ordered:
        before = settled[case.request_id]
        bought += bool(before)
        one, asked = _wanted(market, case, before, budget, bidders)
        if before and not asked:
            continue
        names.update(asked)
        if asked and spent + reckoned + one.expected <= budget:
            wanted.append(one)
            reckoned += one.expected
        else:
            left += 1
    return Plan(tuple(wanted), bought, spent, left, tuple(sorted(names)))


def _wanted(
    market: Market, case: Case, before: Mapping[str, OutcomeSettled], budget: int, bidders: Sequence[str]
) -> tuple[Wanted, set[str]]:
    """What is left to buy of a case, and from whom."""
    name = case.request_id if not before else f"{case.request_id}/{len(before) + 1}"
    slate, award = market.preview(case.call, _trade(case, name, budget, bidders))
    asked = {one.bidder for request in before for one in attempts(market, request)}
    chosen = [bid for bid in slate.bids if bid.key in award.chosen and bid.offer.bidder not in asked]
    fresh = {bid.offer.bidder for bid in chosen}
    expected, ceiling = sum(bid.price for bid in chosen), sum(bid.offer.ceiling for bid in chosen)
    return Wanted(case, name, expected, ceiling, tuple(sorted(fresh)) if before else ()), fresh


async def buy(
    market: Market, plan: Plan, budget: int, tell: Callable[[int], None], bidders: Sequence[str] = ()
) -> None:
    """Buy what was planned, a few at once, and give the truths that are known; stop where the budget could be passed.

    What was cut by a crash is completed when it is run again; nothing is bought twice.
    """
    spent, reserved, done = plan.spent, 0, 0
    turn, changed = asyncio.Semaphore(_AT_ONCE), asyncio.Condition()

    async def one(wanted: Wanted) -> None:
        nonlocal spent, reserved, done
        async with turn:
            async with changed:
                # What others reserved and were not billed comes back; only then is it known whether this one fits.
                await changed.wait_for(lambda: not reserved or spent + reserved + wanted.ceiling <= budget)
                if spent + wanted.ceiling > budget:
                    return
                reserved += wanted.ceiling
            try:
                trade = _trade(wanted.case, wanted.request_id, budget, wanted.bidders or bidders)
                outcome = await market.buy(wanted.case.call, trade)
                spent += outcome.cost
            finally:
                async with changed:
                    reserved -= wanted.ceiling
                    changed.notify_all()
            done += 1
            tell(done)

    work = [asyncio.ensure_future(one(wanted)) for wanted in plan.wanted]
    try:
        await asyncio.gather(*work)
    finally:  # after the first error nothing more is bought
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


async def label(market: Market, cases: Sequence[Case]) -> int:
    """Give every truth that was not given yet to what was bought; how many were given."""
    given = 0
    for case in cases:
        for name in requests_of(market, case) if case.labelled else ():
            if not _events(market, name, "feedback"):
                await market.feedback(name, truth=case.truth, source="fact", asked=True)
                given += 1
    return given


def requests_of(market: Market, case: Case) -> dict[str, OutcomeSettled]:
    """The requests that bought a case, with what came of them: one, and one more for each time bidders had joined."""
    found: dict[str, OutcomeSettled] = {}
    for number in count(1):
        name = case.request_id if number == 1 else f"{case.request_id}/{number}"
        outcome = next((event.payload for event in _events(market, name, "outcome")), None)
        if not isinstance(outcome, OutcomeSettled):
            return found
        found[name] = outcome
    raise AssertionError("the requests of a case end")


def attempts(market: Market, request_id: str) -> list[AttemptFinished]:
    """The attempts of a request."""
    found = [event.payload for event in _events(market, request_id, "finished")]
    return [one for one in found if isinstance(one, AttemptFinished)]


def _events(market: Market, request_id: str, kind: str) -> list[Event]:
    return [one for one in market.ledger.read(request_id=request_id, kinds=(kind,)) if one.tenant == ""]


def _drawn(case: Case) -> bytes:
    return hashlib.sha256(case.request_id.encode()).digest()


def _trade(case: Case, request_id: str, budget: int, bidders: Sequence[str]) -> Trade:
    terms = Terms(
        worth=1,
        max_price=max(1, budget),
        deadline_ns=case.call.task.terms.deadline_ns,
        explore=False,
        jurisdictions=case.call.task.terms.jurisdictions,
        survey=tuple(bidders) or EVERYBODY,
    )
    return Trade(request_id=request_id, domain=case.domain, terms=terms)

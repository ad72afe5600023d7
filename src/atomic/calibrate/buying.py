"""Buying what a calibration needs: everybody's answer to each input, within a budget, resumed where it was cut."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atomic.calibrate.cases import Case
from atomic.market import Market, Trade
from atomic.records.event import Event
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import EVERYBODY, Terms

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """An input to be bought from everybody: what that is expected to cost and the most it can, in nano-USD."""

    case: Case
    expected: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be bought, in order. `bought` were before, for `spent`; `left` do not fit the budget."""

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
    for case in sorted(cases, key=_drawn):
        done = outcome_of(market, case)
        if done is not None:
            bought, spent = bought + 1, spent + done.cost
            continue
        slate, award = market.preview(case.call, _trade(case, budget, bidders))
        chosen = [bid for bid in slate.bids if bid.key in award.chosen]
        names.update(bid.offer.bidder for bid in chosen)
        one = Wanted(case, sum(bid.price for bid in chosen), sum(bid.offer.ceiling for bid in chosen))
        if chosen and spent + reckoned + one.expected <= budget:
            wanted.append(one)
            reckoned += one.expected
        else:
            left += 1
    return Plan(tuple(wanted), bought, spent, left, tuple(sorted(names)))


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
                outcome = await market.buy(wanted.case.call, _trade(wanted.case, budget, bidders))
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
        if case.labelled and outcome_of(market, case) is not None and not _events(market, case, "feedback"):
            await market.feedback(case.request_id, truth=case.truth, source="fact", asked=True)
            given += 1
    return given


def outcome_of(market: Market, case: Case) -> OutcomeSettled | None:
    """What came of a case; None while it was not bought."""
    found = [event.payload for event in _events(market, case, "outcome")]
    return next((one for one in found if isinstance(one, OutcomeSettled)), None)


def _events(market: Market, case: Case, kind: str) -> list[Event]:
    return [one for one in market.ledger.read(request_id=case.request_id, kinds=(kind,)) if one.tenant == ""]


def _drawn(case: Case) -> bytes:
    return hashlib.sha256(case.request_id.encode()).digest()


def _trade(case: Case, budget: int, bidders: Sequence[str]) -> Trade:
    terms = Terms(
        worth=1,
        max_price=max(1, budget),
        deadline_ns=case.call.task.terms.deadline_ns,
        explore=False,
        jurisdictions=case.call.task.terms.jurisdictions,
        survey=tuple(bidders) or EVERYBODY,
    )
    return Trade(request_id=case.request_id, domain=case.domain, terms=terms)

"""Playing cases: each is a request, within a limit on what all of them may cost, and what comes is compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from atomic.arms import mandated
from atomic.cases.declared import UNSAID, Check, Ready
from atomic.cases.differing import Difference, differences
from atomic.errors import NotFound
from atomic.market import Market, Trade
from atomic.outcome import Outcome
from atomic.output import as_json
from atomic.records.attempt import AttemptFinished
from atomic.records.request import Terms

_AT_ONCE = 4
_PURSE = "atomic test"
Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a case. `broken` are checks that did not hold, `noted` those that only report; money in nano-USD."""

    id: str
    task: str
    status: Status
    why: str = ""  # of a refusal, or of a case that was not played
    differences: tuple[Difference, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()  # title, and why it cannot be told
    noted: tuple[tuple[str, str], ...] = ()
    winner: str = ""
    probability: float = 0.0
    cost: int = 0
    seconds: float = 0.0

    @property
    def said(self) -> list[str]:
        """What is wrong with it, a line each."""
        lines = [self.why] if self.why else []
        lines += [str(one) for one in self.differences]
        return lines + [f"does not hold: {title}{f' ({why})' if why else ''}" for title, why in self.broken]


class Purse:
    """What all cases may cost together, in nano-USD; None: no limit. Exact: what is under way is kept back."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.spent = 0
        self._held = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def holding(self, most: int) -> AsyncIterator[int]:
        """Keep back up to `most`, waiting for what others keep back as long as less than that is free."""
        async with self._changed:
            if self.limit is not None:
                limit = self.limit
                await self._changed.wait_for(lambda: not self._held or limit - self.spent - self._held >= most)
                most = max(0, min(most, limit - self.spent - self._held))
            self._held += most
        try:
            yield most
        finally:
            async with self._changed:
                self._held -= most
                self._changed.notify_all()

    def paid(self, cost: int) -> None:
        """Something was bought, while its most was held."""
        self.spent += cost


async def play(
    market: Market, cases: Sequence[Ready], purse: Purse, *, bidder: str = "", tell: Callable[[Played], None]
) -> list[Played]:
    """Play every case, a few at once, and tell of each as it ends; the results are in the order of the cases.

    With `bidder` ("name" or "name+tactic") it alone answers. Nothing is explored. Raises NotFound for no such bidder.
    """
    name = bidder.partition("+")[0]
    if name and name not in market.bidders:
        raise NotFound(f"there is no bidder {name!r}", hint=f"one of {', '.join(market.bidders)}")
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(case: Ready) -> Played:
        async with turn:
            played = await _play(market, case, purse, bidder)
        tell(played)
        return played

    work = [asyncio.ensure_future(one(case)) for case in cases]
    try:
        return list(await asyncio.gather(*work))
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


async def _play(market: Market, case: Ready, purse: Purse, bidder: str) -> Played:
    terms = _terms(case, bidder)
    # Judges are requests of their own: the purse bounds them as well.
    purses = () if purse.limit is None else ((_PURSE, purse.limit),)
    async with purse.holding(terms.max_price) as most:
        outcome = await market.buy(case.call, Trade(terms=replace(terms, max_price=most), purses=purses))
        cost = outcome.cost + _judges(market, outcome)
        purse.paid(cost)
    if outcome.refused and most < terms.max_price:
        why = "the limit on what the tests may cost leaves too little"
        return Played(id=case.id, task=case.call.task.name, status="skipped", why=why, cost=cost)
    return replace(_judged(case, outcome), cost=cost)


def _judges(market: Market, outcome: Outcome[Any]) -> int:
    """What judges of a case's answers were paid."""
    events = market.ledger.read(request_id=outcome.id, kinds=("finished",))
    attempts = [one.payload for one in events if isinstance(one.payload, AttemptFinished)]
    return sum(word.price for one in attempts for word in one.verdicts)


def _terms(case: Ready, bidder: str) -> Terms:
    terms = case.call.task.terms
    if not bidder:
        return replace(terms, explore=False)
    return replace(mandated(terms, bidder), max_price=terms.max_price)


def _judged(case: Ready, outcome: Outcome[Any]) -> Played:
    played = Played(
        id=case.id,
        task=case.call.task.name,
        status="passed",
        winner=outcome.winner,
        probability=outcome.probability,
        seconds=outcome.latency,
    )
    if case.case.refuse or outcome.refused:
        if case.case.refuse and outcome.refused:
            return played
        why = f"refused: {outcome.why}" if outcome.refused else "a refusal was expected, and there is an answer"
        return replace(played, status="failed", why=why)
    found: tuple[Difference, ...] = ()
    if case.expected is not UNSAID:
        found = tuple(differences(case.call.task, case.expected, outcome.answer))
    checked = _checked(case, outcome)
    broken = tuple((one.title, why) for one, holds, why in checked if not holds and one.fails)
    noted = tuple((one.title, why) for one, holds, why in checked if not holds and not one.fails)
    status: Status = "failed" if found or broken else "passed"
    return replace(played, status=status, differences=found, broken=broken, noted=noted)


def _checked(case: Ready, outcome: Outcome[Any]) -> list[tuple[Check, bool, str]]:
    answer = as_json(case.call.task, outcome.answer)
    told: dict[str, bool] = {}
    context = {"result": answer, "latency_ms": outcome.latency * 1e3, "checks": told}
    found: list[tuple[Check, bool, str]] = []
    for check, expression in case.checks:
        if expression is not None:
            holds, why = expression.holds(this=answer, input=dict(case.call.arguments), _=context)
        else:
            holds, why = _called(check, outcome.answer)
        told[check.title] = holds
        found.append((check, holds, why))
    return found


def _called(check: Check, answer: Any) -> tuple[bool, str]:
    assert callable(check.test)
    try:
        said = check.test(answer)
    except AssertionError as error:
        return False, str(error)
    except Exception as error:  # a check is its author's: that it fails is its word on this answer
        return False, f"{type(error).__name__}: {error}"
    return said is None or bool(said), ""  # None: it asserts and returns nothing


__all__ = ["Played", "Purse", "Status", "play"]

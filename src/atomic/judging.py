"""Judging: a microtask as judge of another's answer, bought as a request of its own, with its own price and ceiling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from atomic.errors import AtomicError
from atomic.records.attempt import Plan
from atomic.records.microtask import Ask
from atomic.records.request import Terms
from atomic.records.validator import JUDGED, Validator, Verdict
from atomic.shop import Shop
from atomic.stages.examine import Examiner
from atomic.trade import Trade


def examiner(shop: Shop, trade: Trade, shown: Callable[[Plan], tuple[str, ...]]) -> Examiner:
    """What examines the answers of one purchase; `shown` says whose data the examples in a plan are."""
    recalled = {key: one.verdicts for key, one in shop.recalled.items()}
    return Examiner(shop.parser, shop.beliefs.credit, _Judge(shop, trade, shown), recalled)


class _Judge:
    """Buys judges' words for one purchase: of the same tenant, label and subjects, booked on the same purses."""

    def __init__(self, shop: Shop, trade: Trade, shown: Callable[[Plan], tuple[str, ...]]) -> None:
        self._shop, self._trade, self._shown = shop, trade, shown

    async def __call__(self, ask: Ask, plan: Plan, judge: Validator, answer: Any, digest: str) -> Verdict:
        """Its verdict; the same answer to the same request is judged once, whatever dies in between."""
        task = judge.judge
        verdict = Verdict(name=judge.name, source="judge", holds=None)
        if task is None or self._shop.buy is None:
            return replace(verdict, detail="nobody to buy a judge's word from")
        named = {name: value for name, value in ask.arguments.items() if name in task.signature.parameters}
        terms = self._trade.terms or ask.task.terms
        trade = Trade(
            request_id=f"{ask.request_id}{JUDGED}{judge.name}/{digest}",
            tenant=ask.tenant,
            label=ask.label,
            terms=_within(task.terms, terms, ask),
            subjects=tuple(dict.fromkeys((*self._trade.subjects, *self._shown(plan)))),
            domain=ask.domain,
            purses=self._shop.purses,
            principal=self._trade.principal,
        )
        try:
            outcome = await self._shop.buy(task(**named, answer=answer), trade)
        except AtomicError as error:  # an answer that the judge's own input does not take, say
            return replace(verdict, detail=f"it could not be asked: {type(error).__name__}")
        verdict = replace(verdict, request_id=trade.request_id, price=outcome.cost)
        if outcome.refused:
            return replace(verdict, detail="nobody would judge")
        return replace(verdict, holds=bool(outcome.answer))


def _within(own: Terms, judged: Terms, ask: Ask) -> Terms:
    """A judge's own terms, no longer than there is time, and nowhere where the answer itself may not be worked on."""
    places = own.jurisdictions or judged.jurisdictions
    if own.jurisdictions and judged.jurisdictions:
        places = tuple(one for one in own.jurisdictions if one in judged.jurisdictions) or ("here",)
    return replace(own, jurisdictions=places, deadline_ns=min(own.deadline_ns, max(1, ask.time_left_ns)))

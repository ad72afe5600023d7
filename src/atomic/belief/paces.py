"""All paces: which task is steered for which objective, and the requests under way in each."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from atomic.belief.pace import Opened, Pace
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award
from atomic.records.budget import Budget
from atomic.records.event import Event, decode, encode
from atomic.records.lesson import FeedbackGiven
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened, Terms

_MOST_OPEN = 100_000  # requests that were cancelled stay open for ever: the oldest are forgotten


class Paces:
    """The paces of all tasks, by task and objective. Money that erased requests cost stays spent."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Pace] = {}
        self._open: OrderedDict[tuple[str, str], Opened] = OrderedDict()  # by (tenant, request id)

    def fold(self, event: Event) -> None:
        """Take in one event; most are none of ours."""
        payload, request = event.payload, (event.tenant, event.request_id)
        if isinstance(payload, RequestOpened):
            # A survey and a shadow have budgets of their own, and a survey says nothing of what would have been bought.
            shadows = payload.assignment is not None and payload.assignment.shadows
            if payload.terms.objective and not payload.terms.survey and not shadows:
                self._opened(payload, request, event.time_ns)
        elif isinstance(payload, FeedbackGiven):
            if payload.source != "agreement":
                for pace in self.known.values():
                    pace.hear(request, payload.value)
        elif (one := self._open.get(request)) is None:
            return
        elif isinstance(payload, Award):
            if payload.position.round == 1:
                terms = payload.position.terms
                one.bids, one.worth = bool(payload.candidates) and not terms.mandate, terms.worth
                self.known[one.key].begin_at(one.worth, event.time_ns)
        elif isinstance(payload, AttemptFinished):
            self.known[one.key].bill(payload.price, event.time_ns)
        elif isinstance(payload, OutcomeSettled):
            self.known[one.key].settle(payload, one, request, event.time_ns)
            del self._open[request]

    def _opened(self, opened: RequestOpened, request: tuple[str, str], time_ns: int) -> None:
        key = opened.task, opened.terms.objective
        if key not in self.known:
            self.known[key] = Pace(opened.terms.target, opened.terms.budget)
        self.known[key].open(time_ns)
        self._open[request] = Opened(key)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)

    def of(self, task: str, terms: Terms) -> Pace:
        """The pace of a task under these terms: a new one where it was never bought on them."""
        return self.known.get((task, terms.objective)) or Pace(terms.target, terms.budget)

    def state(self) -> list[Any]:
        """All of it, as JSON has it; empty where nothing was ever steered."""
        if not self.known:
            return []
        paces = [[*key, _json(one.budget), one.target, one.state()] for key, one in sorted(self.known.items())]
        return [paces, [[*request, *one.key, one.bids, one.worth] for request, one in self._open.items()]]

    def restore(self, state: list[Any]) -> None:
        """Become what `state` said."""
        if not state:
            return
        for task, objective, budget, target, held in state[0]:
            self.known[task, objective] = pace = Pace(target, _budget(budget))
            pace.restore(held)
        for tenant, request_id, task, objective, bids, worth in state[1]:
            self._open[tenant, request_id] = Opened((task, objective), bids, worth)


def _json(budget: Budget | None) -> str:
    return "" if budget is None else encode(budget).decode()


def _budget(text: str) -> Budget | None:
    found: Budget | None = decode(Budget, text.encode()) if text else None
    return found

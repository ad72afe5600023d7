"""Questions to people as the ledger tells them: a pure fold, so every process comes to the same state of the queue.

Who works on what is decided by the order of the ledger: a claim counts if there was a free place when it was recorded,
an answer if its reviewer held a place that counts. So of two who reach for one question at once exactly one gets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event
from atomic.records.question import QuestionAnswered, QuestionAsked, QuestionLapsed, QuestionTaken

LEASE_NS = 900_000_000_000  # how long somebody who took a question may think before others may take it


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with what came of it. `said` are the answers and refusals that count, in order.

    `over`: nobody waits for it any more, because the attempt or the request has ended.
    """

    event: Event
    asked: QuestionAsked
    takers: tuple[tuple[str, int], ...] = ()  # reviewer, until when (calendar time)
    said: tuple[Event, ...] = ()
    lapsed: bool = False
    over: bool = False

    @property
    def answers(self) -> tuple[QuestionAnswered, ...]:
        """What was said, without its bodies."""
        return tuple(one.payload for one in self.said if isinstance(one.payload, QuestionAnswered))

    @property
    def declined(self) -> bool:
        """Whether somebody declined: then nobody else is asked."""
        return any(one.declined for one in self.answers)

    @property
    def settled(self) -> bool:
        """Whether as many have answered as were wanted."""
        return self.declined or len(self.said) >= self.asked.wanted

    def waits(self, now_ns: int) -> bool:
        """Whether an answer would still be taken."""
        late = 0 < self.asked.until_ns <= now_ns
        return not (self.settled or self.lapsed or self.over or late)

    def holders(self, now_ns: int) -> tuple[str, ...]:
        """Who works on it now."""
        done = {one.reviewer for one in self.answers}
        return tuple(who for who, until_ns in self.takers if until_ns > now_ns and who not in done)

    def why_not(self, reviewer: str, now_ns: int) -> str:
        """Why this reviewer may not take it now; empty when there is a place."""
        if not self.waits(now_ns):
            return "nobody waits for an answer any more"
        if any(one.reviewer == reviewer for one in self.answers):
            return f"{reviewer} has answered it, and another is wanted"
        others = [who for who in self.holders(now_ns) if who != reviewer]
        if len(self.said) + len(others) >= self.asked.wanted:
            return f"{', '.join(others)} works on it"
        return ""


class Questions:
    """The queue. `keep` holds on to questions that are over; a market that runs for months lets them go."""

    def __init__(self, *, keep: bool = False) -> None:
        self._known: dict[tuple[str, str], Question] = {}
        self._of_request: dict[tuple[str, str], list[str]] = {}
        self._keep = keep

    def fold(self, events: Iterable[Event]) -> None:
        """Take in events in the order of the ledger."""
        for event in events:
            payload = event.payload
            match payload:
                case QuestionAsked():
                    self._asked(event, payload)
                case QuestionTaken():
                    self._taken(event, payload)
                case QuestionAnswered():
                    self._answered(event, payload)
                case QuestionLapsed():
                    if (one := self._known.get((event.tenant, payload.question))) and not one.settled:
                        self._known[event.tenant, payload.question] = replace(one, lapsed=True)
                case AttemptFinished():
                    self._end(event, payload.bidder)
                case _:
                    if event.kind == "outcome":
                        self._end(event, "")

    def get(self, tenant: str, name: str) -> Question | None:
        """A question by its name."""
        return self._known.get((tenant, name))

    def all(self) -> list[Question]:
        """Every question known, oldest first."""
        return list(self._known.values())

    def waiting(self, now_ns: int, *, queue: str = "") -> list[Question]:
        """Those that wait for an answer, oldest first; of one queue or of all."""
        return [one for one in self._known.values() if one.waits(now_ns) and queue in ("", one.asked.queue)]

    def _asked(self, event: Event, asked: QuestionAsked) -> None:
        if (event.tenant, asked.question) not in self._known:
            self._known[event.tenant, asked.question] = Question(event=event, asked=asked)
            if asked.kind == "answer":
                self._of_request.setdefault((event.tenant, event.request_id), []).append(asked.question)

    def _taken(self, event: Event, taken: QuestionTaken) -> None:
        one = self._known.get((event.tenant, taken.question))
        if one is None or (taken.until_ns and one.why_not(taken.reviewer, event.time_ns)):
            return
        others = tuple(taker for taker in one.takers if taker[0] != taken.reviewer)
        self._known[event.tenant, taken.question] = replace(one, takers=(*others, (taken.reviewer, taken.until_ns)))

    def _answered(self, event: Event, answered: QuestionAnswered) -> None:
        one = self._known.get((event.tenant, answered.question))
        if one is not None and answered.reviewer in one.holders(event.time_ns) and one.waits(event.time_ns):
            self._known[event.tenant, answered.question] = replace(one, said=(*one.said, event))

    def _end(self, event: Event, queue: str) -> None:
        names = self._of_request.get((event.tenant, event.request_id), [])
        ended = [name for name in names if queue in ("", self._known[event.tenant, name].asked.queue)]
        for name in ended:
            if self._keep:
                self._known[event.tenant, name] = replace(self._known[event.tenant, name], over=True)
            else:
                del self._known[event.tenant, name]
                names.remove(name)
        if names and not queue:
            del self._of_request[event.tenant, event.request_id]

"""A request as the ledger tells it: its events, read and put in order of rounds. No judgement, no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from atomic.errors import NotFound
from atomic.protocols import History
from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.award import Award, Slate, Table
from atomic.records.event import Event, decode
from atomic.records.hedge import Hedged
from atomic.records.lesson import FeedbackGiven, LessonsLearned
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened

BodyState = Literal["none", "hidden", "shown", "erased", "sealed"]  # sealed: the keys are not beside the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An attempt: what was recorded before it and after; `finished` is None when it was cut, or still runs."""

    started: AttemptStarted | None
    finished: AttemptFinished | None
    event: Event  # the later of the two


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundStory:
    """One round: its award with what it was computed from, the hedges in it, and the attempts that were bought."""

    event: Event
    award: Award
    slate: Slate
    table: Table
    tries: tuple[Try, ...] = ()
    hedges: tuple[Hedged, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody said of the outcome, and the lessons drawn from it (None: an older release drew none)."""

    event: Event
    given: FeedbackGiven
    learned: LessonsLearned | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that the ledger holds of one request. `outcome` is None while it is open, or was cut."""

    request: Event
    opened: RequestOpened
    rounds: tuple[RoundStory, ...]
    outcome_event: Event | None
    outcome: OutcomeSettled | None
    words: tuple[Word, ...]
    learned: tuple[LessonsLearned, ...]  # at its end, without anybody's word


def read_story(ledger: History, request_id: str, tenant: str = "") -> Story:
    """The story of a request. Raises NotFound when the ledger holds no such request of this tenant."""
    events = [event for event in ledger.read(request_id=request_id) if event.tenant == tenant]
    request = next((event for event in events if isinstance(event.payload, RequestOpened)), None)
    if request is None or not isinstance(request.payload, RequestOpened):
        raise NotFound(f"there is no request {request_id!r}", hint="see `atomic ledger tail`")
    ending = next((event for event in events if isinstance(event.payload, OutcomeSettled)), None)
    words, learned = _words(events)
    return Story(
        request=request,
        opened=request.payload,
        rounds=_rounds(ledger, events),
        outcome_event=ending,
        outcome=ending.payload if ending is not None and isinstance(ending.payload, OutcomeSettled) else None,
        words=words,
        learned=learned,
    )


def _rounds(ledger: History, events: Sequence[Event]) -> tuple[RoundStory, ...]:
    rounds: list[RoundStory] = []
    for event in events:
        award = event.payload
        if isinstance(award, Award):
            rounds.append(
                RoundStory(
                    event=event,
                    award=award,
                    slate=decode(Slate, ledger.blob(award.slate)),
                    table=decode(Table, ledger.blob(award.table)),
                    tries=_tries([one for one in events if one.round == event.round]),
                    hedges=tuple(
                        one.payload for one in events if one.round == event.round and isinstance(one.payload, Hedged)
                    ),
                )
            )
    return tuple(rounds)


def _tries(events: Sequence[Event]) -> tuple[Try, ...]:
    """Attempts of one round, in the order in which they ended; cut ones last."""
    waiting = [(event, event.payload) for event in events if isinstance(event.payload, AttemptStarted)]
    tries: list[Try] = []
    for event in events:
        done = event.payload
        if not isinstance(done, AttemptFinished):
            continue
        began = next((one for one in waiting if (one[1].bidder, one[1].tactic) == (done.bidder, done.tactic)), None)
        if began is not None:
            waiting.remove(began)
        tries.append(Try(started=began[1] if began else None, finished=done, event=event))
    return (*tries, *(Try(started=one, finished=None, event=event) for event, one in waiting))


def _words(events: Sequence[Event]) -> tuple[tuple[Word, ...], tuple[LessonsLearned, ...]]:
    words: list[Word] = []
    learned: list[LessonsLearned] = []
    for event in events:
        payload = event.payload
        if isinstance(payload, FeedbackGiven):
            words.append(Word(event=event, given=payload, learned=None))
        elif isinstance(payload, LessonsLearned):
            # Feedback and its lessons are appended together, so they are neighbours.
            if words and event.seq == words[-1].event.seq + 1:
                words[-1] = Word(event=words[-1].event, given=words[-1].given, learned=payload)
            else:
                learned.append(payload)
    return tuple(words), tuple(learned)


def read_body(ledger: History, event: Event, name: str) -> tuple[Any, BodyState]:
    """A body of an event as JSON holds it, and whether it is there. Raises Tampered when it was changed."""
    commitment = next((one for one in event.bodies if one.name == name), None)
    if commitment is None:
        return None, "none"
    try:
        content = ledger.body(commitment)
    except NotFound:
        return None, "sealed"
    return (None, "erased") if content is None else (orjson.loads(content), "shown")

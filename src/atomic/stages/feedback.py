"""feedback: what somebody said of an outcome becomes an event and lessons for everybody who answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from atomic.errors import TaskError
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award, Slate, Table
from atomic.records.bid import Bid
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry, Event, decode
from atomic.records.lesson import FeedbackGiven, Lesson, LessonsLearned, Source
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.stages.learn import Bought, from_feedback, outranks, right_by_group, taken_back


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody says: how right the outcome was (`value` in [0, 1]), or the right answer as JSON holds it."""

    value: float | None = None
    truth: Any = None
    source: Source = "person"
    author: str = ""


@dataclass(frozen=True, slots=True)
class _Story:
    """A settled request as the ledger tells it."""

    request: Event
    opened: RequestOpened
    settled: OutcomeSettled
    award: Award
    table: Table
    bought: tuple[Bought, ...]
    answers: Mapping[int, Any]  # group -> answer as JSON
    words: tuple[tuple[Event, FeedbackGiven, LessonsLearned | None], ...]


def judge(events: Sequence[Event], ledger: Ledger, word: Word, time_ns: int) -> list[Entry]:
    """The feedback event, and the lessons it gives, as entries to append together.

    Raises TaskError for a value that is no probability, for both or neither of value and truth, or for a truth
    that is not one of the task's labels.
    """
    story = _read(events, ledger)
    value, truth, rights = _rights(story, word)
    given = FeedbackGiven(source=word.source, value=value, author=word.author)
    bodies: tuple[Body, ...] = ()
    if truth is not None:
        bodies = (Body(name="truth", content=truth, subjects=ledger.subjects(story.request.bodies[0])),)
    lessons: list[Lesson] = []
    if all(outranks(word.source, earlier.source) for _, earlier, _ in story.words):
        for _, _, learned in story.words[-1:]:
            lessons += taken_back([one for one in learned.lessons if one.weight > 0]) if learned else []
        lessons += from_feedback(story.bought, rights, story.award.position.state, story.table, word.source)
    learned = LessonsLearned(
        task=story.opened.task,
        domain=story.opened.domain,
        source=word.source,
        cause=0,
        alternatives=len(story.opened.labels),
        lessons=tuple(lessons),
    )
    request = story.request
    return [
        Entry(
            payload=payload,
            request_id=request.request_id,
            tenant=request.tenant,
            label=request.label,
            time_ns=time_ns,
            bodies=bodies if payload is given else (),
        )
        for payload in (given, learned)
    ]


def _rights(story: _Story, word: Word) -> tuple[float, bytes | None, dict[int, float]]:
    """How right the outcome was, the truth's body if it was given, and how right each group was."""
    ours = -1 if story.settled.group is None else story.settled.group
    if (word.value is None) == (word.truth is None):
        raise TaskError("feedback needs either a value or the true answer", hint="value=1.0 or truth='ham'")
    labels = story.opened.labels
    if word.truth is not None:
        if labels and _spelling(word.truth) not in labels:
            raise TaskError(f"{word.truth!r} is no answer of {story.opened.task}", hint=f"one of {', '.join(labels)}")
        truth = canonical_json(word.truth)
        rights = {group: float(canonical_json(answer) == truth) for group, answer in story.answers.items()}
        return rights.get(ours, 0.0), truth, rights
    value = word.value if word.value is not None else -1.0
    if not 0.0 <= value <= 1.0:
        raise TaskError(f"feedback of {word.value!r} is no probability", hint="0 is wrong, 1 is right")
    return value, None, right_by_group(story.award.position.state.answered, ours, float(value), len(labels))


def _spelling(truth: Any) -> str:
    return {True: "yes", False: "no"}[truth] if isinstance(truth, bool) else str(truth)


def _read(events: Sequence[Event], ledger: Ledger) -> _Story:
    request, settled, award = events[0], OutcomeSettled(task="", status="refused"), None
    bids: dict[str, Bid] = {}
    bought: list[Bought] = []
    answers: dict[int, Any] = {}
    words: list[tuple[Event, FeedbackGiven, LessonsLearned | None]] = []
    for event in events:
        payload = event.payload
        if isinstance(payload, Award):
            award = payload
            bids.update({bid.key: bid for bid in decode(Slate, ledger.blob(payload.slate)).bids})
        elif isinstance(payload, AttemptFinished):
            bid = bids[payload.key]
            bought.append(Bought(bid=bid, attempt=payload))
            if payload.group is not None and (body := ledger.body(event.bodies[0])) is not None:
                answers[payload.group] = orjson.loads(body)
        elif isinstance(payload, OutcomeSettled):
            settled = payload
        elif isinstance(payload, FeedbackGiven):
            words.append((event, payload, None))
        elif isinstance(payload, LessonsLearned) and words and event.seq == words[-1][0].seq + 1:
            words[-1] = (*words[-1][:2], payload)
    assert award is not None  # a settled request has at least the award that ended it
    assert isinstance(request.payload, RequestOpened)
    table: Table = decode(Table, ledger.blob(award.table))
    return _Story(request, request.payload, settled, award, table, tuple(bought), answers, tuple(words))

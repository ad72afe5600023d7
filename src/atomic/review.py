"""Questions to people: what waits, what a reader needs of it, and a person's word on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from atomic.errors import CallerError
from atomic.protocols import History, Recorder
from atomic.questions import LEASE_NS, Question, Questions
from atomic.records.event import Body, Commitment, Entry, Event
from atomic.records.question import QuestionAnswered, QuestionTaken

_KINDS = ("asked", "taken", "answered", "lapsed")
_ENDS = ("finished", "outcome")


class Desk(Protocol):
    """Where words on questions are recorded: a market."""

    @property
    def ledger(self) -> History:
        """What is there."""
        ...

    @property
    def record(self) -> Recorder:
        """Append to it; nothing catches up with other processes."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """What a reviewer says: the answer as JSON, or None to decline."""

    reviewer: str
    content: bytes | None


class Queue:
    """The queue as a ledger has it, with what is over: only what happened since is read again. Threads take turns."""

    def __init__(self, ledger: History) -> None:
        self._ledger = ledger
        self._queue = Questions(keep=True)
        self._seen = 0
        self._lock = threading.Lock()

    def waiting(self, now_ns: int, queue: str = "") -> list[Question]:
        """Questions that wait, oldest first; of one queue or of all."""
        with self._lock:
            return list(self._now().waiting(now_ns, queue=queue))

    def all(self) -> list[Question]:
        """Every question known, oldest first."""
        with self._lock:
            return self._now().all()

    def get(self, tenant: str, name: str) -> Question | None:
        """A question by its name."""
        with self._lock:
            return self._now().get(tenant, name)

    def _now(self) -> Questions:
        news: list[Event] = []
        while True:
            piece = list(self._ledger.read(after=self._seen, kinds=_KINDS))
            news += piece
            self._seen = piece[-1].seq if piece else self._seen
            ends = self._ends(news)
            # What was said before any of these ends is read as well, or an answer in time would come too late here.
            if not any(self._ledger.read(after=self._seen, kinds=_KINDS, limit=1)):
                break
        self._queue.fold(sorted([*news, *ends], key=lambda event: event.seq))
        return self._queue

    def _ends(self, news: Sequence[Event]) -> list[Event]:
        """How requests with open questions ended: of others nothing is read, and most have none."""
        known = [one.event for one in self._queue.all() if not (one.over or one.lapsed or one.settled)]
        asked = {event.request_id: event.seq for event in [*known, *news] if event.request_id}
        return [
            event
            for request, seq in asked.items()
            for event in self._ledger.read(after=seq, request_id=request, kinds=_ENDS)
        ]


def read_value(text: str, question: Question, schema: dict[str, Any]) -> Any:
    """The answer that a person wrote, as JSON holds it. Raises CallerError for what the question does not take."""
    labels = question.asked.labels
    if labels:
        known = schema.get("enum", [True, False] if schema.get("type") == "boolean" else list(labels))
        spelled = {{True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one): one for one in known}
        if text not in spelled:
            raise CallerError(f"{text!r} is no answer to this question", hint=f"one of {', '.join(labels)}")
        return spelled[text]
    if schema.get("type") == "string":
        return text
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise CallerError(f"{text!r} is not JSON", hint=f"this question takes JSON of {type_told(schema)}") from None
    kinds: dict[str, tuple[type, ...]] = {
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
    }
    wanted = kinds.get(str(schema.get("type", "")))
    if wanted is not None and (not isinstance(found, wanted) or (isinstance(found, bool) and bool not in wanted)):
        raise CallerError(f"{text!r} is not of the right type", hint=f"this question takes JSON of {type_told(schema)}")
    return found


def type_told(schema: dict[str, Any]) -> str:
    """The type that a question takes."""
    return str(schema.get("type", "the task's type"))


async def give(
    desk: Desk,
    queue: Queue,
    question: Question,
    reviewer: str,
    says: Sequence[QuestionTaken | Word],
    worked: Callable[[Question, str], bool],
) -> None:
    """Record what a reviewer says. Raises CallerError when somebody was faster, or nobody waits any more."""
    name, tenant = question.asked.question, question.event.tenant
    await desk.record([])
    now = queue.get(tenant, name)
    why = now.why_not(reviewer, time.time_ns()) if now is not None else "it is gone"
    if now is None or why:
        raise CallerError(f"{name}: {why}", hint="`atomic answer` lists what waits")
    await desk.record([_entry(desk.ledger, now, one) for one in says])
    after = queue.get(tenant, name)
    if after is None or not worked(after, reviewer):
        raise CallerError(f"{name}: somebody else was faster", hint="`atomic answer` lists what waits")


def is_ours(question: Question, reviewer: str) -> bool:
    """Whether this reviewer holds it now."""
    return reviewer in question.holders(time.time_ns())


def counts(question: Question, reviewer: str) -> bool:
    """Whether this reviewer's answer counts."""
    return any(one.reviewer == reviewer for one in question.answers)


def taken(question: Question, reviewer: str, *, until_ns: int | None = None) -> QuestionTaken:
    """That a reviewer works on it until then; for a lease where nothing is said, 0 gives it back."""
    until = time.time_ns() + LEASE_NS if until_ns is None else until_ns
    return QuestionTaken(question=question.asked.question, reviewer=reviewer, until_ns=until)


def _entry(ledger: History, question: Question, one: QuestionTaken | Word) -> Entry:
    bodies: tuple[Body, ...] = ()
    if isinstance(one, Word):
        payload: QuestionTaken | QuestionAnswered = QuestionAnswered(
            question=question.asked.question, reviewer=one.reviewer, declined=one.content is None
        )
        if one.content is not None:
            bodies = (Body(name="answer", content=one.content, subjects=_subjects(ledger, question)),)
    else:
        payload = one
    event = question.event
    return Entry(payload=payload, request_id=event.request_id, tenant=event.tenant, label=event.label, bodies=bodies)


def _subjects(ledger: History, question: Question) -> tuple[str, ...]:
    """An answer is the data of those whose data the input is."""
    request = _request_bodies(ledger, question)
    found = {who for one in (*request, *question.event.bodies) for who in ledger.subjects(one)}
    return tuple(sorted(found))


def _request_bodies(ledger: History, question: Question) -> tuple[Commitment, ...]:
    event = question.event
    found = ledger.read(request_id=event.request_id, kinds=("request",))
    return next((one.bodies for one in found if one.tenant == event.tenant), ())


def content_of(ledger: History, question: Question) -> dict[str, Any]:
    """What a reader needs, of the question itself; empty when it was erased."""
    commitment = next((one for one in question.event.bodies if one.name == "question"), None)
    content = ledger.body(commitment) if commitment is not None else None
    return {} if content is None else dict(orjson.loads(content))


def input_of(ledger: History, question: Question) -> str:
    """The text that it is about."""
    commitment = next((one for one in _request_bodies(ledger, question) if one.name == "features"), None)
    content = ledger.body(commitment) if commitment is not None else None
    return "erased" if content is None else str(orjson.loads(content)["text"])

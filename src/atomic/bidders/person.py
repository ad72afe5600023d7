"""A person as a bidder, or several behind one queue: asked through the ledger, answered by `atomic answer`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from atomic.bidders.tag import Tag
from atomic.clock import Clock
from atomic.output import Refusal, canonical_key, from_json
from atomic.protocols import History, Profile, Recorder, Sketch
from atomic.questions import Question, Questions
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry, Event, Payload
from atomic.records.microtask import Ask
from atomic.records.price import BookPrice
from atomic.records.question import QuestionAsked, QuestionLapsed
from atomic.records.request import DataLabel

_POLL_SECONDS = 0.25
_EARLIER = 50  # a question lapses by this part of its time before the market's patience ends, so that it is recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOptions:
    """How a person is asked.

    `price` in nano-USD is paid for each answer, nothing for a question that lapses or is declined. A question lapses
    after `deadline_ns`; `expected_ns` is how long an answer is believed to take before any was seen. `capacity` is how
    many questions may be open at once, over all processes; `reviewers` how many different people must answer each.
    `tasks` names the microtasks they are asked for; empty: all.
    """

    price: int = 0
    deadline_ns: int = 3_600_000_000_000
    expected_ns: int = 60_000_000_000
    capacity: int = 20
    reviewers: int = 1
    right: float = 0.95
    tasks: tuple[str, ...] = ()
    accepts: DataLabel = "sovereign"
    jurisdictions: tuple[str, ...] = ("here",)


class Person:
    """Asks by an event and waits for the answer's event, from whichever process it comes.

    An open question outlives its process: the attempt is taken up again, and the question is not asked twice. Where
    two reviewers are wanted their answers must agree; if not, the attempt ends without an answer and says so.
    """

    def __init__(self, name: str, options: PersonOptions = PersonOptions()) -> None:
        self._options = options
        self._profile = Profile(
            name=name,
            kind="person",
            right=options.right,
            accepts=options.accepts,
            jurisdictions=options.jurisdictions,
            concurrency=options.capacity,
            lasting_ns=options.deadline_ns,
        )
        self._tag = Tag(options.price)
        self._questions = Questions()
        self._desk: tuple[Recorder, History, Clock] | None = None

    @property
    def profile(self) -> Profile:
        """As declared."""
        return self._profile

    def reprice(self, price: BookPrice) -> None:
        """Take on another price per answer, from the next offer on; an open question keeps its own."""
        if price.call is not None:
            self._tag.change(price.call, as_of=price.as_of)

    def attach(self, record: Recorder, history: History, clock: Clock) -> None:
        """Where the queue lies."""
        self._desk = record, history, clock

    def follow(self, events: Sequence[Event]) -> None:
        """Keep the queue."""
        self._questions.fold(events)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Its price for all reviewers wanted; no claim. Declines beyond its capacity."""
        name, options = self._profile.name, self._options
        if self._desk is None:
            return NoBid(
                bidder=name, tactic=sketch.tactic, reason=Reason.NOT_CONFIGURED, detail="in no market with a ledger"
            )
        if options.tasks and ask.task.name not in options.tasks:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.DECLINED, detail="not for this task")
        open_now = len(self._questions.waiting(self._desk[2].time_ns(), queue=name))
        if open_now >= options.capacity:
            detail = f"{open_now} questions are open"
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.NO_CAPACITY, detail=detail)
        price = self._tag.offered(ask) * options.reviewers
        return Offer(bidder=name, tactic=sketch.tactic, price=price, ceiling=price, latency_ns=options.expected_ns)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Ask, unless this was asked before, and wait. Cancelling leaves the question open, for who takes it up."""
        if self._desk is None:
            return Reply(reason=Reason.NOT_CONFIGURED, detail="in no market with a ledger")
        record, _, clock = self._desk
        name = question_name(self._profile.name, ask.request_id)
        if self._questions.get(ask.tenant, name) is None:
            await record([self._asking(ask, name, clock.time_ns())])
        while True:
            question = self._questions.get(ask.tenant, name)
            if question is None or question.lapsed:
                return Reply(reason=Reason.TIMED_OUT, detail="nobody answered", price=self._bill(question))
            if question.settled:
                return self._reply(ask, question)
            if question.asked.until_ns <= clock.time_ns():
                await record([self._entry(ask, QuestionLapsed(question=name), clock.time_ns())])
                continue
            await asyncio.sleep(_POLL_SECONDS)
            await record([])

    def _asking(self, ask: Ask, name: str, now_ns: int) -> Entry:
        left = min(self._options.deadline_ns, ask.time_left_ns)
        asked = QuestionAsked(
            question=name,
            queue=self._profile.name,
            kind="answer",
            task=ask.task.name,
            labels=ask.task.labels,
            wanted=self._options.reviewers,
            price=self._tag.of(ask),
            until_ns=now_ns + left - left // _EARLIER,
        )
        content = {"instruction": ask.task.instruction, "schema": ask.task.output.json_schema()}
        return self._entry(ask, asked, now_ns, Body(name="question", content=canonical_json(content)))

    def _entry(self, ask: Ask, payload: Payload, now_ns: int, *bodies: Body) -> Entry:
        return Entry(
            payload=payload,
            request_id=ask.request_id,
            tenant=ask.tenant,
            label=ask.label,
            time_ns=now_ns,
            bodies=bodies,
        )

    def _bill(self, question: Question | None) -> int:
        """Each answer is paid; nothing else is."""
        return 0 if question is None else question.asked.price * sum(not one.declined for one in question.answers)

    def _reply(self, ask: Ask, question: Question) -> Reply:
        price = min(self._bill(question), question.asked.price * self._options.reviewers)
        if question.declined:
            who = next(one.reviewer for one in question.answers if one.declined)
            return Reply(reason=Reason.DECLINED, detail=f"{who} declined", price=price)
        answers = [self._answer(ask, event) for event in question.said]
        if wrong := [one for one in answers if isinstance(one, Refusal)]:
            return Reply(reason=wrong[0].reason, detail=wrong[0].detail, price=price)
        if len({canonical_key(ask.task, one) for one in answers}) > 1:
            people = " and ".join(one.reviewer for one in question.answers)
            return Reply(reason=Reason.DISAGREED, detail=f"{people} answered differently", price=price)
        return Reply(value=answers[0], price=price)

    def _answer(self, ask: Ask, event: Event) -> Any:
        """What one person answered, as the task's type, or the refusal that says why it is none."""
        assert self._desk is not None
        content = self._desk[1].body(event.bodies[0]) if event.bodies else None
        if content is None:
            return Refusal(Reason.EMPTY, "the answer was erased")
        return from_json(ask.task, orjson.loads(content))

    async def close(self) -> None:
        """Nothing to give back: what is open stays in the ledger."""


def question_name(queue: str, request_id: str) -> str:
    """The name of a queue's question for a request: the same request is the same question, after a restart too.

    >>> question_name("desk", "mail-7/spam")
    'desk/mail-7/spam'
    """
    return f"{queue}/{request_id}"

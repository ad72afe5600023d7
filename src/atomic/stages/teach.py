"""teach: outcomes and feedback in the ledger become examples, for those bidders that learn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice

import orjson

from atomic.belief.remembered import forget_texts
from atomic.errors import CallerError
from atomic.protocols import Examples, Forgetful, Learner, Ledger
from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.event import Commitment, Event, decode
from atomic.records.lesson import ExampleRetired, FeedbackGiven, LessonsLearned
from atomic.records.microtask import Example
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import Features, RequestOpened
from atomic.stages.learn import outranks
from atomic.stages.prepare import may_see
from atomic.stages.reading import Judged, Reading
from atomic.stages.suspect import Shown, Suspects

_REMEMBERED = 256
_CHUNK = 1_000


class Teacher:
    """Follows the ledger and hands examples to learners, in the order of the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        learners: Sequence[Learner],
        examples: Examples,
        report: Callable[[Exception], None] = lambda _: None,
        reading: Reading | None = None,
    ) -> None:
        self._ledger = ledger
        self._learners = learners
        self._examples = examples
        self._report = report
        self._reading = reading or Reading()
        self._suspects = Suspects()
        self._spoken = 0  # the seq of the last word on an outcome
        self._taught = 0  # the seq up to which it was taught
        self._requests: OrderedDict[tuple[str, str], Event] = OrderedDict()
        self._outcomes: OrderedDict[tuple[str, str], Event] = OrderedDict()

    def follow(self, events: Sequence[Event]) -> None:
        """Take in new events."""
        for event in events:
            self._taught = event.seq
            key = (event.tenant, event.request_id)
            if event.kind == "request":
                _remember(self._requests, key, event)
            elif event.kind == "outcome":
                _remember(self._outcomes, key, event)
                self._teach_outcome(event)
            elif event.kind == "feedback":
                self._spoken = event.seq
                self._teach_feedback(event)
            elif isinstance(event.payload, LessonsLearned) and event.seq == self._spoken + 1:
                self._teach_reading(event, event.payload)
                self._suspect(event, event.payload)

    def shown_by(self, first: int, last: int) -> list[ExampleRetired]:
        """The examples that the events of these seqs retired, told once."""
        return self._suspects.shown_by(first, last)

    def begin_again(self) -> None:
        """Let everybody forget, and teach again from the ledger, in which erased bodies are not any more.

        Blocks for as long as a start does. Who learns and cannot forget is reported: it has to be made anew.
        """
        everybody, self._learners = self._learners, [one for one in self._learners if isinstance(one, Forgetful)]
        for one in (*self._learners, self._examples):
            if isinstance(one, Forgetful):
                one.forget()
        self._reading.forget()
        self._suspects.forget()
        self._requests.clear()
        self._outcomes.clear()
        forget_texts()
        events = islice(self._ledger.read(), self._taught)
        while chunk := list(islice(events, _CHUNK)):
            self.follow(chunk)
        for learner in everybody:
            if learner not in self._learners:
                self._report(CallerError(f"{learner.profile.name} cannot forget what was erased: restart the market"))
        self._learners = everybody

    def _teach_outcome(self, event: Event) -> None:
        if not self._learners:  # nobody else is taught what nobody has judged
            return
        request = self._find(self._requests, event, "request")
        assignment = request.payload.assignment if request and isinstance(request.payload, RequestOpened) else None
        if assignment is not None and assignment.shadows:
            # What the caller got was kept back until now: who had learned it would have answered the same beside it.
            original = self._ledger.read(request_id=assignment.shadows, kinds=("outcome",))
            event = next((one for one in original if one.tenant == event.tenant), event)
        elif assignment is not None and assignment.other:
            return
        settled = event.payload
        if isinstance(settled, OutcomeSettled) and settled.status == "answered":
            self._teach(event, event, "answer", settled.probability, "market")

    def _teach_feedback(self, event: Event) -> None:
        given = event.payload
        if not isinstance(given, FeedbackGiven) or self._outranked(event, given):
            return
        if any(commitment.name == "truth" for commitment in event.bodies):
            self._teach(event, event, "truth", 1.0, given.source)
            return
        settled = self._find(self._outcomes, event, "outcome")
        outcome = settled.payload if settled is not None else None
        if settled is not None and isinstance(outcome, OutcomeSettled) and outcome.status == "answered":
            self._teach(event, settled, "answer", given.value, given.source)  # a low value takes an example back

    def _teach_reading(self, event: Event, learned: LessonsLearned) -> None:
        """What a word on an outcome says of the bids' answers to its text."""
        request = self._find(self._requests, event, "request")
        features = None if request is None else self._body(request, "features")
        if features is not None:  # else erased
            text = decode(Features, features).text
            judged = Judged(event.request_id, event.tenant, learned.task, learned.domain, text)
            self._reading.learn(judged, learned.lessons)

    def _suspect(self, event: Event, learned: LessonsLearned) -> None:
        """What a word on an outcome says of the examples that were shown for it; who misleads is shown no more."""
        shown: dict[str, Shown] = {}
        examples: dict[str, tuple[str, ...]] = {}
        for one in self._ledger.read(request_id=event.request_id, kinds=("started", "finished")):
            payload = one.payload
            if one.tenant != event.tenant:
                continue
            if isinstance(payload, AttemptStarted):
                examples[f"{payload.bidder}+{payload.tactic}"] = payload.examples
            elif isinstance(payload, AttemptFinished) and examples.get(payload.key):
                answer = self._body(one, "answer")
                if answer is not None:
                    shown[payload.key] = Shown(examples[payload.key], answer, payload.probability)
        for retired in self._suspects.judged(event.tenant, shown, learned.lessons, event.seq):
            self._examples.add(_nothing_left_of(retired))

    def _outranked(self, event: Event, given: FeedbackGiven) -> bool:
        """Whether a better source had spoken of this request before."""
        earlier = self._ledger.read(request_id=event.request_id, kinds=("feedback",))
        return any(
            isinstance(one.payload, FeedbackGiven) and not outranks(given.source, one.payload.source)
            for one in earlier
            if one.seq < event.seq and one.tenant == event.tenant
        )

    def _teach(self, event: Event, holder: Event, body: str, probability: float, source: str) -> None:
        request = self._find(self._requests, event, "request")
        if request is None or not isinstance(request.payload, RequestOpened):
            return
        input_json, features = self._body(request, "input"), self._body(request, "features")
        answer = self._body(holder, body)
        if input_json is None or features is None or answer is None:  # erased
            return
        example = Example(
            request_id=event.request_id,
            task=request.payload.task,
            task_version=request.payload.task_version,
            input_json=input_json,
            text=decode(Features, features).text,
            answer=orjson.loads(answer),
            probability=probability,
            source=source,
            tenant=event.tenant,
            label=event.label,
            jurisdictions=request.payload.terms.jurisdictions,
            subjects=self._ledger.subjects(request.bodies[0]),
            time_ns=event.time_ns,
        )
        for learner in self._learners:
            try:
                if may_see(learner.profile, example):
                    learner.learn(example)
            except Exception as error:  # a bidder is foreign code: it misses this example, the others do not
                self._report(error)
        if source != "market":
            self._examples.add(example)
            self._suspects.verified(event.tenant, event.request_id, example.task, answer)

    def _find(self, among: OrderedDict[tuple[str, str], Event], event: Event, kind: str) -> Event | None:
        known = among.get((event.tenant, event.request_id))
        if known is not None:
            return known
        found = self._ledger.read(request_id=event.request_id, kinds=(kind,))
        return next((one for one in found if one.tenant == event.tenant), None)

    def _body(self, event: Event, name: str) -> bytes | None:
        commitment: Commitment | None = next((one for one in event.bodies if one.name == name), None)
        return None if commitment is None else self._ledger.body(commitment)


def _nothing_left_of(retired: ExampleRetired) -> Example:
    """An example that is found to be wrong: whoever keeps examples drops it."""
    return Example(
        request_id=retired.example,
        task=retired.task,
        task_version="",
        input_json=b"",
        text="",
        answer=None,
        probability=0.0,
        source="retired",
        tenant=retired.tenant,
    )


def _remember(among: OrderedDict[tuple[str, str], Event], key: tuple[str, str], event: Event) -> None:
    among[key] = event
    if len(among) > _REMEMBERED:
        among.popitem(last=False)

"""feedback: what somebody said of an outcome becomes an event and lessons for everybody who answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from atomic.belief import Beliefs
from atomic.belief.credit import named
from atomic.errors import TaskError
from atomic.output import Refusal, answers_by_label, as_json, canonical_key, from_json, typed
from atomic.protocols import Ledger
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Answered, Award, Slate, State, Table
from atomic.records.bid import Bid
from atomic.records.canonical import canonical_json
from atomic.records.event import Body, Entry, Event, decode
from atomic.records.lesson import PRECEDENCE, FeedbackGiven, Lesson, LessonsLearned, Source
from atomic.records.microtask import Microtask
from atomic.records.mode import PairMade
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.stages.credit import from_words, of_agreement, of_verdicts
from atomic.stages.learn import Bought, Weight, from_feedback, outranks, right_by_group, taken_back


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody says: how right the outcome was (`value` in [0, 1]), the right answer as JSON holds it, or how
    right the answers of some bids were (`rights`, by bid key)."""

    value: float | None = None
    truth: Any = None
    rights: Mapping[str, float] | None = None
    source: Source = "person"
    author: str = ""
    asked: bool = False


@dataclass(frozen=True, slots=True)
class _Story:
    """A settled request as the ledger tells it."""

    request: Event
    opened: RequestOpened
    settled: OutcomeSettled
    state: State  # nobody answered here where the outcome was imported
    table: Table
    bought: tuple[Bought, ...]
    answers: Mapping[int, Any]  # group -> answer as JSON
    words: tuple[tuple[Event, FeedbackGiven, LessonsLearned | None], ...]
    at_the_end: tuple[LessonsLearned, ...]  # what was taught before anybody said a word


def judge(
    events: Sequence[Event],
    ledger: Ledger,
    word: Word,
    time_ns: int,
    task: Microtask[..., Any] | None,
    beliefs: Beliefs,
) -> list[Entry]:
    """The feedback event, and the lessons it gives, as entries to append together.

    What it weighs depends on what is believed of who says it, and on who speaks up of what in the task.

    With the microtask at hand a truth is read as its type and equal is what that says; else as JSON, letter by letter.
    On a refusal only a truth teaches: nobody saw the answer that a value would be about.

    Raises TaskError for a value that is no probability, for both or neither of value and truth, for an unknown source,
    or for a truth that is not an answer of the task.
    """
    if "@" in word.author:
        raise TaskError("an author is kept in the chain for ever", hint="give a name or a number, not an address")
    story = _read(events, ledger)
    value, truth, rights = _rights(story, word, task)
    given = FeedbackGiven(source=word.source, value=value, author=word.author, asked=word.asked, task=story.opened.task)
    bodies: tuple[Body, ...] = ()
    if truth is not None:
        bodies = (Body(name="truth", content=truth, subjects=ledger.subjects(story.request.bodies[0])),)
    earlier = [said for _, said, _ in story.words]
    lessons = from_words(given, earlier, beliefs.credit)
    if not earlier:
        lessons += of_agreement(story.state, rights, beliefs.credit.reliability(named(word.source, word.author)))
    ranks = all(outranks(word.source, said.source) for said in earlier)
    if ranks and beliefs.credit.may_replace(given, earlier):
        # Words of lower sources may lie between; they taught nothing, so what stands is of the last that did.
        taught = [_of_bids(learned) for _, _, learned in story.words if learned is not None]
        for standing in [one for one in taught if one][-1:]:
            lessons += taken_back(standing)
        if not any(taught):
            lessons += _verdicts_replaced(story, given, rights, beliefs)
        state = story.state
        weight = _weight(given, story.opened.task, beliefs)
        # Between two labels one of two that differ is always right, and what is believed of each says who.
        whole = word.value is None and len(story.opened.labels) != 2
        lessons += from_feedback(story.bought, rights, state, story.table, weight, word.rights, whole=whole)
    learned = LessonsLearned(
        task=story.opened.task,
        domain=story.opened.domain,
        source=word.source,
        cause=0,
        alternatives=len(story.opened.labels),
        lessons=tuple(lessons),
        task_version=story.opened.task_version,
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


def _verdicts_replaced(
    story: _Story, given: FeedbackGiven, rights: Mapping[int, float], beliefs: Beliefs
) -> list[Lesson]:
    """The first word that counts: what validators and judges taught of these answers gives way to it, and what they
    said is held against it."""
    known = {one.bid.key for one in story.bought if one.attempt.group in rights and one.attempt.verdicts}
    lessons = of_verdicts(given, [one.attempt for one in story.bought], rights, beliefs.credit)
    for learned in story.at_the_end:
        if learned.source != "agreement" and outranks(given.source, learned.source):
            lessons += taken_back([one for one in _of_bids(learned) if one.key in known])
    return lessons


def word_on(pair: PairMade, word: Word, alternatives: int) -> Word | None:
    """What a word on the answer that the caller got says of the other answer to the same input; None: nothing.

    The truth is the truth of both. Of another answer than one that is wrong nothing is known, but where there are two.
    """
    if word.truth is not None:
        return word
    if word.value is None or not (pair.caller.answered and pair.beside.answered):
        return None
    if pair.equal:
        return word
    return replace(word, value=1.0 - word.value) if alternatives == 2 or word.value == 1.0 else None


def _of_bids(learned: LessonsLearned) -> list[Lesson]:
    """What was taught of bids, and not taken back in the same breath."""
    return [one for one in learned.lessons if one.weight > 0 and one.kind != "source"]


def _weight(given: FeedbackGiven, task: str, beliefs: Beliefs) -> Weight:
    word = beliefs.credit.weight(named(given.source, given.author))
    return Weight(word, word if given.asked else word * beliefs.hearing.thinned(task, given.value))


def _rights(
    story: _Story, word: Word, task: Microtask[..., Any] | None
) -> tuple[float, bytes | None, dict[int, float]]:
    """How right the outcome was, the truth's body if it was given, and how right each group was."""
    refused = story.settled.status == "refused" or story.settled.group is None
    ours = -1 if refused or story.settled.group is None else story.settled.group
    if sum(one is not None for one in (word.value, word.truth, word.rights)) != 1:
        raise TaskError("feedback needs either a value or the true answer", hint="value=1.0 or truth='ham'")
    if word.source not in PRECEDENCE:
        raise TaskError(f"{word.source!r} is no source of feedback", hint=f"one of {', '.join(PRECEDENCE)}")
    if word.truth is not None:
        truth, rights = _by_truth(story, word.truth, task)
        return rights.get(ours, 0.0), truth, rights
    answered = story.state.answered
    if word.rights is not None:
        rights = _by_key(answered, word.rights)
        return rights.get(ours, 0.0), None, rights
    value = _share(word.value)
    if refused:
        return value, None, {}
    return value, None, right_by_group(answered, ours, value, len(story.opened.labels))


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise TaskError(f"feedback of {value!r} is no probability", hint="0 is wrong, 1 is right")
    return float(value)


def _by_key(answered: Sequence[Answered], given: Mapping[str, float]) -> dict[int, float]:
    """How right each group was, where some of it was judged: the mean, since graders differ on equal answers."""
    if unknown := sorted(set(given) - {one.key for one in answered}):
        raise TaskError(f"{unknown[0]!r} gave no answer to this request", hint="name bids as bidder+tactic")
    judged: dict[int, list[float]] = {}
    for one in answered:
        if one.key in given:
            judged.setdefault(one.group, []).append(_share(given[one.key]))
    return {group: sum(values) / len(values) for group, values in judged.items()}


def _by_truth(story: _Story, truth: Any, task: Microtask[..., Any] | None) -> tuple[bytes, dict[int, float]]:
    """The truth as JSON, and how right each group was."""
    opened = story.opened
    if task is not None and (task.name, task.version) == (opened.task, opened.task_version):
        answer = _typed_truth(task, truth)
        key = canonical_key(task, answer)
        given = {group: from_json(task, one) for group, one in story.answers.items()}
        return canonical_json(as_json(task, answer)), {
            group: float(not isinstance(one, Refusal) and canonical_key(task, one) == key)
            for group, one in given.items()
        }
    try:
        body = canonical_json(truth)
    except (TypeError, ValueError) as error:
        raise TaskError(f"{truth!r} cannot be written as JSON", hint="give the answer as JSON holds it") from error
    if not opened.labels:
        return body, {group: float(canonical_json(one) == body) for group, one in story.answers.items()}
    if _spelling(truth) not in opened.labels:
        raise TaskError(f"{truth!r} is no answer of {opened.task}", hint=f"one of {', '.join(opened.labels)}")
    same = {group: _spelling(one) == _spelling(truth) for group, one in story.answers.items()}
    # Where somebody answered so, in the type that he used: "yes" is true.
    bodies = [canonical_json(story.answers[group]) for group, equal in same.items() if equal]
    return (bodies or [body])[0], {group: float(equal) for group, equal in same.items()}


def _typed_truth(task: Microtask[..., Any], truth: Any) -> Any:
    """A truth as the task's type: a value of it, its JSON, or the spelling of a label."""
    spelled = [one for one in answers_by_label(task).items() if isinstance(truth, str) and one[0] == truth]
    if spelled:
        return spelled[0][1]
    answer = typed(task, truth) if not isinstance(truth, str) else from_json(task, truth)
    if isinstance(answer, Refusal):
        hint = f"one of {', '.join(task.labels)}" if task.labels else f"it must be {task.output_type}"
        raise TaskError(f"{truth!r} is no answer of {task.name}", hint=hint)
    return answer


def _spelling(truth: Any) -> str:
    return {True: "yes", False: "no"}[truth] if isinstance(truth, bool) else str(truth)


def _read(events: Sequence[Event], ledger: Ledger) -> _Story:
    request, settled, award = events[0], OutcomeSettled(task="", status="refused"), None
    bids: dict[str, Bid] = {}
    bought: list[Bought] = []
    answers: dict[int, Any] = {}
    words: list[tuple[Event, FeedbackGiven, LessonsLearned | None]] = []
    at_the_end: list[LessonsLearned] = []
    for event in events:
        payload = event.payload
        if isinstance(payload, Award):
            award = payload
            bids.update({bid.key: bid for bid in decode(Slate, ledger.blob(payload.slate)).bids})
        elif isinstance(payload, AttemptFinished):
            if (bid := bids.get(payload.key)) is not None:  # None: only brought beside those that were bought
                bought.append(Bought(bid=bid, attempt=payload, selected=event.round > 1))
            if payload.group is not None and (body := ledger.body(event.bodies[0])) is not None:
                answers[payload.group] = orjson.loads(body)
        elif isinstance(payload, OutcomeSettled):
            settled = payload
            if payload.group is not None and payload.group not in answers and event.bodies:
                ours = ledger.body(event.bodies[0])  # the only one that an import brings
                answers |= {} if ours is None else {payload.group: orjson.loads(ours)}
        elif isinstance(payload, FeedbackGiven):
            words.append((event, payload, None))
        elif isinstance(payload, LessonsLearned) and words and event.seq == words[-1][0].seq + 1:
            words[-1] = (*words[-1][:2], payload)
        elif isinstance(payload, LessonsLearned) and not words:
            at_the_end.append(payload)
    assert isinstance(request.payload, RequestOpened)
    state, table = State(), Table(alternatives=len(request.payload.labels))
    if award is not None:
        state, table = award.position.state, decode(Table, ledger.blob(award.table))
    told = (tuple(bought), answers, tuple(words), tuple(at_the_end))
    return _Story(request, request.payload, settled, state, table, *told)

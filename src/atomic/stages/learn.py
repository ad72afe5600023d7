"""learn: what happened becomes lessons. Pure; the fold of lessons is belief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from atomic.belief.agreement import expected_agreement, pair
from atomic.belief.counts import shrunk
from atomic.belief.credit import weight_of
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Answered, State, Table
from atomic.records.bid import Bid, Reason
from atomic.records.lesson import PRECEDENCE, Lesson, LessonsLearned, Source
from atomic.records.microtask import Ask
from atomic.rules.posterior import believed_of_dispute, joint_probability

_MOST_PAIRED = 6
_MOST_SETTLED = 6  # answers; with more of them a survey says nothing of when to stop
_NO_LESSON = frozenset(
    {Reason.CANCELLED, Reason.INTERRUPTED, Reason.OVERTAKEN, Reason.FAILED, Reason.TIMED_OUT, Reason.DISAGREED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """An attempt with the bid it was bought on. `selected`: bought in view of other answers, so its case was hard."""

    bid: Bid
    attempt: AttemptFinished
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """What a word weighs, and what it weighs where silence cannot make up for it."""

    word: float
    alone: float


def at_the_end(ask: Ask, state: State, bought: Sequence[Bought]) -> list[LessonsLearned]:
    """What a request teaches when it is settled, before anybody says a word of it."""
    found: list[tuple[Source, list[Lesson]]] = [
        ("agreement", from_agreement(state, ask.task.alternatives)),
        ("validator", from_failures(bought) + from_verdicts(bought, "validator")),
        ("judge", from_verdicts(bought, "judge")),
    ]
    if bought and all(one.attempt.recalled for one in bought):
        return []  # the request that this one shadows has taught it
    return [
        LessonsLearned(
            task=ask.task.name,
            domain=ask.domain,
            source=source,
            cause=0,
            alternatives=ask.task.alternatives,
            lessons=tuple(lessons),
            task_version=ask.task.version,
        )
        for source, lessons in found
        if lessons
    ]


def from_agreement(state: State, alternatives: int) -> list[Lesson]:
    """Who agreed with whom: one lesson a pair; needs no label."""
    lessons: list[Lesson] = []
    answered = state.answered[:_MOST_PAIRED]
    for index, first in enumerate(answered):
        for second in answered[index + 1 :]:
            if first.key == second.key:
                continue
            lessons.append(
                Lesson(
                    kind="agree",
                    key=pair(first.key, second.key),
                    target=1.0 if first.group == second.group else 0.0,
                    weight=1.0,
                    features=(expected_agreement(first.probability, second.probability, alternatives),),
                )
            )
    return lessons


def from_failures(bought: Sequence[Bought]) -> list[Lesson]:
    """An answer that is not of its type is not right, whatever anybody says later."""
    return [
        _right(one, 0.0, 1.0)
        for one in bought
        if one.attempt.reason is not None and one.attempt.reason not in _NO_LESSON and not one.attempt.recalled
    ]


def from_verdicts(bought: Sequence[Bought], source: Source) -> list[Lesson]:
    """What validators, or judges, said of each bid's answer: the word that weighs most, till a better one comes."""
    lessons: list[Lesson] = []
    for one in bought:
        spoken = [each for each in one.attempt.verdicts if each.speaks and each.source == source]
        if one.attempt.group is None or one.attempt.recalled or not spoken:
            continue
        word = max(spoken, key=lambda each: (each.reliability, not each.holds))
        weight = weight_of(source, word.reliability)
        if weight > 0.0:
            lessons.append(_right(one, 1.0 if word.holds else 0.0, weight))
    return lessons


def from_feedback(
    bought: Sequence[Bought],
    right_by_group: Mapping[int, float],
    state: State,
    table: Table,
    weight: Weight,
    right_by_key: Mapping[str, float] | None = None,
    *,
    whole: bool = False,
) -> list[Lesson]:
    """Feedback on an outcome: how right each group's answer was, where that is known, and what was said of each bid.

    `whole`: that would be known whoever had been right, so that who was right against whom may be counted.
    """
    lessons: list[Lesson] = []
    for one in bought:
        group = one.attempt.group
        if group is None or group not in right_by_group or one.attempt.recalled:
            continue  # what is recalled is taught by the request that bought it
        right = (right_by_key or {}).get(one.bid.key, right_by_group[group])
        lessons.append(_right(one, right, weight.word))
        if one.attempt.confidence is not None:
            mean, _ = shrunk(one.bid.evidence)
            lessons.append(
                Lesson(
                    kind="answer",
                    key=one.bid.key,
                    target=right,
                    weight=weight.alone,
                    features=(mean, one.attempt.confidence),
                )
            )
    if whole:
        lessons += _disputes(right_by_group, state, table, weight)
    for count in range(1, min(_MOST_SETTLED, len(state.answered)) + 1):
        joint, group = joint_probability(replace(state, answered=state.answered[:count]), table)
        if group in right_by_group:
            lessons.append(
                Lesson(
                    kind="settle",
                    key="",
                    target=right_by_group[group],
                    weight=weight.alone,
                    features=(float(count), joint),
                )
            )
    return lessons


def _disputes(right_by_group: Mapping[int, float], state: State, table: Table, weight: Weight) -> list[Lesson]:
    """Who was right of any two that differed."""
    lessons: list[Lesson] = []
    answered = state.answered[:_MOST_PAIRED]
    for index, first in enumerate(answered):
        for second in answered[index + 1 :]:
            rights = right_by_group.get(first.group, 0.0), right_by_group.get(second.group, 0.0)
            if first.key == second.key or first.group == second.group or rights[0] == rights[1]:
                continue
            share = rights[0] * (1.0 - rights[1])
            other = rights[1] * (1.0 - rights[0])
            odds = believed_of_dispute(first, second, table)
            ahead = first.key < second.key
            lessons.append(
                Lesson(
                    kind="differ",
                    key=pair(first.key, second.key),
                    target=(share if ahead else other) / (share + other),
                    weight=weight.alone * (share + other),
                    features=(odds if ahead else -odds,),
                )
            )
    return lessons


def _right(one: Bought, target: float, weight: float) -> Lesson:
    mean, _ = shrunk(one.bid.evidence)
    claim = None if one.bid.offer.read else one.bid.offer.claim
    return Lesson(
        kind="right",
        key=one.bid.key,
        target=target,
        weight=weight,
        features=() if claim is None else (mean, claim),
        family=one.bid.evidence.family,
        selected=one.selected,
    )


def taken_back(lessons: Sequence[Lesson]) -> list[Lesson]:
    """The same lessons with negative weight: a later word of the same or a better source supersedes."""
    return [replace(one, weight=-one.weight) for one in lessons if one.kind != "agree"]


def outranks(newer: Source, older: Source) -> bool:
    """Whether a newer word supersedes an older one: person over fact over validator over judge over agreement.

    >>> outranks("person", "judge"), outranks("judge", "person"), outranks("fact", "fact")
    (True, False, True)
    """
    return PRECEDENCE.index(newer) <= PRECEDENCE.index(older)


def right_by_group(answered: Sequence[Answered], ours: int, value: float, alternatives: int) -> dict[int, float]:
    """How right each group is when ours was right to a degree and the true answer was not named.

    With two possible answers the other is right to the rest of it; with more, others are known to be wrong
    only where ours was wholly right.

    >>> one, two = Answered(key="a", group=0, probability=0.9), Answered(key="b", group=1, probability=0.5)
    >>> right_by_group((one, two), 0, 0.0, 2), right_by_group((one, two), 0, 0.0, 5)
    ({0: 0.0, 1: 1.0}, {0: 0.0})
    """
    rights = {ours: value}
    for one in answered:
        if one.group != ours and (alternatives == 2 or value == 1.0):
            rights[one.group] = 1.0 - value
    return rights

"""credit: what a word on an outcome says of those who spoke of it, itself included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atomic.belief.credit import BY_PEER, BY_RANK, USUAL, Credit, named, surprise
from atomic.records.attempt import AttemptFinished
from atomic.records.award import State
from atomic.records.lesson import PRECEDENCE, FeedbackGiven, Lesson

_AGREED = 2


def from_words(given: FeedbackGiven, earlier: Sequence[FeedbackGiven], credit: Credit) -> list[Lesson]:
    """Lessons about sources: this word beside the latest of everybody else, or else beside what others say lately."""
    name = named(given.source, given.author)
    latest = {named(one.source, one.author): one for one in earlier}
    own = latest.pop(name, None)
    lessons: list[Lesson] = []
    for other, word in sorted(latest.items()):
        match = 1.0 - abs(given.value - word.value)
        rank = PRECEDENCE.index(given.source) - PRECEDENCE.index(word.source)
        by = BY_RANK if rank else BY_PEER
        if rank >= 0 and own is None:
            lessons.append(_about(name, match, by * credit.reliability(other)))
        if rank <= 0:
            lessons.append(_about(other, match, by * credit.reliability(name)))
    if not latest and own is None:
        share, weight = credit.others(given.task, name)
        if weight > 0.0:
            lessons.append(_about(name, surprise(given.value, share, USUAL[given.source]), weight))
    return lessons


def of_verdicts(
    given: FeedbackGiven, attempts: Sequence[AttemptFinished], rights: Mapping[int, float], credit: Credit
) -> list[Lesson]:
    """Lessons about validators and judges: what each said of an answer beside how right it was; equal ones once."""
    weight = BY_RANK * credit.reliability(named(given.source, given.author))
    lessons: list[Lesson] = []
    seen: set[int] = set()
    for attempt in attempts:
        group = attempt.group
        if group is None or group not in rights or group in seen or attempt.recalled:
            continue
        seen.add(group)
        for word in attempt.verdicts:
            if word.speaks and PRECEDENCE.index(given.source) <= PRECEDENCE.index(word.source):
                target = rights[group] if word.holds else 1.0 - rights[group]
                lessons.append(_about(named(word.source, word.name), target, weight))
    return lessons


def of_agreement(state: State, rights: Mapping[int, float], weight: float) -> list[Lesson]:
    """How right was what most agreed on, where at least two did and somebody has said it since."""
    members: dict[int, set[str]] = {}
    for one in state.answered:
        members.setdefault(one.group, set()).add(one.key)
    most = max(members, key=lambda group: (len(members[group]), -group), default=-1)
    if most not in rights or len(members[most]) < _AGREED or weight <= 0.0:
        return []
    return [_about("agreement", rights[most], weight)]


def _about(name: str, target: float, weight: float) -> Lesson:
    return Lesson(kind="source", key=name, target=target, weight=weight)

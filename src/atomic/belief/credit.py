"""How far a source of feedback, or an author of it, is to be believed: learned from whom its words hold against.

A source begins with the reliability r0 that is usual of its kind, worth 12 comparisons. Of one request it is compared
with sources above it and with other authors of its own rank. Where nobody else spoke of the request, it is compared
with how others spoke of the task lately: how often right answers are spoken of at all is then a habit that all share.
The weight of its lessons is that of its kind times (2 r - 1) / (2 r0 - 1): a source that is
right as often as a coin teaches nothing. Contradictions of up to a tenth more than usual cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atomic.belief.counts import Count
from atomic.records.lesson import FeedbackGiven, Lesson, Source

WEIGHTS: Mapping[Source, float] = {"person": 1.0, "fact": 1.0, "validator": 0.7, "judge": 0.5, "agreement": 0.2}
USUAL: Mapping[Source, float] = {"person": 0.97, "fact": 0.98, "validator": 0.9, "judge": 0.85, "agreement": 0.75}
BY_RANK = 1.0  # what a comparison with a higher source weighs,
BY_PEER = 0.5  # with another author of the same rank,
_PRIOR_WEIGHT = 12.0
_FORGIVEN = 0.9
_FADE = 1.0 - 1.0 / 2000.0
_LATELY = 0.9
_OTHERS_WEIGHT = 2.0
_MOST_OF_TASK = 100  # authors whose latest words in a task are known
_MOST_NAMES = 10_000  # then whoever spoke least is forgotten


class Credit:
    """What is believed of everybody who speaks. All of it is named, since a snapshot holds it."""

    def __init__(self) -> None:
        self.records: dict[str, Count] = {}  # by name: how far its words held against what others know
        self.words: dict[str, float] = {}  # by name: how many it spoke, older ones faded
        self.lately: dict[str, dict[str, tuple[float, float]]] = {}  # by task and name: right, and total, of some ten

    def compared(self, lesson: Lesson, time_ns: int, seq: int) -> None:
        """Take in a lesson of kind "source"."""
        self.records.setdefault(lesson.key, Count()).add(lesson.target, lesson.weight, time_ns, seq)

    def spoke(self, word: FeedbackGiven) -> None:
        """Take in that somebody spoke."""
        name = named(word.source, word.author)
        if len(self.words) >= _MOST_NAMES and name not in self.words:
            least = min(self.words, key=lambda one: (self.words[one], one))
            del self.words[least]
            self.records.pop(least, None)
        self.words[name] = self.words.get(name, 0.0) * _FADE + 1.0
        of_task = self.lately.setdefault(word.task, {})
        right, total = of_task.get(name, (0.0, 0.0))
        of_task[name] = _LATELY * right + word.value, _LATELY * total + 1.0
        if len(of_task) > _MOST_OF_TASK:
            del of_task[next(iter(of_task))]

    def reliability(self, name: str) -> float:
        """The probability that what it says is so."""
        return reliability(name, self.records.get(name))

    def weight(self, name: str) -> float:
        """What a lesson from it weighs, from 0 to 1."""
        return weight(name, self.records.get(name))

    def others(self, task: str, name: str) -> tuple[float, float]:
        """How right others said answers in a task were lately, and what a comparison with that weighs.

        The more, the more they spoke: a newcomer has to hold against who was there before, not the other way round.
        """
        right = total = words = 0.0
        for other, (good, spoken) in sorted(self.lately.get(task, {}).items()):
            if other != name:
                trust = self.weight(other)
                right += trust * good
                total += trust * spoken
                words += trust * self.words.get(other, 0.0)
        if total <= 0.0:
            return 0.5, 0.0
        share = words / (words + self.words.get(name, 0.0))
        return right / total, share * total / (total + _OTHERS_WEIGHT)

    def may_replace(self, word: FeedbackGiven, earlier: Sequence[FeedbackGiven]) -> bool:
        """Whether a word counts although others of its rank have spoken: not one of half their weight or less."""
        ours = self.weight(named(word.source, word.author))
        peers = [named(one.source, one.author) for one in earlier if one.source == word.source]
        return all(2.0 * ours > self.weight(one) for one in peers) if peers else ours > 0.0

    def state(self) -> dict[str, object]:
        """Everything it holds, for digests and snapshots."""
        return {
            "sources": [[name, *one.state()] for name, one in sorted(self.records.items())],
            "words": sorted(self.words.items()),
            "lately": [
                [task, name, *said] for task, some in sorted(self.lately.items()) for name, said in some.items()
            ],
        }


def named(source: Source, author: str) -> str:
    """The name that a source's record stands under.

    >>> named("person", "ann"), named("judge", "")
    ('person/ann', 'judge')
    """
    return f"{source}/{author}" if author else source


def reliability(name: str, record: Count | None) -> float:
    """The probability that what it says is so.

    >>> reliability("judge/j1", None)
    0.85
    """
    usual = USUAL[source_of(name)]
    if record is None or record.total == 0.0:
        return usual
    return (_PRIOR_WEIGHT * usual + record.right) / (_PRIOR_WEIGHT + record.total)


def weight(name: str, record: Count | None) -> float:
    """What a lesson from it weighs, from 0 to 1.

    >>> bad = Count()
    >>> bad.add(0.0, 30.0, 0, 1)
    >>> weight("person/ann", None), weight("person/ann", bad), weight("judge", None)
    (1.0, 0.0, 0.5)
    """
    return weight_of(source_of(name), reliability(name, record))


def weight_of(source: Source, found: float) -> float:
    """The same for a source of this kind that was found to be this reliable.

    >>> weight_of("validator", 0.9), weight_of("validator", 0.45)
    (0.7, 0.0)
    """
    usual = USUAL[source]
    if found < usual:
        found = min(usual, found / _FORGIVEN)
    factor = max(0.0, (2.0 * found - 1.0) / (2.0 * usual - 1.0))
    return min(1.0, WEIGHTS[source] * factor)


def source_of(name: str) -> Source:
    """The kind of source that a name is of."""
    kind = name.partition("/")[0]
    return next(source for source in USUAL if source == kind)


def surprise(value: float, probability: float, usual: float) -> float:
    """How far a word holds against a probability, as a target: `usual` in the mean where the word is true.

    >>> surprise(1.0, 0.5, 0.97), surprise(0.0, 0.9, 0.97) < 0.3, surprise(1.0, 0.9, 0.97)
    (0.97, True, 1.0)
    """
    match = value * probability + (1.0 - value) * (1.0 - probability)
    expected = probability * probability + (1.0 - probability) * (1.0 - probability)
    return min(1.0, max(0.0, usual + match - expected))

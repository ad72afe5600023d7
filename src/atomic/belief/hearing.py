"""Who speaks up, and what silence says: feedback that comes by itself is missing *not* at random.

People complain of wrong answers more than they praise right ones. With the probabilities h1 and h0 of hearing a word
given that the answer was right or wrong, an outcome of which nothing is heard is right with

    P(right | silence) = p (1 - h1) / (p (1 - h1) + (1 - p)(1 - h0))

As evidence of quality p, silence is a mixture: with weight rho = p (h0 - h1) / (1 - h0 + p (h0 - h1)) it is a right
outcome, else it says nothing (the augmentation of Dempster, Laird and Rubin 1977). Where both are heard alike rho is
0: silence is not approval.

h0 and h1 are counted per task. Where a random sample was asked, how often its answers were right says how many right
and wrong ones there were to speak of; ten asked are enough to begin. Where nobody was asked, the probability with which
each outcome was settled stands for that. Then a belief that is off and a habit of complaining look alike, so two things
are assumed: before anything is heard wrong answers are thought to be e times as likely spoken of, and only what goes
beyond a factor of e either way is taken for a habit; the rest corrects the belief.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from atomic.belief.arithmetic import exp, log
from atomic.records.attempt import AttemptFinished
from atomic.records.erasure import BodiesErased
from atomic.records.event import Event
from atomic.records.lesson import FeedbackGiven
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened

_LAG = 64  # outcomes of a task settled later, until one that nobody spoke of counts as silent
_MOST_OPEN = 20_000
_ASKED_ENOUGH = 10.0
_PRIOR_WEIGHT, _PRIOR_WEIGHT_ASKED = 10.0, 4.0
_HABIT = 1.0  # log of the factor that is forgiven, and of what is thought before
_MOST_HEARD = 0.98
_FADE = 1.0 - 1.0 / 2000.0

_Request = tuple[str, str]  # tenant, request id


@dataclass(frozen=True, slots=True)
class Spoken:
    """A request as far as silence about it could teach: who answered in which group, and what was settled for."""

    task: str
    domain: str
    alternatives: int
    version: str
    answers: tuple[tuple[str, int], ...] = ()
    probability: float = 0.0
    group: int = -1


class Heard:
    """What was heard in one task: words by themselves, silence as it was taken, and answers of those asked."""

    __slots__ = ("asked", "asked_right", "right", "silent_right", "silent_wrong", "wrong")

    def __init__(self) -> None:
        self.right = 0.0
        self.wrong = 0.0
        self.silent_right = 0.0
        self.silent_wrong = 0.0
        self.asked = 0.0
        self.asked_right = 0.0

    def rates(self) -> tuple[float, float]:
        """The probabilities of hearing a word given a wrong and a right answer: h0, h1.

        >>> Heard().rates()
        (0.5, 0.5)
        """
        spoken = self.right + self.wrong
        settled = spoken + self.silent_right + self.silent_wrong
        both = (spoken + 1.0) / (settled + 2.0)
        if spoken == 0.0:
            return both, both
        if self.asked >= _ASKED_ENOUGH:
            share, prior = (self.asked_right + 0.5) / (self.asked + 1.0), _PRIOR_WEIGHT_ASKED
            wrong = (self.wrong + prior * both) / (settled * (1.0 - share) + prior)
            right = (self.right + prior * both) / (settled * share + prior)
            return min(_MOST_HEARD, wrong), min(_MOST_HEARD, right)
        prior = _PRIOR_WEIGHT
        wrong = min(_MOST_HEARD, (self.wrong + prior * both * exp(_HABIT)) / (self.wrong + self.silent_wrong + prior))
        right = min(_MOST_HEARD, (self.right + prior * both) / (self.right + self.silent_right + prior))
        habit = log(wrong / right)
        if habit > _HABIT:
            return wrong, wrong * exp(_HABIT - habit)
        if habit < -_HABIT:
            return right * exp(habit + _HABIT), right
        return both, both

    def silent(self, probability: float) -> None:
        """Nobody spoke of an outcome that was right with this probability."""
        wrong, right = self.rates()
        praised, blamed = probability * (1.0 - right), (1.0 - probability) * (1.0 - wrong)
        share = praised / (praised + blamed) if praised + blamed > 0.0 else probability
        self._fade()
        self.silent_right += share
        self.silent_wrong += 1.0 - share

    def word(self, value: float, *, asked: bool) -> None:
        """Somebody said that an outcome was right to the degree `value`."""
        if asked:
            self.asked = self.asked * _FADE + 1.0
            self.asked_right = self.asked_right * _FADE + value
            return
        self._fade()
        self.right += value
        self.wrong += 1.0 - value

    def _fade(self) -> None:
        self.right *= _FADE
        self.wrong *= _FADE
        self.silent_right *= _FADE
        self.silent_wrong *= _FADE

    @classmethod
    def of(cls, state: Sequence[float]) -> Heard:
        """From what `state` gave."""
        heard = cls()
        heard.right, heard.wrong, heard.silent_right, heard.silent_wrong, heard.asked, heard.asked_right = state
        return heard

    def state(self) -> list[float]:
        """Everything it holds, for digests and snapshots."""
        return [self.right, self.wrong, self.silent_right, self.silent_wrong, self.asked, self.asked_right]


def silence(probability: float, wrong: float, right: float) -> tuple[float, float]:
    """What silence is evidence of, as a target and a weight, where words are heard of wrong and right ones so often.

    >>> silence(0.8, 0.5, 0.5), silence(0.8, 0.5, 0.0)
    ((1.0, 0.0), (1.0, 0.4444444444444445))
    """
    if wrong >= right:
        more = probability * (wrong - right)
        return 1.0, more / (1.0 - wrong + more) if more > 0.0 else 0.0
    more = (1.0 - probability) * (right - wrong)
    return 0.0, more / (1.0 - right + more)


class Hearing:
    """Which outcomes are spoken of. All of it is named, since a snapshot holds it."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}
        self.open: OrderedDict[_Request, Spoken] = OrderedDict()
        self.waiting: dict[str, OrderedDict[_Request, Spoken]] = {}  # settled, by task: a word may still come

    def fold(self, event: Event) -> Spoken | None:
        """Take in an event; the request that counts as silent from now on, if one does."""
        payload, name = event.payload, (event.tenant, event.request_id)
        if isinstance(payload, AttemptFinished):
            known = self.open.get(name)
            if known is not None and payload.group is not None:
                answers = (*known.answers, (payload.key, payload.group))
                self.open[name] = Spoken(known.task, known.domain, known.alternatives, known.version, answers)
        elif isinstance(payload, RequestOpened):
            self.open[name] = Spoken(payload.task, payload.domain, len(payload.labels), payload.task_version)
            if len(self.open) > _MOST_OPEN:
                self.open.popitem(last=False)
        elif isinstance(payload, OutcomeSettled):
            return self._settled(payload, name)
        elif isinstance(payload, FeedbackGiven):
            self._word(payload, name)
        elif isinstance(payload, BodiesErased):
            for erased in payload.requests:
                self._forget(erased)
        return None

    def rates(self, task: str) -> tuple[float, float]:
        """h0 and h1 of a task: equal where nothing speaks for anything else."""
        known = self.heard.get(task)
        return (0.5, 0.5) if known is None else known.rates()

    def thinned(self, task: str, value: float) -> float:
        """How much of a word that came by itself to take for a random one: of the kind heard more often, only a part.

        What has no silence to make up for it (a calibration) is taught this much.
        """
        wrong, right = self.rates(task)
        less = min(wrong, right)
        return value * less / right + (1.0 - value) * less / wrong

    def _settled(self, settled: OutcomeSettled, name: _Request) -> Spoken | None:
        known = self.open.pop(name, None)
        if known is None or settled.status != "answered" or settled.group is None:
            return None
        waiting = self.waiting.setdefault(known.task, OrderedDict())
        waiting[name] = Spoken(
            known.task,
            known.domain,
            known.alternatives,
            known.version,
            known.answers,
            settled.probability,
            settled.group,
        )
        if len(waiting) <= _LAG:
            return None
        _, silent = waiting.popitem(last=False)
        self.heard.setdefault(silent.task, Heard()).silent(silent.probability)
        return silent

    def _word(self, word: FeedbackGiven, name: _Request) -> None:
        for task, waiting in self.waiting.items():
            if waiting.pop(name, None) is not None:  # a second word, or one that comes late, is of one heard already
                self.heard.setdefault(task, Heard()).word(word.value, asked=word.asked)
                return

    def _forget(self, name: _Request) -> None:
        self.open.pop(name, None)
        for waiting in self.waiting.values():
            waiting.pop(name, None)

    def state(self) -> dict[str, object]:
        """Everything it holds, for digests and snapshots."""
        return {
            "heard": [[task, *one.state()] for task, one in sorted(self.heard.items())],
            "unsettled": [[*name, *_listed(one)] for name, one in self.open.items()],
            "unheard": [
                [*name, *_listed(one)] for _, some in sorted(self.waiting.items()) for name, one in some.items()
            ],
        }


def _listed(one: Spoken) -> list[object]:
    answers = [list(answer) for answer in one.answers]
    return [one.task, one.domain, one.alternatives, one.version, answers, one.probability, one.group]

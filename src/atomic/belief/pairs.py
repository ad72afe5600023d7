"""Who answers each task, and what pairs say of it: a fold of the ledger, which also decides every change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from atomic.records.event import Event
from atomic.records.lesson import PRECEDENCE, FeedbackGiven, Source
from atomic.records.mode import Assignment, ModeChanged, ModeStated, PairMade, Phase, WhyChanged
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.rules.betting import Bet
from atomic.rules.modes import Judged, Place, first_phase, gains, needed

_MOST_KEPT = 50_000  # pairs and answers that a later word can still change; older ones stay as they were judged
_LABELS: frozenset[Source] = frozenset({"person", "fact"})  # whose word makes an answer known to be right or wrong
_Key = tuple[str, str]  # tenant, request id


@dataclass(slots=True)
class Spoken:
    """What was said of one request's outcome; a word counts unless a better source had spoken."""

    source: Source | None = None
    value: float | None = None

    def hear(self, given: FeedbackGiven) -> None:
        """Take in a word."""
        if given.source in _LABELS and (self.source is None or _rank(given.source) <= _rank(self.source)):
            self.source, self.value = given.source, given.value


@dataclass(slots=True)
class _Pair:
    made: PairMade
    caller: Spoken
    beside: Spoken = field(default_factory=Spoken)
    counted: tuple[float, float] | None = None


@dataclass(slots=True)
class _Answer:
    """A challenger's answer that a caller got: `counted` once it was judged."""

    task: str
    number: int
    said: Spoken = field(default_factory=Spoken)
    counted: float | None = None


class Evidence:
    """The bets on one challenger since the last change."""

    __slots__ = ("lost", "won")

    def __init__(self) -> None:
        self.won, self.lost = Bet(), Bet()

    def replace(self, old: tuple[float, float] | None, new: tuple[float, float]) -> None:
        """Take in what a pair says now in place of what it said."""
        if old is not None:
            self.won.add(old[0], times=-1)
            self.lost.add(-old[1], times=-1)
        self.won.add(new[0])
        self.lost.add(-new[1])


class Standing:
    """One task: its mode, where it stands, and the evidence for the next change."""

    def __init__(self, task: str, place: Place) -> None:
        self.task = task
        self.place = place
        self.changes = 0  # since the mode was stated
        self.named: set[str] = set()  # challengers that won while observed
        self.due: ModeChanged | None = None
        self._begin()

    def _begin(self) -> None:
        self.evidence = {arm: Evidence() for arm in self.place.mode.challengers}
        self.judged, self.estimated = Bet(), Bet()  # that the challengers' answers are below the floor

    @property
    def needed(self) -> float:
        """What a bet has to grow to before the next change."""
        return needed(self.place.mode, self.changes)

    def change(self, change: ModeChanged) -> None:
        """What was due is recorded: go on from there, with no evidence."""
        champion = "" if change.to == "returned" else change.arm
        if change.to == "observe":
            self.named.add(change.arm)
            champion = ""
        self.place = replace(self.place, number=change.number, phase=change.to, champion=champion)
        self.changes += 1
        self.due = None
        self._begin()

    def decide(self, seen: int) -> None:
        """Let a change be due as soon as the evidence is there; what is due stays so."""
        if self.due is None and self.place.mode.incumbent:
            self.due = next(self._changes(seen), None)

    def _changes(self, seen: int) -> Iterator[ModeChanged]:
        place, phase = self.place, self.place.phase
        if phase in {"canary", "promoted"} and place.mode.floor > 0.0:
            if self.judged.capital >= 2.0 * self.needed:  # two bets against the floor, each at half
                yield self._change("returned", place.champion, "below the floor", seen, self.judged)
            if self.estimated.capital >= 2.0 * self.needed:
                yield self._change("returned", place.champion, "below the floor, as estimated", seen, self.estimated)
        for arm, evidence in self.evidence.items():
            if phase == "canary" and evidence.lost.capital >= self.needed:
                yield self._change("returned", arm, "lost", seen, evidence.lost)
            if phase == "promoted" and arm == place.champion and evidence.lost.capital >= self.needed:
                yield self._change("returned", arm, "lost", seen, evidence.lost)
        after: dict[Phase, Phase] = {"observe": "observe", "canary": "promoted", "returned": "canary"}
        for arm, evidence in self.evidence.items():
            if phase in after and arm not in self.named and evidence.won.capital >= self.needed:
                yield self._change(after[phase], arm, "won", seen, evidence.won)

    def _change(self, to: Phase, arm: str, why: WhyChanged, seen: int, bet: Bet) -> ModeChanged:
        return ModeChanged(
            task=self.task,
            number=self.place.number + 1,
            to=to,
            arm=arm,
            why=why,
            seen=seen,
            pairs=bet.count,
            mean=bet.mean,
            evidence=bet.capital,
            needed=self.needed,
        )


class Standings:
    """Every task's standing, as of one seq; only `fold` changes it. Tasks without a stated mode have none."""

    def __init__(self) -> None:
        self.seq = 0
        self.tasks: dict[str, Standing] = {}
        self.unexplained: list[int] = []  # seq of changes that are not what the evidence gives here
        self._sampled: OrderedDict[_Key, Spoken] = OrderedDict()  # requests that somebody is asked beside
        self._pairs: OrderedDict[_Key, _Pair] = OrderedDict()
        self._shadows: OrderedDict[_Key, _Key] = OrderedDict()  # shadow -> the request it shadows
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()

    def place(self, task: str) -> Place | None:
        """By what the task's requests are assigned; None where the market answers as ever."""
        known = self.tasks.get(task)
        return known.place if known is not None and known.place.mode.incumbent else None

    def due(self) -> list[ModeChanged]:
        """The changes that the evidence decided and that nobody recorded yet."""
        return [one.due for one in self.tasks.values() if one.due is not None]

    def fold(self, events: Iterable[Event]) -> None:
        """Take in events in the order of their seq; one seen before is passed over."""
        for event in events:
            if event.seq <= self.seq:
                continue
            self.seq = event.seq
            payload, key = event.payload, (event.tenant, event.request_id)
            if isinstance(payload, ModeStated):
                self._state(payload)
            elif isinstance(payload, ModeChanged):
                self._change(payload)
            elif isinstance(payload, RequestOpened):
                if payload.assignment is not None:
                    self._open(key, payload.task, payload.assignment)
            elif isinstance(payload, PairMade) and payload.whole:
                said = self._sampled.pop(key, None) or Spoken()
                _keep(self._pairs, key, _Pair(payload, said))
                _keep(self._shadows, (event.tenant, payload.shadow), key)
                self._weigh(key)
            elif isinstance(payload, OutcomeSettled):
                self._settle(key, payload)
            elif isinstance(payload, FeedbackGiven):
                self._hear(key, payload)

    def _change(self, change: ModeChanged) -> None:
        standing = self.tasks.get(change.task)
        if standing is None or change.number != standing.place.number + 1:
            return  # another process recorded it, too
        if change != standing.due:
            self.unexplained.append(self.seq)
        standing.change(change)

    def _state(self, stated: ModeStated) -> None:
        known = self.tasks.get(stated.task)
        if stated.number != (known.place.number if known is not None else 0) + 1:
            return  # another process stated its own at the same time, and came first
        place = Place(mode=stated.mode, number=stated.number, phase=first_phase(stated.mode))
        self.tasks[stated.task] = Standing(stated.task, place)

    def _open(self, key: _Key, task: str, assignment: Assignment) -> None:
        if assignment.shadows:
            return
        if assignment.other:
            _keep(self._sampled, key, Spoken())
        standing = self.tasks.get(task)
        if standing is not None and assignment.arm != standing.place.mode.incumbent:
            _keep(self._answers, key, _Answer(task, assignment.number))

    def _settle(self, key: _Key, settled: OutcomeSettled) -> None:
        answer = self._answers.get(key)
        standing = self._current(answer)
        if answer is None or standing is None:
            return
        right = settled.probability if settled.status == "answered" else 0.0
        standing.estimated.add(standing.place.mode.floor - right)
        standing.decide(self.seq)

    def _hear(self, key: _Key, given: FeedbackGiven) -> None:
        if (answer := self._answers.get(key)) is not None:
            answer.said.hear(given)
            self._judge(answer)
        if (waiting := self._sampled.get(key)) is not None:
            waiting.hear(given)
        about = self._shadows.get(key, key)
        if (pair := self._pairs.get(about)) is not None:
            (pair.caller if about == key else pair.beside).hear(given)
            self._weigh(about)

    def _judge(self, answer: _Answer) -> None:
        """Somebody said how right a challenger's answer was that a caller got."""
        standing = self._current(answer)
        if standing is None or answer.said.value is None:
            return
        floor = standing.place.mode.floor
        if answer.counted is not None:
            standing.judged.add(floor - answer.counted, times=-1)
        standing.judged.add(floor - answer.said.value)
        answer.counted = answer.said.value
        standing.decide(self.seq)

    def _weigh(self, key: _Key) -> None:
        """A pair is new, or something more is known of it: it counts as long as its mode's state lasts."""
        pair = self._pairs[key]
        standing = self.tasks.get(pair.made.task)
        if standing is None or pair.made.number != standing.place.number:
            return
        mode = standing.place.mode
        arm = pair.made.beside.arm if pair.made.caller.arm == mode.incumbent else pair.made.caller.arm
        evidence = standing.evidence.get(arm)
        if evidence is None:
            return
        counted = gains(pair.made, mode, judged(pair.made, mode.incumbent, pair.caller, pair.beside))
        evidence.replace(pair.counted, counted)
        pair.counted = counted
        standing.decide(self.seq)

    def _current(self, answer: _Answer | None) -> Standing | None:
        standing = self.tasks.get(answer.task) if answer is not None else None
        if answer is None or standing is None or answer.number != standing.place.number:
            return None
        return standing if standing.place.mode.floor > 0.0 else None


def judged(made: PairMade, incumbent: str, caller: Spoken, beside: Spoken) -> Judged:
    """What was said of each side of a pair."""
    if made.caller.arm == incumbent:
        return Judged(incumbent=caller.value, challenger=beside.value)
    return Judged(incumbent=beside.value, challenger=caller.value)


def _rank(source: Source) -> int:
    return PRECEDENCE.index(source)


_Kept = TypeVar("_Kept")


def _keep(among: OrderedDict[_Key, _Kept], key: _Key, one: _Kept) -> None:
    among[key] = one
    if len(among) > _MOST_KEPT:
        among.popitem(last=False)

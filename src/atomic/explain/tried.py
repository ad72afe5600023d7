"""What came of each tactic in one task: tried, won, right, its lift over asking plainly, and its cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event
from atomic.records.lesson import ExampleRetired, LessonsLearned, VariantDecided
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.rules.betting import interval

KINDS = ("request", "finished", "outcome", "lessons", "retired", "decided")
PLAINLY = ("labels", "plain")  # tactics that show nothing but the question
ALPHA = 0.05


_LATEST = 20_000  # judged answers of a bid that its record remembers
_MOST_OPEN = 100_000  # requests that were cancelled stay open for ever: the oldest are forgotten


@dataclass(slots=True)
class Tried:
    """One bid's record in a task. `rights` are how right its answers were, where somebody said so,
    of the latest 20,000.

    Of answers that were bought in view of others nothing is counted as judged: such cases are harder than most.
    """

    tried: int = 0
    won: int = 0
    failed: int = 0
    cost: int = 0  # nano-USD in all
    rights: dict[tuple[str, str], float] = field(default_factory=dict)  # by tenant and request

    @property
    def right(self) -> float | None:
        """The share right; None where nothing was judged."""
        return sum(self.rights.values()) / len(self.rights) if self.rights else None


@dataclass(frozen=True, slots=True)
class Lift:
    """By how much a bid is right more often than the same bidder asked plainly, with an interval that holds at all
    times together with the chance 0.95, however often one looks."""

    over: str
    mean: float
    low: float
    high: float


@dataclass(slots=True)
class Record:
    """A task's tactics, and what was stopped or retired."""

    bids: dict[str, Tried] = field(default_factory=lambda: defaultdict(Tried))
    stopped: list[VariantDecided] = field(default_factory=list)
    retired: list[ExampleRetired] = field(default_factory=list)

    def lift(self, key: str) -> Lift | None:
        """Over the same bidder asked plainly; None where it is that itself, or one of them was never judged.

        Each mean lies in its interval (bets, Waudby-Smith and Ramdas 2024) at half of alpha; their difference lies
        between the ends. The two were not asked the same questions, so this compares means.
        """
        bidder, _, tactic = key.rpartition("+")
        over = next((one for one in (f"{bidder}+{name}" for name in PLAINLY) if one in self.bids), "")
        if not over or tactic in PLAINLY:
            return None
        own, plain = list(self.bids[key].rights.values()), list(self.bids[over].rights.values())  # others add to them
        if not own or not plain:
            return None
        mine = interval([(one, 1.0) for one in own], 0.0, 1.0, ALPHA / 2)
        theirs = interval([(one, 1.0) for one in plain], 0.0, 1.0, ALPHA / 2)
        mean = sum(own) / len(own) - sum(plain) / len(plain)
        return Lift(over, mean, mine[0] - theirs[1], mine[1] - theirs[0])


class Tactics:
    """The records of all tasks: a fold of the ledger, of which events of `KINDS` are enough."""

    def __init__(self) -> None:
        self._of: dict[str, Record] = defaultdict(Record)
        self._asked: dict[tuple[str, str], str] = {}  # tasks of requests that are open

    def of(self, task: str) -> Record:
        """A task's record."""
        return self._of[task] if task in self._of else Record()

    def fold(self, events: Iterable[Event]) -> None:
        """Take in events in the order of the ledger, each once."""
        for event in events:
            name, payload = (event.tenant, event.request_id), event.payload
            if isinstance(payload, RequestOpened):
                self._asked[name] = payload.task
                if len(self._asked) > _MOST_OPEN:
                    del self._asked[next(iter(self._asked))]
            elif isinstance(payload, AttemptFinished) and name in self._asked and not payload.recalled:
                one = self._of[self._asked[name]].bids[payload.key]
                one.tried += 1
                one.failed += payload.reason is not None
                one.cost += payload.price
            elif isinstance(payload, OutcomeSettled):
                self._asked.pop(name, None)
                if payload.winner:
                    self._of[payload.task].bids[payload.winner].won += 1
            elif isinstance(payload, LessonsLearned) and payload.source != "agreement":
                _judged(self._of[payload.task], name, payload)
            elif isinstance(payload, VariantDecided):
                self._of[payload.task].stopped.append(payload)
            elif isinstance(payload, ExampleRetired):
                self._of[payload.task].retired.append(payload)


def record_of(events: Iterable[Event], task: str) -> Record:
    """The record of a task's tactics in a ledger's events, of which those of `KINDS` are enough.

    >>> record_of([], "spam").bids
    defaultdict(<class 'atomic.explain.tried.Tried'>, {})
    """
    found = Tactics()
    found.fold(events)
    return found.of(task)


def _judged(found: Record, name: tuple[str, str], learned: LessonsLearned) -> None:
    for lesson in learned.lessons:
        if lesson.kind != "right" or lesson.selected:
            continue
        rights = found.bids[lesson.key].rights
        if lesson.weight > 0.0:
            rights.pop(name, None)
            rights[name] = lesson.target
            if len(rights) > _LATEST:
                del rights[next(iter(rights))]
        elif rights.get(name) == lesson.target:  # taken back
            del rights[name]

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


@dataclass(slots=True)
class Tried:
    """One bid's record in a task. `judged` are how right its answers were, where somebody said so.

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
        own, plain = self.bids[key].rights.values(), self.bids[over].rights.values()
        if not own or not plain:
            return None
        mine = interval([(one, 1.0) for one in own], 0.0, 1.0, ALPHA / 2)
        theirs = interval([(one, 1.0) for one in plain], 0.0, 1.0, ALPHA / 2)
        mean = sum(own) / len(own) - sum(plain) / len(plain)
        return Lift(over, mean, mine[0] - theirs[1], mine[1] - theirs[0])


def record_of(events: Iterable[Event], task: str) -> Record:
    """The record of a task's tactics in a ledger's events, of which those of `KINDS` are enough.

    >>> record_of([], "spam").bids
    defaultdict(<class 'atomic.explain.tried.Tried'>, {})
    """
    found, asked = Record(), set[tuple[str, str]]()
    for event in events:
        name, payload = (event.tenant, event.request_id), event.payload
        if isinstance(payload, RequestOpened) and payload.task == task:
            asked.add(name)
        elif isinstance(payload, AttemptFinished) and name in asked and not payload.recalled:
            one = found.bids[payload.key]
            one.tried += 1
            one.failed += payload.reason is not None
            one.cost += payload.price
        elif isinstance(payload, OutcomeSettled) and name in asked and payload.winner:
            found.bids[payload.winner].won += 1
        elif isinstance(payload, LessonsLearned) and payload.task == task and payload.source != "agreement":
            _judged(found, name, payload)
        elif isinstance(payload, VariantDecided) and payload.task == task:
            found.stopped.append(payload)
        elif isinstance(payload, ExampleRetired) and payload.task == task:
            found.retired.append(payload)
    return found


def _judged(found: Record, name: tuple[str, str], learned: LessonsLearned) -> None:
    for lesson in learned.lessons:
        if lesson.kind != "right" or lesson.selected:
            continue
        rights = found.bids[lesson.key].rights
        if lesson.weight > 0.0:
            rights.pop(name, None)
            rights[name] = lesson.target
        elif rights.get(name) == lesson.target:  # taken back
            del rights[name]

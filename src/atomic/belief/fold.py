"""Beliefs: a fold of the ledger. The same events in the same order give the same beliefs, bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from atomic.belief.agreement import Pair, pair
from atomic.belief.arithmetic import logit
from atomic.belief.calibration import Calibrator, teach
from atomic.belief.credit import Credit
from atomic.belief.drift import Tokens, ratio
from atomic.belief.hearing import Hearing
from atomic.belief.lineups import Lineups
from atomic.belief.paces import Paces
from atomic.belief.queueing import Queueing
from atomic.belief.rights import Rights, is_of
from atomic.belief.service import Health, Latency, Price
from atomic.belief.tasks import TaskBeliefs
from atomic.belief.variants import Variants
from atomic.protocols import Profile
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Award, Table
from atomic.records.bid import Evidence
from atomic.records.canonical import content_id, sorted_json
from atomic.records.erasure import BodiesErased
from atomic.records.event import Event
from atomic.records.lesson import BidderChanged, FeedbackGiven, Lesson, LessonsLearned, VariantDecided
from atomic.records.request import RequestOpened
from atomic.records.responses import ModelFitted

_SETTLE_MEANS, _SETTLE_VARIANCES = (0.0, 1.0), (0.05, 0.05)
_DIFFER_MEANS, _DIFFER_VARIANCES = (0.0, 0.5), (1.0, 0.25)  # claims of two that differ are half believed at first
_MOST_ANSWERS = 5  # states with more answers share one calibration
_MOST_OPEN = 100_000  # requests that were cancelled stay open for ever: the oldest are forgotten
_TABLE_GROWTH = 1.05  # a task's table is drawn up again when its evidence has grown by this much,
_MODEL_GROWTH = 1.25  # or, with a response model in it, which makes it large, by this much


class Beliefs:
    """What the market thinks of everybody, as of one seq. Reading never changes it; only `fold` does."""

    def __init__(self) -> None:
        # All of it is named, since a snapshot holds it; nobody else reads it.
        self.seq = 0
        self.tasks: dict[str, TaskBeliefs] = {}
        self.rights = Rights()
        self.variants = Variants()
        self.credit = Credit()
        self.hearing = Hearing()
        self.prices: dict[tuple[str, str], Price] = {}
        self.latencies: dict[tuple[str, str], Latency] = {}
        self.tokens: dict[tuple[str, str], Tokens] = {}
        self.healths: dict[str, Health] = {}
        self.paces = Paces()
        self.lineups = Lineups()
        self.queueing = Queueing()
        self.erased: set[tuple[str, str]] = set()  # (tenant, request id): they teach nothing any more
        self.open_requests: OrderedDict[tuple[str, str], str] = (
            OrderedDict()
        )  # of (tenant, request id), while it is open

    # --- folding -------------------------------------------------------------------------------

    def fold(self, events: Sequence[Event]) -> None:
        """Take in events in the order of their seq; one seen before is passed over."""
        for event in events:
            if event.seq <= self.seq:
                continue
            self.seq = event.seq
            self.paces.fold(event)
            name = (event.tenant, event.request_id)
            if isinstance(event.payload, BodiesErased):
                self.erased.update(event.payload.requests)
                for one in event.payload.requests:
                    self.lineups.forget(one)
            elif name in self.erased:
                self.open_requests.pop(name, None)
                self.queueing.closed(name)
                continue
            self._fold(event, name)
            self.lineups.fold(event)
            silent = self.hearing.fold(event)
            if silent is not None:
                self.rights.silent(silent, self.hearing.rates(silent.task), event.time_ns)

    def _fold(self, event: Event, name: tuple[str, str]) -> None:
        payload = event.payload
        if isinstance(payload, LessonsLearned):
            self._learn(payload, name, event.seq, event.time_ns)
        elif isinstance(payload, ModelFitted):
            self._fitted(payload)
        elif isinstance(payload, AttemptFinished):
            self._finished(payload, self.open_requests.get(name, ""), event)
        elif isinstance(payload, Award):
            self.queueing.decided(name, payload.capacity)
        elif isinstance(payload, RequestOpened):
            self.open_requests[name] = payload.task
            if len(self.open_requests) > _MOST_OPEN:
                self.open_requests.popitem(last=False)
        elif isinstance(payload, FeedbackGiven):
            self.credit.spoke(payload)
        elif event.kind == "outcome":
            self.open_requests.pop(name, None)
            self.queueing.closed(name)

    def become(self, other: Beliefs) -> None:
        """Hold what another holds, which must not be used after that."""
        vars(self).update(vars(other))

    def _finished(self, done: AttemptFinished, task: str, event: Event) -> None:
        if done.recalled:
            return  # it was made, and taken in, for another request
        self.healths.setdefault(done.bidder, Health()).add(done.reason, event.time_ns)
        self.queueing.ended((event.tenant, event.request_id), done.bidder, done.latency_ns)
        if done.latency_ns > 0:
            for level in {task, ""}:
                self.latencies.setdefault((done.key, level), Latency()).add(done.latency_ns)
        self.prices.setdefault((done.key, task), Price()).add(done.price, done.expected_price)
        if done.model and self.rights.named(done.bidder, done.model):
            self._changed(BidderChanged(key=done.bidder, why="model", cause=event.seq, detail=done.model))
        written = done.usage.completion_tokens
        if written > 0 and self.tokens.setdefault((done.key, task), Tokens()).add(written):
            self._changed(BidderChanged(key=done.key, why="tokens", cause=event.seq))

    def _learn(self, learned: LessonsLearned, name: tuple[str, str], seq: int, time_ns: int) -> None:
        task = self.tasks.get(learned.task)
        if task is None or task.alternatives != learned.alternatives:
            task = self.tasks[learned.task] = TaskBeliefs(learned.alternatives)
        apart: dict[str, list[float]] = {}
        fair = self.lineups.fair(learned.task, name)
        for lesson, replaced in _paired(learned.lessons):
            if lesson.kind == "agree":
                self._agreed(task, lesson, apart if fair is None or lesson.key == pair(*fair) else {})
            elif lesson.kind == "differ":
                calibrator = task.differing.setdefault(lesson.key, Calibrator(_DIFFER_MEANS, _DIFFER_VARIANCES))
                teach(calibrator, (1.0, lesson.features[0]), lesson, replaced)
                task.lessons += 1
            elif lesson.kind == "settle":
                answers = min(_MOST_ANSWERS, int(lesson.features[0]))
                calibrator = task.settling.setdefault(answers, Calibrator(_SETTLE_MEANS, _SETTLE_VARIANCES))
                teach(calibrator, (1.0, logit(lesson.features[1])), lesson, replaced)
                task.lessons += 1
            elif lesson.kind == "source":
                self.credit.compared(lesson, time_ns, seq)
            elif why := self.rights.learn(lesson, replaced, learned, seq, time_ns):
                self._changed(BidderChanged(key=lesson.key, why=why, cause=seq))
            if lesson.kind == "right" and replaced is None and learned.source != "agreement":
                self.variants.learn(lesson, learned.task, seq)
        watches = [(key, self.rights.watch(key), found) for key, found in apart.items()]
        for key in [key for key, one, found in watches if one.disagreement(sum(found), len(found))]:
            self._changed(BidderChanged(key=key, why="apart", cause=seq))
            for _, one, _ in watches:  # who disagrees with somebody that changed need not have changed
                one.apart = 0.0
        growth = _TABLE_GROWTH if task.model is None else _MODEL_GROWTH
        if task.lessons > growth * task.drawn_at + 4:
            task.draw(task.drawn())

    def _fitted(self, fitted: ModelFitted) -> None:
        """From here on the task's table holds this model, and what calibrated the posterior before does not."""
        task = self.tasks.get(fitted.task)
        if task is None or task.alternatives != fitted.alternatives:
            task = self.tasks[fitted.task] = TaskBeliefs(fitted.alternatives)
        before, task.model, task.apart = (task.model, task.apart), fitted.model, fitted.apart
        if (task.model, task.apart) != (None, False) or before != (None, False):
            task.settling = {
                count: Calibrator((intercept, slope), _SETTLE_VARIANCES) for count, intercept, slope in fitted.settling
            }
        task.draw(task.drawn())

    def _agreed(self, task: TaskBeliefs, lesson: Lesson, apart: dict[str, list[float]]) -> None:
        """Two answered: how they did beside how such pairs do is evidence of copying, beside how they did of change."""
        both = task.pairs.get(lesson.key)
        if both is None:
            both = task.pairs[lesson.key] = Pair()
        usual = both.usual
        if usual is not None:
            chance = 1.0 / task.alternatives if task.alternatives > 1 else 0.0
            found = ratio(lesson.target, usual, min(usual, 0.5 * (usual + chance)))
            for key in lesson.key.split("|", 1):
                apart.setdefault(key, []).append(found)
        both.add(lesson.target, lesson.features[0])
        task.lessons += 1

    def _changed(self, change: BidderChanged) -> None:
        self.rights.changed(change)
        if change.why == "model":
            self.variants.changed(change.key)
        if change.why in {"fell", "apart", "model"}:  # the others are seen more often, and fitting follows them
            self.lineups.changed(change.key)  # until another model is fitted, it is a stranger to the one there is
        for task in self.tasks.values():
            for key in task.pairs.keys() | task.differing.keys():
                if any(is_of(one, change.key) for one in key.split("|", 1)):
                    task.differing.pop(key, None)
                    if key in task.pairs:
                        task.pairs[key].widen()

    def shown_by(self, first: int, last: int) -> list[BidderChanged | VariantDecided]:
        """What the events of these seqs showed to have changed or decided, told once."""
        return [*self.rights.shown_by(first, last), *self.variants.shown_by(first, last)]

    # --- reading -------------------------------------------------------------------------------

    def evidence(
        self, key: str, task: str, domain: str, alternatives: int, profile: Profile, version: str = ""
    ) -> Evidence:
        """Where an estimate of this bid's quality comes from."""
        return self.rights.evidence(key, task, domain, alternatives, profile, version)

    def right(
        self, key: str, task: str, seen: Evidence, claim: float | None, *, answered: bool = False
    ) -> tuple[float, float]:
        """Expected probability of being right and its spread.

        No lower than a guess would do, since who is wrong more often than that has been seen too little. `claim` is
        the bidder's own opinion, before (`answered=False`) or with its answer; calibrated by what
        earlier claims of the same bid in the same task came to.
        """
        return self.rights.right(key, task, seen, claim, answered)

    def price(self, key: str, task: str, offered: int) -> int:
        """Expected billed price in nano-USD of an attempt offered at this price."""
        known = self.prices.get((key, task))
        return offered if known is None else known.correct(offered)

    def latency(self, key: str, task: str, hint_ns: int | None) -> tuple[int, int]:
        """Mean and nine-in-ten duration in nanoseconds; from other tasks where this one has none."""
        known = self.latencies.get((key, task)) or self.latencies.get((key, "")) or _NO_LATENCY
        return known.expect(hint_ns)

    def has_latency(self, key: str, task: str) -> bool:
        """Whether any attempt of this bid was seen, in this task or another."""
        return (key, task) in self.latencies or (key, "") in self.latencies

    def health(self, bidder: str) -> Health:
        """Whether a bidder is left out, and until when."""
        return self.healths.get(bidder) or _HEALTHY

    def table(self, task: str, alternatives: int) -> tuple[Table, str, bytes]:
        """What is believed of agreement in a task: the table, its content id and its bytes."""
        known = self.tasks.get(task)
        if known is None or known.table.alternatives != alternatives:
            known = TaskBeliefs(alternatives)
        return known.table, known.table_id, known.table_bytes

    def digest(self) -> str:
        """A SHA-256 (hex) over everything believed: equal digests mean equal beliefs, bit for bit."""
        state = {
            "seq": self.seq,
            "open": [[*key, task] for key, task in sorted(self.open_requests.items())],
            **({"paces": self.paces.state()} if self.paces.known else {}),
            **({"lineups": self.lineups.state()} if self.lineups.tasks else {}),
            **({"queueing": self.queueing.state()} if self.queueing.slopes else {}),
            "prices": [[*key, one.billed, one.expected, one.count] for key, one in sorted(self.prices.items())],
            "latencies": [[*key, list(one.window)] for key, one in sorted(self.latencies.items())],
            "health": [
                [key, one.failures, one.paused_at, one.paused_until] for key, one in sorted(self.healths.items())
            ],
            "tasks": [
                [
                    key,
                    one.lessons,
                    one.drawn_at,
                    one.table_id,
                    [[name, *seen.state()] for name, seen in sorted(one.pairs.items())],
                    *(
                        [[[name, *seen.state()] for name, seen in sorted(one.differing.items())]]
                        if one.differing
                        else []
                    ),
                    [[n, *seen.state()] for n, seen in sorted(one.settling.items())],
                ]
                for key, one in sorted(self.tasks.items())
            ],
            "tokens": [[*key, *one.state()] for key, one in sorted(self.tokens.items())],
            **self.rights.state(),
            **self.variants.state(),
            **self.credit.state(),
            **self.hearing.state(),
        }
        return content_id(sorted_json(state))


def _paired(lessons: Sequence[Lesson]) -> list[tuple[Lesson, Lesson | None]]:
    """Lessons in order, each with the one it replaces: taken back in the same breath, of the same kind and case."""
    taken: dict[tuple[str, str, tuple[float, ...]], list[Lesson]] = {}
    for one in lessons:
        if one.weight < 0.0:
            taken.setdefault((one.kind, one.key, one.features), []).append(one)
    if not taken:
        return [(one, None) for one in lessons]
    given: list[tuple[Lesson, Lesson | None]] = []
    for one in lessons:
        if one.weight >= 0.0:
            same = taken.get((one.kind, one.key, one.features))
            given.append((one, same.pop(0) if same else None))
    return [(one, None) for left in taken.values() for one in left] + given


_NO_LATENCY = Latency()
_HEALTHY = Health()

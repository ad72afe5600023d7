"""Beliefs: a fold of the ledger. The same events in the same order give the same beliefs, bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from atomic.belief.agreement import Pair, copying_prior
from atomic.belief.arithmetic import logit
from atomic.belief.calibration import Calibrator
from atomic.belief.counts import Count, evidence, shrunk
from atomic.belief.service import Health, Latency, Price
from atomic.protocols import Profile
from atomic.records.attempt import AttemptFinished
from atomic.records.award import Table
from atomic.records.bid import Evidence
from atomic.records.canonical import content_id, sorted_json
from atomic.records.erasure import BodiesErased
from atomic.records.event import Event, encode
from atomic.records.lesson import Lesson, LessonsLearned
from atomic.records.request import RequestOpened

# A claim starts out half believed beside the record of who makes it; lessons move that quickly.
_CLAIM_MEANS, _CLAIM_VARIANCES = (0.0, 0.5, 0.5), (0.25, 0.15, 0.15)
_SETTLE_MEANS, _SETTLE_VARIANCES = (0.0, 1.0), (0.05, 0.05)
_MOST_ANSWERS = 5  # states with more answers share one calibration
_MOST_OPEN = 100_000  # requests that were cancelled stay open for ever: the oldest are forgotten
_TABLE_GROWTH = 1.05  # a task's table is drawn up again when its evidence has grown by this much


class TaskBeliefs:
    """What is believed of agreement in one task."""

    __slots__ = ("alternatives", "drawn_at", "lessons", "pairs", "settling", "table", "table_bytes", "table_id")

    def __init__(self, alternatives: int) -> None:
        self.alternatives = alternatives
        self.pairs: dict[str, Pair] = {}
        self.settling: dict[int, Calibrator] = {}
        self.lessons = 0
        self.drawn_at = 0
        self.draw(Table(alternatives=alternatives))

    def draw(self, table: Table) -> None:
        self.table = table
        self.table_bytes = encode(table)
        self.table_id = content_id(self.table_bytes)
        self.drawn_at = self.lessons


class Beliefs:
    """What the market thinks of everybody, as of one seq. Reading never changes it; only `fold` does."""

    def __init__(self) -> None:
        # All of it is named, since a snapshot holds it; nobody else reads it.
        self.seq = 0
        self.tasks: dict[str, TaskBeliefs] = {}
        self.counts: dict[tuple[str, str], Count] = {}  # (bid key, "task:..." or "domain:...")
        self.claims: dict[tuple[str, str, str], Calibrator] = {}  # (bid key, task, "right" or "answer")
        self.prices: dict[tuple[str, str], Price] = {}
        self.latencies: dict[tuple[str, str], Latency] = {}
        self.healths: dict[str, Health] = {}
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
            payload = event.payload
            if isinstance(payload, BodiesErased):
                self.erased.update(payload.requests)
            elif self.erased and (event.tenant, event.request_id) in self.erased:
                self.open_requests.pop((event.tenant, event.request_id), None)
            elif isinstance(payload, LessonsLearned):
                self._learn(payload, event.seq, event.time_ns)
            elif isinstance(payload, AttemptFinished):
                self._finished(payload, self.open_requests.get((event.tenant, event.request_id), ""), event.time_ns)
            elif isinstance(payload, RequestOpened):
                self.open_requests[event.tenant, event.request_id] = payload.task
                if len(self.open_requests) > _MOST_OPEN:
                    self.open_requests.popitem(last=False)
            elif event.kind == "outcome":
                self.open_requests.pop((event.tenant, event.request_id), None)

    def become(self, other: Beliefs) -> None:
        """Hold what another holds, which must not be used after that."""
        vars(self).update(vars(other))

    def _finished(self, done: AttemptFinished, task: str, time_ns: int) -> None:
        self.healths.setdefault(done.bidder, Health()).add(done.reason, time_ns)
        if done.latency_ns > 0:
            for level in {task, ""}:
                self.latencies.setdefault((done.key, level), Latency()).add(done.latency_ns)
        self.prices.setdefault((done.key, task), Price()).add(done.price, done.expected_price)

    def _learn(self, learned: LessonsLearned, seq: int, time_ns: int) -> None:
        task = self.tasks.get(learned.task)
        if task is None or task.alternatives != learned.alternatives:
            task = self.tasks[learned.task] = TaskBeliefs(learned.alternatives)
        for lesson, replaced in _paired(learned.lessons):
            if lesson.kind == "agree":
                task.pairs.setdefault(lesson.key, Pair()).add(lesson.target, lesson.features[0])
                task.lessons += 1
            elif lesson.kind == "settle":
                answers = min(_MOST_ANSWERS, int(lesson.features[0]))
                calibrator = task.settling.setdefault(answers, Calibrator(_SETTLE_MEANS, _SETTLE_VARIANCES))
                _teach(calibrator, (1.0, logit(lesson.features[1])), lesson, replaced)
                task.lessons += 1
            else:
                self._learn_right(lesson, replaced, learned, seq, time_ns)
        if task.lessons > _TABLE_GROWTH * task.drawn_at + 4:
            task.draw(
                Table(
                    alternatives=task.alternatives,
                    copying=tuple(
                        (key, seen.copying(copying_prior(*key.split("|", 1))))
                        for key, seen in sorted(task.pairs.items())
                    ),
                    settling=tuple((n, one.mean[0], one.mean[1]) for n, one in sorted(task.settling.items())),
                )
            )

    def _learn_right(
        self, lesson: Lesson, replaced: Lesson | None, learned: LessonsLearned, seq: int, time_ns: int
    ) -> None:
        if lesson.kind == "right":
            for level in (f"task:{learned.task}", f"domain:{learned.domain}/{learned.alternatives}"):
                count = self.counts.setdefault((lesson.key, level), Count())
                if replaced is not None:
                    count.add(replaced.target, replaced.weight, time_ns, seq)
                count.add(lesson.target, lesson.weight, time_ns, seq)
        if len(lesson.features) == 2:
            mean, claim = lesson.features
            calibrator = self.claims.setdefault(
                (lesson.key, learned.task, lesson.kind), Calibrator(_CLAIM_MEANS, _CLAIM_VARIANCES)
            )
            _teach(calibrator, (1.0, logit(mean), logit(claim)), lesson, replaced)

    # --- reading -------------------------------------------------------------------------------

    def evidence(self, key: str, task: str, domain: str, alternatives: int, profile: Profile) -> Evidence:
        """Where an estimate of this bid's quality comes from."""
        wide = self.counts.get((key, f"domain:{domain}/{alternatives}"))
        narrow = self.counts.get((key, f"task:{task}"))
        return evidence(profile.right, profile.prior_weight, alternatives, wide, narrow)

    def right(
        self, key: str, task: str, seen: Evidence, claim: float | None, *, answered: bool = False
    ) -> tuple[float, float]:
        """Expected probability of being right and its spread.

        No lower than a guess would do, since who is wrong more often than that has been seen too little. `claim` is
        the bidder's own opinion, before (`answered=False`) or with its answer; calibrated by what
        earlier claims of the same bid in the same task came to.
        """
        mean, spread = shrunk(seen)
        if claim is None:
            return max(seen.chance, mean), spread
        calibrator = self.claims.get((key, task, "answer" if answered else "right"))
        if calibrator is None:
            calibrator = _FRESH_CLAIM
        probability, spread = calibrator.predict((1.0, logit(mean), logit(claim)))
        return max(seen.chance, probability), spread

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
            "right": [[*key, *one.state()] for key, one in sorted(self.counts.items())],
            "claims": [[*key, *one.state()] for key, one in sorted(self.claims.items())],
            "prices": [[*key, one.billed, one.expected] for key, one in sorted(self.prices.items())],
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
                    [[name, seen.excess, seen.room] for name, seen in sorted(one.pairs.items())],
                    [[n, *seen.state()] for n, seen in sorted(one.settling.items())],
                ]
                for key, one in sorted(self.tasks.items())
            ],
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


def _teach(calibrator: Calibrator, x: Sequence[float], lesson: Lesson, replaced: Lesson | None) -> None:
    if replaced is None:
        calibrator.update(x, lesson.target, lesson.weight)
    else:
        calibrator.correct(x, (replaced.target, -replaced.weight), (lesson.target, lesson.weight))


_FRESH_CLAIM = Calibrator(_CLAIM_MEANS, _CLAIM_VARIANCES)
_NO_LATENCY = Latency()
_HEALTHY = Health()

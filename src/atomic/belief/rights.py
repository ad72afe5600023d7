"""How often bids were right, what their claims are worth, and whether they are still who they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from atomic.belief.arithmetic import logit
from atomic.belief.calibration import Calibrator, teach
from atomic.belief.counts import Count, evidence, levels, shrunk
from atomic.belief.drift import KEPT, Watch, Why, renamed
from atomic.belief.hearing import Spoken, silence
from atomic.protocols import Profile
from atomic.records.bid import Evidence
from atomic.records.lesson import BidderChanged, Lesson, LessonsLearned

# A claim starts out half believed beside the record of who makes it; lessons move that quickly.
_CLAIM_MEANS, _CLAIM_VARIANCES = (0.0, 0.5, 0.5), (0.25, 0.15, 0.15)
_MOST = 50_000  # counts kept; then the tenth with the least evidence goes
_MOST_CHANGES = 100


class Rights:
    """What is believed of every bid's being right. All of it is named, since a snapshot holds it."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Count] = {}  # (bid key, level), (family, "family:...")
        self.claims: dict[tuple[str, str, str], Calibrator] = {}  # (bid key, task, "right" or "answer")
        self.watches: dict[str, Watch] = {}  # by bid key
        self.models: dict[str, tuple[str, ...]] = {}  # by bidder: what its model said it was called
        self.changes: deque[BidderChanged] = deque(maxlen=_MOST_CHANGES)  # to be written down; no belief

    # --- folding -------------------------------------------------------------------------------

    def learn(
        self, lesson: Lesson, replaced: Lesson | None, learned: LessonsLearned, seq: int, time_ns: int
    ) -> Why | None:
        """Take in a lesson of kind "right" or "answer"; says whether it shows that the bid has changed."""
        why = None
        if lesson.kind == "right" and learned.source == "agreement":  # inferred, no label: never among them
            self._count(lesson.key, f"agreed:{learned.task}").add(lesson.target, lesson.weight, time_ns, seq)
            return None
        elif lesson.kind == "right":
            why = self._outcome(lesson, replaced, learned, seq, time_ns)
        if len(lesson.features) == 2:
            mean, claim = lesson.features
            name = (lesson.key, learned.task, lesson.kind)
            calibrator = self.claims.get(name)
            if calibrator is None:
                calibrator = self.claims[name] = Calibrator(_CLAIM_MEANS, _CLAIM_VARIANCES)
            teach(calibrator, (1.0, logit(mean), logit(claim)), lesson, replaced)
        return why

    def _outcome(
        self, lesson: Lesson, replaced: Lesson | None, learned: LessonsLearned, seq: int, time_ns: int
    ) -> Why | None:
        names = levels(learned.task, learned.domain, learned.alternatives, learned.task_version)
        counts = [self._count(lesson.key, name) for name in names]
        why = None
        if lesson.selected:  # such cases are harder, so they are held against each other
            counts.append(self._count(lesson.key, f"selected:{learned.task}"))
        if replaced is None and lesson.weight > 0.0:
            narrow = counts[-1]  # in another version or domain it may well do otherwise
            if narrow.total > 0.0:
                chance = 1.0 / learned.alternatives if learned.alternatives > 1 else 0.0
                believed = narrow.right / narrow.total
                # Of words that come by themselves, and mostly of one kind, a few in a row say nothing of the others.
                fair = alone(learned) >= lesson.weight
                watch = self.watch(lesson.key)
                why = watch.outcome(lesson.target, believed, narrow.total, chance, lesson.weight, fair=fair)
        if lesson.family:
            counts.append(self._count(lesson.family, f"family:{learned.domain}/{learned.alternatives}"))
        for count in counts:
            if replaced is not None:
                count.add(replaced.target, replaced.weight, time_ns, seq)
            count.add(lesson.target, lesson.weight, time_ns, seq)
        return why

    def silent(self, spoken: Spoken, rates: tuple[float, float], time_ns: int) -> None:
        """Nobody spoke of an outcome, where wrong and right ones are spoken of so often: see `belief.hearing`."""
        target, weight = silence(spoken.probability, *rates)
        if weight <= 0.0:
            return
        names = levels(spoken.task, spoken.domain, spoken.alternatives, spoken.version)
        for key, group in spoken.answers:
            if group == spoken.group or target == 1.0 or spoken.alternatives == 2:
                right = target if group == spoken.group else 1.0 - target
                for name in names:
                    self._count(key, name).add(right, weight, time_ns, 0)

    def named(self, bidder: str, model: str) -> bool:
        """A bidder's model said what it is called; whether it is another than before."""
        names = self.models.get(bidder, ())
        if names and names[-1] == model:
            return False
        self.models[bidder], fresh = renamed(names, model)
        return fresh

    def watch(self, key: str) -> Watch:
        """The watch over a bid."""
        known = self.watches.get(key)
        if known is None:
            known = self.watches[key] = Watch()
        return known

    def changed(self, change: BidderChanged) -> None:
        """A bid, or with a bare name every bid of a bidder, is another than before: its evidence counts for little, and
        says what was seen since it changed, where that is known."""
        since = self.watch(change.key).since(change.why)
        keys = {key for key, _ in self.counts if is_of(key, change.key)} | {change.key}
        for (key, _), count in self.counts.items():
            if key in keys:
                count.widen(KEPT, *since)
        for name in [name for name in self.claims if name[0] in keys]:
            del self.claims[name]
        for key in keys:
            watch = self.watch(key)
            # What is fitted to line-ups keeps what such bids answered before, so to a model they are no strangers.
            watch.begin_again(watch.changed if change.why in {"tokens", "rose"} else change.cause)
        self.changes.append(change)

    def shown_by(self, first: int, last: int) -> list[BidderChanged]:
        """What the events of these seqs showed to have changed, told once."""
        found = [one for one in self.changes if first <= one.cause <= last]
        for one in found:
            self.changes.remove(one)
        return found

    def _count(self, key: str, level: str) -> Count:
        known = self.counts.get((key, level))
        if known is None:
            if len(self.counts) >= _MOST:
                for name in sorted(self.counts, key=lambda one: (self.counts[one].total, one))[: _MOST // 10]:
                    del self.counts[name]
            known = self.counts[key, level] = Count()
        return known

    # --- reading -------------------------------------------------------------------------------

    def evidence(self, key: str, task: str, domain: str, alternatives: int, profile: Profile, version: str) -> Evidence:
        """Where an estimate of this bid's quality comes from."""
        known, family, watch = self.counts, profile.family, self.watches.get(key)
        return evidence(
            profile,
            alternatives,
            [known.get((key, name)) for name in levels(task, domain, alternatives, version)],
            version=version,
            family=known.get((family, f"family:{domain}/{alternatives}")) if family else None,
            agreed=known.get((key, f"agreed:{task}")),
            changed=0 if watch is None else watch.changed,
        )

    def right(self, key: str, task: str, seen: Evidence, claim: float | None, answered: bool) -> tuple[float, float]:
        """See `Beliefs.right`."""
        mean, spread = shrunk(seen)
        if claim is None:
            return max(seen.chance, mean), spread
        calibrator = self.claims.get((key, task, "answer" if answered else "right"), _FRESH_CLAIM)
        probability, spread = calibrator.predict((1.0, logit(mean), logit(claim)))
        return max(seen.chance, probability), spread

    def state(self) -> dict[str, list[Sequence[object]]]:
        """Everything it holds, for digests and snapshots."""
        return {
            "right": [[*key, *one.state()] for key, one in sorted(self.counts.items())],
            "claims": [[*key, *one.state()] for key, one in sorted(self.claims.items())],
            "watches": [[key, *one.state()] for key, one in sorted(self.watches.items())],
            "models": [[key, *names] for key, names in sorted(self.models.items())],
        }


def alone(learned: LessonsLearned) -> float:
    """What a word weighs where silence cannot make up for it: as much as for the settling, if it told of that."""
    return min((one.weight for one in learned.lessons if one.kind == "settle" and one.weight > 0.0), default=1.0)


def is_of(key: str, name: str) -> bool:
    """Whether a bid is the one so named, or one of the bidder so named.

    >>> is_of("a+plain", "a"), is_of("a+plain", "a+plain"), is_of("ab+plain", "a")
    (True, True, False)
    """
    return key == name or key.rpartition("+")[0] == name


_FRESH_CLAIM = Calibrator(_CLAIM_MEANS, _CLAIM_VARIANCES)

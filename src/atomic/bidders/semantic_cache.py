"""An answer that was given before to an input like this one, and how probably it is right for *this* input.

That is learned from verified reuse: whenever somebody says what the right answer to an input is, the stored answer that
would have been reused for it is looked up first, and was right or not. Nearness alone is no probability.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace

from atomic.belief.arithmetic import logit
from atomic.belief.calibration import Calibrator
from atomic.belief.examples import ExampleStore
from atomic.output import Refusal, from_json
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Ask, Example
from atomic.records.request import DataLabel

QUICK_NS = 1_000_000  # what it expects of itself before anybody has measured it
_LOOKED_AT = 8
FEWEST = 20  # reuses of a task that were tried, until it bids
_LEAST, _MOST = 0.001, 0.999
# Before anything was seen: a likeness of 0.5 is worth one in four, and 0.9 two in three; other numbers or a denial more
# or less count against it. Lessons move the level quickly, the slope slowly: what is nearer is hardly ever less sure.
_MEANS, _VARIANCES = (-1.0, 0.8, -1.0), (2.0, 0.05, 0.5)
_TELLING = re.compile(r"\d+(?:[.,]\d+)*|\b(?:not?|never|nicht|kein\w*|nie|pas|ne|sin|non)\b|n't\b", re.IGNORECASE)
Shelf = tuple[DataLabel, str]  # data label, version of the task
Task = tuple[str, str, str]  # tenant, name and version


@dataclass(frozen=True, slots=True)
class _Found:
    """A stored answer for an input, how probably it is right, and how alike the inputs are."""

    example: Example
    claim: float


class SemanticCache:
    """Bids the answer stored for the nearest input, at price 0. Tenants, data labels and versions of a task stay apart.

    `off` names the tasks that it stays away from. An answer that is no label is given again only where its input was no
    data of anybody's: what was written for one is not shown to another. It bids once `FEWEST` reuses of the task were
    tried.

    The same examples in the same order give the same cache.
    """

    def __init__(self, name: str = "semantic", *, capacity: int = 5_000, off: Collection[str] = ()) -> None:
        self._profile = Profile(name=name, kind="semantic-cache", right=0.6)
        self._capacity = capacity
        self._off = frozenset(off)
        self._shelves: dict[Shelf, ExampleStore] = {}
        self._learned: dict[Task, tuple[Calibrator, list[int]]] = {}
        self._recent: OrderedDict[tuple[str, str, bytes], _Found | Reason] = OrderedDict()

    @property
    def profile(self) -> Profile:
        """A bidder of this machine that does not speak."""
        return self._profile

    def learn(self, example: Example) -> None:
        """Try what would have been reused for it, if somebody said what is right; then keep its answer."""
        if example.task in self._off:
            return
        self._recent.clear()
        shelf = self._shelves.setdefault((example.label, example.task_version), ExampleStore(capacity=self._capacity))
        verified = example.source != "market"
        if verified and example.probability >= 0.5:
            self._try(shelf, example)
        # A store keeps what was verified alone; here what the market settled is kept, too, for what it is worth.
        shelf.add(example if verified else replace(example, source="settled"))

    def _try(self, shelf: ExampleStore, example: Example) -> None:
        for likeness, stored in shelf.like(example, 1):
            same = canonical_json(stored.answer) == canonical_json(example.answer)
            weight = stored.probability * example.probability  # neither is certain: what differs may be either's fault
            calibrator, tried = self._learned.setdefault(
                (example.tenant, example.task, example.task_version), (Calibrator(_MEANS, _VARIANCES), [0])
            )
            calibrator.update(_features(likeness, example.text, stored.text), float(same), weight)
            tried[0] += 1

    def forget(self) -> None:
        """Begin anew."""
        self._shelves.clear()
        self._learned.clear()
        self._recent.clear()

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price 0, and as the claim how often such a reuse was right."""
        found = self._find(ask)
        if isinstance(found, Reason):
            detail = "off for this task" if found is Reason.DECLINED else ""
            return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=found, detail=detail)
        return Offer(bidder=self._profile.name, tactic=sketch.tactic, claim=found.claim, latency_ns=QUICK_NS)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """The stored answer."""
        found = self._find(ask)
        if isinstance(found, Reason):
            return Reply(reason=found, detail="forgotten since it was offered")
        answer = from_json(ask.task, found.example.answer)
        if isinstance(answer, Refusal):
            return Reply(reason=answer.reason, detail=answer.detail)
        return Reply(value=answer, confidence=found.claim)

    async def close(self) -> None:
        """Nothing to give back."""

    def _find(self, ask: Ask) -> _Found | Reason:
        key = (ask.tenant, ask.request_id, ask.input_json)
        known = self._recent.get(key)
        if known is None:
            known = self._recent[key] = self._looked_up(ask)
            if len(self._recent) > 256:
                self._recent.popitem(last=False)
        return known

    def _looked_up(self, ask: Ask) -> _Found | Reason:
        if ask.task.name in self._off:
            return Reason.DECLINED
        if ask.conversation is not None and not ask.conversation.plain:
            return Reason.TYPE_NOT_SUPPORTED  # a call of a tool is of its own moment
        shelf = self._shelves.get((ask.label, ask.task.version))
        calibrator, tried = self._learned.get((ask.tenant, ask.task.name, ask.task.version), (None, [0]))
        alike = shelf.nearest(ask, _LOOKED_AT) if shelf is not None else ()
        nearest = [one for one in alike if ask.task.labels or not one[1].subjects]
        if not nearest:
            return Reason.NOTHING_SIMILAR
        if calibrator is None or tried[0] < FEWEST:
            return Reason.NO_EXAMPLES
        likeness, stored = nearest[0]
        probability, _ = calibrator.predict(_features(likeness, ask.features.text, stored.text))
        return _Found(stored, min(_MOST, max(_LEAST, probability * stored.probability)))


def _features(likeness: float, one: str, other: str) -> tuple[float, float, float]:
    """A constant, the likeness as log-odds, and whether the texts differ in numbers or denials."""
    differs = sorted(_TELLING.findall(one.lower())) != sorted(_TELLING.findall(other.lower()))
    return 1.0, logit(min(_MOST, max(_LEAST, likeness))), float(differs)

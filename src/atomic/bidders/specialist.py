"""An online text classifier as a bidder: it learns from every verified example in well under a millisecond."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from atomic.belief.grams import grams, spelling
from atomic.bidders.centroids import Centroids
from atomic.bidders.classifiers import Classifier, Logistic, NaiveBayes
from atomic.bidders.vocabulary import BUCKETS
from atomic.output import Refusal, from_json, plain_type
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Ask, Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_LABEL = 64  # characters of an answer that may be a label
PREDICTIONS = 256  # of requests under way, so that an offer and its attempt say the same
QUICK_NS = 1_000_000  # what it expects of itself before anybody has measured it
FEWEST = 3  # examples of each of two labels, before it knows either from the other
_MOST_CERTAIN = 0.999

Reading = Literal["words", "spelling"]
_READINGS: Mapping[Reading, Callable[[str], NDArray[np.uint32]]] = {"words": grams, "spelling": spelling}
_METHODS: Mapping[str, Callable[[], Classifier]] = {
    "logistic": Logistic,
    "naive-bayes": NaiveBayes,
    "centroids": Centroids,
}


class Specialist:
    """Answers tasks whose answers are labels, one classifier per tenant and task; its probability is its claim.

    For a task whose output is plain `str` the labels are the short answers seen, as long as they repeat: with fewer
    than two examples per label it does not bid; nor before it saw three examples of each of two labels. It learns only
    what somebody verified, not what the market settled. It reads words, or with `reads="spelling"` runs of four bytes:
    the two err on different mails. With many labels and few examples of each `method="centroids"` is right most often.
    Deterministic: same examples, same order, same weights.
    """

    def __init__(
        self,
        name: str = "specialist",
        *,
        method: Literal["logistic", "naive-bayes", "centroids"] = "logistic",
        reads: Reading = "words",
        profile: Profile | None = None,
    ) -> None:
        self._profile = profile or Profile(name=name, kind="specialist", right=0.7)
        self._make = _METHODS[method]
        self._read = _READINGS[reads]
        self._classifiers: dict[tuple[str, str], Classifier] = {}
        self._seen: dict[tuple[str, str], Counter[bytes]] = {}
        self._predictions: OrderedDict[tuple[str, str, str, str], tuple[object, float] | Reason] = OrderedDict()

    @property
    def profile(self) -> Profile:
        """As declared."""
        return self._profile

    def learn(self, example: Example) -> None:
        """One step; an answer that is found wrong, or is no label, teaches nothing."""
        label = canonical_json(example.answer) if isinstance(example.answer, str | int | None) else b""
        if example.source == "market" or example.probability < 0.5 or not 0 < len(label) <= LONGEST_LABEL:
            return
        key = (example.tenant, example.task)
        classifier = self._classifiers.get(key)
        if classifier is None:
            classifier = self._classifiers[key] = self._make()
        self._seen.setdefault(key, Counter())[label] += 1
        classifier.learn(example.request_id, self._buckets(example.text), label, 2.0 * example.probability - 1.0)

    def forget(self) -> None:
        """Begin anew."""
        self._classifiers.clear()
        self._seen.clear()
        self._predictions.clear()

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price 0 and its probability, or why it cannot say."""
        found = self._predicted(ask)
        if isinstance(found, Reason):
            return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=found)
        return Offer(bidder=self._profile.name, tactic=sketch.tactic, claim=found[1], latency_ns=QUICK_NS)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """What it offered."""
        found = self._predicted(ask)
        if isinstance(found, Reason):
            return Reply(reason=found)
        return Reply(value=found[0], confidence=found[1])

    async def close(self) -> None:
        """Nothing to give back."""

    def _predicted(self, ask: Ask) -> tuple[object, float] | Reason:
        key = (ask.tenant, ask.task.name, ask.request_id, ask.features.text)
        found = self._predictions.get(key)
        # A no-bid is not remembered: the next example may change it.
        if found is None or isinstance(found, Reason):
            found = self._predict(ask)
            self._predictions[key] = found
            if len(self._predictions) > PREDICTIONS:
                self._predictions.popitem(last=False)
        return found

    def _predict(self, ask: Ask) -> tuple[object, float] | Reason:
        free = plain_type(ask.task) is str
        if not ask.task.labels and not free:
            return Reason.TYPE_NOT_SUPPORTED
        classifier = self._classifiers.get((ask.tenant, ask.task.name))
        seen = self._seen.get((ask.tenant, ask.task.name), Counter())
        if classifier is None or sum(count >= FEWEST for count in seen.values()) < 2:
            return Reason.NO_EXAMPLES
        if free and classifier.examples < 2 * len(classifier.labels):
            return Reason.NO_EXAMPLES
        chances = classifier.probabilities(self._buckets(ask.features.text))
        ranked = sorted(zip(chances, classifier.labels, strict=True), reverse=True)
        for chance, label in ranked:
            answer = from_json(ask.task, _value(label))
            # A label of an older version of the task may be none any more.
            if not isinstance(answer, Refusal):
                return answer, min(_MOST_CERTAIN, max(1.0 - _MOST_CERTAIN, chance))
        return Reason.NO_EXAMPLES

    def _buckets(self, text: str) -> NDArray[np.int64]:
        import numpy as np

        return np.unique(self._read(text) & np.uint32(BUCKETS - 1)).astype(np.int64)


def _value(label: bytes) -> object:
    import orjson

    return orjson.loads(label)

"""suspect: judged answers speak of the examples they were shown; one that misleads is retired."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atomic.records.lesson import ExampleRetired, Lesson
from atomic.rules.misleading import Doubt

_MOST = 20_000  # examples whose answers are remembered; then the oldest goes


@dataclass(frozen=True, slots=True)
class Shown:
    """What one bid was shown in a request, and what it answered then."""

    examples: tuple[str, ...]
    answer: bytes  # as JSON
    probability: float


class Suspects:
    """The bets against examples, by tenant and request id. It holds their answers, so it forgets with the examples."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[str, bytes, Doubt]] = OrderedDict()
        self._told: list[ExampleRetired] = []

    def verified(self, tenant: str, request_id: str, task: str, answer: bytes) -> None:
        """Somebody verified an example, or verified it anew: nothing is held against it."""
        self._known.pop((tenant, request_id), None)
        self._known[tenant, request_id] = task, answer, Doubt()
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    def judged(
        self, tenant: str, shown: Mapping[str, Shown], lessons: Sequence[Lesson], seq: int
    ) -> list[ExampleRetired]:
        """Take in how right bids were; the examples that this decides to retire."""
        found: list[ExampleRetired] = []
        for lesson in lessons:
            one = shown.get(lesson.key)
            if lesson.kind != "right" or lesson.weight == 0.0 or one is None:
                continue
            for example in one.examples:
                task, answer, doubt = self._known.get((tenant, example), ("", b"", None))
                if doubt is None or answer != one.answer:
                    continue
                times = 1 if lesson.weight > 0.0 else -1
                doubt.add(wrong=1.0 - lesson.target, expected=1.0 - one.probability, times=times)
                if doubt.misleading:
                    del self._known[tenant, example]
                    found.append(_retired(tenant, task, example, doubt, seq))
        self._told += found
        return found

    def shown_by(self, first: int, last: int) -> list[ExampleRetired]:
        """What the events of these seqs decided, told once."""
        told = [one for one in self._told if first <= one.cause <= last]
        self._told = [one for one in self._told if one.cause > last]
        return told

    def forget(self) -> None:
        """Begin anew."""
        self._known.clear()
        self._told.clear()


def _retired(tenant: str, task: str, example: str, doubt: Doubt, seq: int) -> ExampleRetired:
    return ExampleRetired(
        task=task,
        tenant=tenant,
        example=example,
        repeated=doubt.shown,
        wrong=doubt.wrong,
        expected=doubt.expected,
        cause=seq,
    )

"""Examples that are always at hand: chosen beforehand for a task, beside those that are nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atomic.belief.examples import ExampleStore
from atomic.records.microtask import Ask, Example


class PinnedExamples:
    """A store whose answers also hold the examples with these request ids, by task, at a likeness of 0.

    They are what the store holds of them: verified, of the ask's tenant, of its label or a lower one; what was erased
    or found to be wrong is not among them.
    """

    def __init__(self, store: ExampleStore, pins: Mapping[str, Sequence[str]]) -> None:
        self._store = store
        self._pins = pins

    def add(self, example: Example) -> None:
        """As the store does."""
        self._store.add(example)

    def forget(self) -> None:
        """As the store does."""
        self._store.forget()

    def like(self, example: Example, count: int) -> Sequence[tuple[float, Example]]:
        """As the store does."""
        return self._store.like(example, count)

    def nearest(self, ask: Ask, count: int) -> Sequence[tuple[float, Example]]:
        """The nearest, then those of its task that are pinned and not among them."""
        found = self._store.nearest(ask, count)
        pins = self._pins.get(ask.task.name, ())
        if not pins or count < 1:
            return found
        near = {example.request_id for _, example in found}
        return [*found, *((0.0, one) for one in self._store.known(ask, pins) if one.request_id not in near)]

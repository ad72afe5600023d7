"""The verified answers that a task is tuned on, and those that are held out for ever: a hash of the request decides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atomic.output import Refusal, from_json
from atomic.protocols import Ledger, Profile
from atomic.records.microtask import Example, Microtask
from atomic.records.request import LABELS, DataLabel
from atomic.stages.prepare import may_see
from atomic.stages.teach import Teacher

_HELD_OUT = 64  # of 256 values of the first byte: one in four
_MOST = 400  # answers; optimizers look at each many times


@dataclass(frozen=True, slots=True)
class Answers:
    """Verified answers in the order of a hash. `held` are held out: no optimizer ever sees them."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    held: tuple[Example, ...]

    @property
    def shown(self) -> tuple[Example, ...]:
        """Those that an optimizer works with."""
        return (*self.train, *self.validation)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whose data they are, and so whose data every prompt that is made of them is."""
        return tuple(dict.fromkeys(subject for one in self.shown for subject in one.subjects))

    @property
    def label(self) -> DataLabel:
        """The highest of their data labels."""
        return max((one.label for one in self.shown), key=LABELS.index, default="public")


def is_held_out(request_id: str) -> bool:
    """Whether a request's answer is held out: by the SHA-256 of its id, so it is for every run.

    >>> sum(is_held_out(f"r{number}") for number in range(1_000))
    242
    """
    return hashlib.sha256(request_id.encode()).digest()[0] < _HELD_OUT


def verified(ledger: Ledger, task: Microtask[..., Any], profile: Profile) -> Answers:
    """What people, facts, validators and judges said of this task as it is now, as far as this bidder may see it.

    Without a tenant: what one tenant said is shown to no other. Two in three of those that are not held out are to
    train on, the others to choose by.
    """
    kept = _Kept()
    Teacher(ledger, [], kept).follow(tuple(ledger.read()))
    usable = sorted((one for one in kept.examples.values() if _usable(one, task, profile)), key=_drawn)
    shown = [one for one in usable if not is_held_out(one.request_id)][:_MOST]
    train = tuple(one for number, one in enumerate(shown) if number % 3 != 2)
    validation = tuple(one for number, one in enumerate(shown) if number % 3 == 2)
    return Answers(train, validation, tuple(one for one in usable if is_held_out(one.request_id)))


def _usable(one: Example, task: Microtask[..., Any], profile: Profile) -> bool:
    same = (one.task, one.task_version, one.tenant) == (task.name, task.version, "")
    return same and may_see(profile, one) and not isinstance(from_json(task, one.answer), Refusal)


def _drawn(one: Example) -> bytes:
    return hashlib.sha256(one.request_id.encode()).digest()


class _Kept:
    """Takes in examples as the market's own store does, and keeps all of them."""

    def __init__(self) -> None:
        self.examples: dict[str, Example] = {}

    def add(self, example: Example) -> None:
        self.examples.pop(example.request_id, None)
        if example.probability >= 0.5 and example.source != "market":
            self.examples[example.request_id] = example

    def nearest(self, ask: object, count: int) -> Sequence[tuple[float, Example]]:
        return ()

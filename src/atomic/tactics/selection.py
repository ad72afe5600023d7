"""Which verified examples a prompt shows: the nearest, or near ones that differ, no label more than its part."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from atomic.belief.grams import grams
from atomic.output import Refusal, from_json, label_text
from atomic.records.canonical import canonical_json
from atomic.records.microtask import Ask, Example

Shown = tuple[Example, str]  # with its label as the task spells it now

ALIKE = 0.3  # how much being like an example that is shown already counts against being like the input


def labelled(ask: Ask, examples: Sequence[tuple[float, Example]]) -> list[tuple[float, Example, str]]:
    """The examples whose answers are labels of the task as it is now, with the labels' spelling."""
    found: list[tuple[float, Example, str]] = []
    spelled: dict[bytes, str | None] = {}  # most examples share a few answers
    for near, example in examples:
        answer = canonical_json(example.answer)
        if answer not in spelled:
            spelled[answer] = _spelled(ask, example.answer)
        label = spelled[answer]
        if label is not None:
            found.append((near, example, label))
    return found


def _spelled(ask: Ask, given: object) -> str | None:
    answer = from_json(ask.task, given)
    return None if isinstance(answer, Refusal) else label_text(ask.task, answer)


def nearest(ask: Ask, examples: Sequence[tuple[float, Example]], count: int) -> list[Shown]:
    """The nearest ones, the nearest first."""
    return [(example, label) for _, example, label in labelled(ask, examples)[:count]]


def diverse(ask: Ask, examples: Sequence[tuple[float, Example]], count: int, *, each: int, room: int) -> list[Shown]:
    """Examples like the input and unlike each other, the nearest first: Carbonell and Goldstein's marginal relevance
    (1998), with at most half of them, rounded up, of one label.

    `room` is how many characters they may take, each cut to `each`.
    """
    left = labelled(ask, examples)
    of_label, used = Counter[str](), 0
    most = math.ceil(count / 2)
    chosen: list[tuple[float, Example, str]] = []
    likest: dict[str, float] = {}  # by request id, the greatest likeness to one that is chosen
    while left and len(chosen) < count:
        best = max(left, key=lambda one: (one[0] - ALIKE * likest.get(one[1].request_id, 0.0), one[0]))
        left.remove(best)
        size = min(each, len(best[1].text)) + len(best[2])
        if of_label[best[2]] >= most or used + size > room:
            continue
        chosen.append(best)
        of_label[best[2]] += 1
        used += size
        for _, example, _ in left:
            likest[example.request_id] = max(likest.get(example.request_id, 0.0), likeness(example, best[1]))
    return [(example, label) for _, example, label in sorted(chosen, key=lambda one: -one[0])]


def likeness(one: Example, other: Example) -> float:
    """The cosine of two texts' grams, all alike, in [0, 1]."""
    import numpy as np

    mine, yours = grams(one.text), grams(other.text)
    if not mine.size or not yours.size:
        return 0.0
    shared = int(np.intersect1d(mine, yours, assume_unique=True).size)
    return shared / math.sqrt(mine.size * yours.size)

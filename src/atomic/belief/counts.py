"""Weighted counts of right and wrong, and how levels of them shrink towards each other."""

from __future__ import annotations

from collections import deque

from atomic.records.bid import Evidence

_FADE = 1.0 - 1.0 / 2000.0  # every new outcome ages the others a little: about 2,000 count in the long run
_DOMAIN_WEIGHT = 6.0  # how many outcomes of its own a task needs to count as much as its domain


class Count:
    """How often something was right, with the youngest lessons."""

    __slots__ = ("last_ns", "lessons", "right", "total")

    def __init__(self) -> None:
        self.right = 0.0
        self.total = 0.0
        self.last_ns = 0
        self.lessons: deque[int] = deque(maxlen=5)

    def add(self, right: float, weight: float, time_ns: int, seq: int) -> None:
        """Count one outcome; a negative weight takes an earlier one back."""
        if weight > 0.0:
            self.right *= _FADE
            self.total *= _FADE
        self.right = max(0.0, self.right + weight * right)
        self.total = max(self.right, self.total + weight)
        self.last_ns = max(self.last_ns, time_ns)
        self.lessons.append(seq)

    def state(self) -> list[object]:
        """Everything it holds, for digests and snapshots."""
        return [self.right, self.total, self.last_ns, list(self.lessons)]


_NOTHING = Count()


def evidence(
    prior: float, prior_weight: float, alternatives: int, domain: Count | None, task: Count | None
) -> Evidence:
    """A record of where an estimate comes from."""
    wide, narrow = domain or _NOTHING, task or _NOTHING
    return Evidence(
        prior=prior,
        prior_weight=prior_weight,
        chance=1.0 / alternatives if alternatives > 1 else 0.0,
        domain_count=wide.total,
        domain_right=wide.right,
        task_count=narrow.total,
        task_right=narrow.right,
        last_ns=max(wide.last_ns, narrow.last_ns),
        lessons=tuple(narrow.lessons or wide.lessons),
    )


def shrunk(seen: Evidence) -> tuple[float, float]:
    """The mean, shrunk from task to domain to prior, and its standard deviation (of a beta distribution).

    >>> nothing = Evidence(prior=0.6, prior_weight=4.0, chance=0.5, domain_count=0.0, domain_right=0.0,
    ...                    task_count=0.0, task_right=0.0, last_ns=0, lessons=())
    >>> round(shrunk(nothing)[0], 3)
    0.6
    """
    domain = (seen.prior_weight * seen.prior + seen.domain_right) / (seen.prior_weight + seen.domain_count)
    weight = _DOMAIN_WEIGHT + seen.task_count
    mean = (_DOMAIN_WEIGHT * domain + seen.task_right) / weight
    amount = seen.prior_weight + max(seen.domain_count, seen.task_count)
    return mean, (mean * (1.0 - mean) / (amount + 1.0)) ** 0.5

"""Weighted counts of right and wrong, and how levels of them shrink towards each other.

    prior -> family in the domain -> agreement in the task -> domain -> task

Each level begins where the wider one stands and moves by what was seen of its own: m' = (w m + right) / (w + count).
In the task, outcomes of other versions of it and of other domains count for at most 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from atomic.protocols import Profile
from atomic.records.bid import Evidence

_FADE = 1.0 - 1.0 / 2000.0  # every new outcome ages the others a little: about 2,000 count in the long run
_DOMAIN_WEIGHT = 6.0  # how many outcomes of its own a task needs to count as much as its domain
_ELSEWHERE_MOST = 20.0  # a task's outcomes of other versions and domains count for at most as many
_FAMILY_MOST = 6.0  # a family's record counts for at most as many outcomes: its members do differ
_DOUBT = 2.0  # what was believed counts for as many outcomes beside the latest
_AGREED_MOST = 20.0  # the same for what is only inferred from agreement


class Count:
    """How often something was right, with the youngest lessons."""

    __slots__ = ("last_ns", "lessons", "right", "total")

    def __init__(self) -> None:
        self.right = 0.0
        self.total = 0.0
        self.last_ns = 0
        self.lessons: tuple[int, ...] = ()  # seq of the last five

    def add(self, right: float, weight: float, time_ns: int, seq: int) -> None:
        """Count one outcome; a negative weight takes an earlier one back."""
        if weight > 0.0:
            self.right *= _FADE
            self.total *= _FADE
        self.right = max(0.0, self.right + weight * right)
        self.total = max(self.right, self.total + weight)
        self.last_ns = max(self.last_ns, time_ns)
        if seq:  # 0: no lesson, but nobody's word
            self.lessons = (*self.lessons[-4:], seq)

    def widen(self, most: float, right: float = 0.0, total: float = 0.0) -> None:
        """Keep of the evidence no more than `most` outcomes; the mean moves to that of so many of the latest."""
        if self.total <= 0.0:
            return
        kept, mean = min(self.total, most), self.right / self.total
        self.right = kept * (right + _DOUBT * mean) / (total + _DOUBT) if total > 0.0 else kept * mean
        self.total = kept

    def state(self) -> list[object]:
        """Everything it holds, for digests and snapshots."""
        return [self.right, self.total, self.last_ns, list(self.lessons)]


_NOTHING = Count()


@lru_cache(maxsize=1024)
def levels(task: str, domain: str, alternatives: int, version: str) -> tuple[str, ...]:
    """The names of the levels that an outcome counts in, the widest first: domain, task, version.

    The version's level is one of the domain, too, since a request may have another domain than its task.

    >>> levels("spam", "mail", 2, ""), levels("spam", "mail", 2, "7f")
    (('domain:mail/2', 'task:spam'), ('domain:mail/2', 'task:spam', 'version:spam@7f/mail'))
    """
    wide = (f"domain:{domain}/{alternatives}", f"task:{task}")
    return (*wide, f"version:{task}@{version}/{domain}") if version else wide


def evidence(
    profile: Profile,
    alternatives: int,
    counts: Sequence[Count | None],
    *,
    version: str = "",
    family: Count | None = None,
    agreed: Count | None = None,
    changed: int = 0,
) -> Evidence:
    """A record of where an estimate comes from; `counts` are those of `levels`, None where nothing was seen."""
    wide, narrow, own = ([one or _NOTHING for one in counts] + [_NOTHING])[:3]
    kin, guessed = family or _NOTHING, agreed or _NOTHING
    return Evidence(
        prior=profile.right,
        prior_weight=profile.prior_weight,
        chance=1.0 / alternatives if alternatives > 1 else 0.0,
        family=profile.family,
        family_count=kin.total,
        family_right=kin.right,
        agreed_count=guessed.total,
        agreed_right=guessed.right,
        domain_count=wide.total,
        domain_right=wide.right,
        task_count=narrow.total,
        task_right=narrow.right,
        version=version,
        version_count=own.total,
        version_right=own.right,
        last_ns=max(wide.last_ns, narrow.last_ns),
        lessons=narrow.lessons or wide.lessons,
        changed=changed,
    )


def shrunk(seen: Evidence) -> tuple[float, float]:
    """The mean, shrunk from task to domain to family to prior, and its standard deviation (of a beta
    distribution).

    >>> nothing = Evidence(prior=0.6, prior_weight=4.0, chance=0.5, domain_count=0.0, domain_right=0.0,
    ...                    task_count=0.0, task_right=0.0, last_ns=0, lessons=())
    >>> round(shrunk(nothing)[0], 3)
    0.6
    """
    weight = seen.prior_weight
    mean = _towards(weight, seen.prior, seen.family_count, seen.family_right, _FAMILY_MOST)
    mean = _towards(weight, mean, seen.agreed_count, seen.agreed_right, _AGREED_MOST)
    mean = (weight * mean + seen.domain_right) / (weight + seen.domain_count)
    # What was seen of other versions and domains moves the mean in full, and weighs up to so much beside what was here.
    own, right = (seen.version_count, seen.version_right) if seen.version else (seen.task_count, seen.task_right)
    others = max(0.0, seen.task_count - own)
    elsewhere = min(others, max(0.0, seen.task_right - right))
    if others > 0.0:
        mean = (_DOMAIN_WEIGHT * mean + elsewhere) / (_DOMAIN_WEIGHT + others)
    behind = min(_DOMAIN_WEIGHT + others, _ELSEWHERE_MOST)
    mean = (behind * mean + right) / (behind + own)
    amount = weight + (min(own + others, own + _ELSEWHERE_MOST) if others > 0.0 else max(seen.domain_count, own))
    return mean, (mean * (1.0 - mean) / (amount + 1.0)) ** 0.5


def _towards(weight: float, mean: float, count: float, right: float, most: float) -> float:
    """A mean moved by evidence that counts for at most `most` outcomes."""
    if count <= 0.0:
        return mean
    share = min(1.0, most / count)
    return (weight * mean + share * right) / (weight + share * count)

"""What line-ups say of bids that seemed to have changed: all of it, where later answers are as the earlier ones were.

An alarm costs a bid the model's memory of it, and one in a few thousand outcomes is false; with twenty bidders that is
one in a hundred requests. So what came before an alarm is only marked, and taken away as long as nothing says that it
was false. An answer is compared with the others to the same request, so that harder questions are no change:

    d = right - mean of the others' right        (as judged; where nobody judged, the share of the others that agree)

in each domain, and the alarm was false where the mean of d after it is within 3 standard errors of that before it. As
long as few answers came after it, the youngest before it are taken with them: those that it was raised over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from atomic.belief.lineups import Lineup, Name

_LEAST = 12  # answers after the alarm, or that it was raised over
_ERRORS = 3.0


class _Mean:
    __slots__ = ("count", "squares", "total")

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.squares += value * value

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def variance(self) -> float:
        """Of one value, no less than that of a share that is nearly always the same."""
        return max(0.02, self.squares / self.count - self.mean * self.mean)


def as_they_are(kept: Mapping[Name, Lineup]) -> OrderedDict[Name, Lineup]:
    """The line-ups without what bids answered before they changed; those that then are empty are not among them."""
    marked = sorted({key for one in kept.values() for key in one.before})
    for key in marked:
        if not _constant(key, kept):
            kept = {name: one.without(key) if key in one.before else one for name, one in kept.items()}
    return OrderedDict((name, one) for name, one in kept.items() if one.keys)


def _constant(key: str, kept: Mapping[Name, Lineup]) -> bool:
    """Whether a bid answers since its last change as it did before, as far as the domains show that have both."""
    before: dict[tuple[str, bool], _Mean] = {}
    after: dict[tuple[str, bool], _Mean] = {}
    left = _LEAST
    for one in reversed(list(kept.values())):
        found = _beside(key, one)
        if found is not None:
            value, judged = found
            side = before if key in one.before and left <= 0 else after
            side.setdefault((one.domain, judged), _Mean()).add(value)
            left -= 1
    shared = sorted(name for name in after if name in before)
    count, off, variance = 0, 0.0, 0.0
    for name in shared:
        old, new = before[name], after[name]
        pooled = (old.variance * old.count + new.variance * new.count) / (old.count + new.count)
        count += new.count
        off += new.count * (new.mean - old.mean)
        variance += new.count * new.count * pooled * (1.0 / old.count + 1.0 / new.count)
    return count >= _LEAST and off * off <= _ERRORS * _ERRORS * variance


def _beside(key: str, one: Lineup) -> tuple[float, bool] | None:
    """How a bid did beside the others that answered, and whether that was judged; None where it cannot be said."""
    groups = {name: group for name, group in zip(one.keys, one.groups, strict=True) if group >= 0}
    if key not in groups or len(groups) < 2:
        return None
    if key in one.rights:
        others = [one.rights[name][0] for name in groups if name != key and name in one.rights]
        return (one.rights[key][0] - sum(others) / len(others), True) if others else (one.rights[key][0], True)
    same = sum(group == groups[key] for name, group in groups.items() if name != key)
    usual = [sum(group == other for other in groups.values()) - 1 for name, group in groups.items() if name != key]
    return (same - sum(usual) / len(usual)) / (len(groups) - 1), False

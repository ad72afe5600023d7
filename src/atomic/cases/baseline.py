"""Whether more cases fail than in a run before, beyond chance: the exact test of McNemar on the cases in both.

Only cases whose result changed say anything. If nothing became worse, each of them is as probably better as worse, so
of n that changed at least w are worse with probability sum over k >= w of C(n, k) / 2^n (one-sided; McNemar 1947, in
the exact form). It is a test of one comparison: who runs it at every commit against one baseline is alarmed without
cause in up to `ALPHA` of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from atomic.cases.played import Played
from atomic.errors import CallerError

ALPHA = 0.05
_FORM = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """A run beside its baseline: cases in both, those that became worse and better, and the chance of that."""

    both: int
    worse: tuple[str, ...]
    better: tuple[str, ...]

    @property
    def chance(self) -> float:
        """Of at least as many worse, if nothing became worse.

        >>> Compared(40, ("a", "b", "c", "d", "e"), ()).chance, Compared(40, ("a",), ("b",)).chance
        (0.03125, 0.75)
        """
        changed = len(self.worse) + len(self.better)
        ways: int = sum(math.comb(changed, one) for one in range(len(self.worse), changed + 1))
        return ways / (1 << changed)

    @property
    def dropped(self) -> bool:
        """Whether that is too improbable to be chance."""
        return self.chance <= ALPHA

    @property
    def words(self) -> str:
        """For people.

        >>> print(Compared(40, ("a",), ("b",)).words)
        baseline: of 40 cases in both 1 is worse and 1 better: no significant drop (exact McNemar test, p = 0.75)
        """
        is_or_are = "is" if len(self.worse) == 1 else "are"
        found = "a significant drop" if self.dropped else "no significant drop"
        numbers = f"{len(self.worse)} {is_or_are} worse and {len(self.better)} better"
        said = f"baseline: of {self.both} cases in both {numbers}: {found} (exact McNemar test, p = {self.chance:.2g})"
        fewest = math.ceil(-math.log2(ALPHA))
        return said if self.both >= fewest else f"{said}; fewer than {fewest} cases can never show one"


def compare(baseline: Mapping[str, bool], played: Sequence[Played]) -> Compared:
    """This run beside a baseline. Cases that only one of them has, or that were not played, say nothing.

    Raises CallerError when no case is in both.
    """
    now = {one.id: one.status == "passed" for one in played if one.status != "skipped"}
    both = [one for one in now if one in baseline]
    if not both:
        raise CallerError("the baseline has none of these cases", hint="write one with --write-baseline")
    worse = tuple(one for one in both if baseline[one] and not now[one])
    better = tuple(one for one in both if not baseline[one] and now[one])
    return Compared(len(both), worse, better)


def read_baseline(file: Path) -> dict[str, bool]:
    """By case, whether it passed. Raises CallerError."""
    try:
        raw: Any = orjson.loads(file.read_bytes())
        cases = raw["cases"]
        if raw["form"] != _FORM or not all(isinstance(one, bool) for one in cases.values()):
            raise TypeError
        return dict(cases)
    except OSError as error:
        raise CallerError(f"{file} cannot be read: {error.strerror}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise CallerError(f"{file} is no baseline", hint="write one with --write-baseline") from None


def written(played: Sequence[Played], bidder: str) -> bytes:
    """A baseline of a run, small and sorted, to be kept beside the cases. What was not played is not in it."""
    cases = {one.id: one.status == "passed" for one in played if one.status != "skipped"}
    content = {"form": _FORM, "bidder": bidder, "cases": cases}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"

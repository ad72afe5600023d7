"""A user's own tests: a task's cases, played against the market or one bidder, compared field by field."""

from atomic.cases.baseline import Compared, compare, read_baseline, written
from atomic.cases.declared import UNSAID, Case, Check, Suite
from atomic.cases.differing import Difference, differences
from atomic.cases.junit import junit
from atomic.cases.played import Played, Purse, play
from atomic.cases.reading import find_suites
from atomic.cases.recorded import entries

__all__ = [
    "UNSAID",
    "Case",
    "Check",
    "Compared",
    "Difference",
    "Played",
    "Purse",
    "Suite",
    "compare",
    "differences",
    "entries",
    "find_suites",
    "junit",
    "play",
    "read_baseline",
    "written",
]

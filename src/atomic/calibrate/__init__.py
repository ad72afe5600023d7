"""`atomic calibrate`: from a file of inputs to a market that knows its bidders, and a picture of their worth."""

from atomic.calibrate.buying import Plan, buy, label, planned, requests_of
from atomic.calibrate.cases import Case, find_task, read_cases
from atomic.calibrate.frontier import Frontier, measured
from atomic.calibrate.picture import page, picture
from atomic.calibrate.told import after, before

__all__ = [
    "Case",
    "Frontier",
    "Plan",
    "after",
    "before",
    "buy",
    "find_task",
    "label",
    "measured",
    "page",
    "picture",
    "planned",
    "read_cases",
    "requests_of",
]

"""What would have been bought at another deadline, budget, speed or probability: declared grids, each point auctioned.

Where a point lets more bidders in than bid (a later deadline, a higher budget), what these would have bid was never
recorded: they are named, and nothing is claimed of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from atomic.counterfactual import WORTHS, Action, Given, best
from atomic.records.award import Slate
from atomic.records.bid import Reason
from atomic.records.request import Terms

What = Literal["deadline", "budget", "latency", "probability"]

TIMES = WORTHS  # of the deadline and of the budget (`max_price`)
SPEEDS = ((1, 100), (1, 10), (1, 2), (2, 1), (10, 1), (100, 1))  # of a bid's expected time
HUNDREDTHS = (-20, -10, -5, -2, 2, 5, 10, 20)  # added to a bid's probability


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPoint:
    """The award with one number changed, all else held fixed.

    `key` is the bid whose number it is ("": a term of the request's). `at` is the number that was tried: nanoseconds of
    deadline or latency, nano-USD of budget, a probability. `out` are bids that would not have been made, `unknown` are
    no-bids that might have been bids, of what worth nobody recorded.
    """

    what: What
    key: str
    at: float
    times: tuple[int, int]  # numerator, denominator of what it was; of a probability the hundredths added
    chosen: Action
    best: Action
    changes: bool
    out: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Try:
    """A round with one number changed."""

    changed: Given
    what: What
    key: str
    at: float
    times: tuple[int, int]


def grid_points(given: Given, keys: Sequence[str]) -> tuple[GridPoint, ...]:
    """Every point of the declared grids; those of latency and probability for each of these bids.

    Latencies are tried only where waiting has a price: elsewhere the auction does not look at them.
    """
    now = given.verdict().chosen
    tries = [*_deadlines(given), *_budgets(given)]
    for key in keys:
        if given.position.terms.latency_price > 0:
            tries += _latencies(given, key)
        tries += _probabilities(given, key)
    return tuple(_point(given, now, one) for one in tries)


def at_deadline(given: Given, deadline_ns: int) -> Given:
    """The round with another deadline: who is expected to take longer than would be left does not bid.

    Who was never tried is held to what was expected of it, although the market would have let it try.
    """
    left = deadline_ns - given.position.elapsed_ns
    return _only(given, [bid.key for bid in given.slate.bids if bid.latency_ns <= left], deadline_ns=deadline_ns)


def at_budget(given: Given, max_price: int) -> Given:
    """The round with another `max_price`: whose ceiling would go beyond it does not bid."""
    spent = given.position.spent
    return _only(
        given, [bid.key for bid in given.slate.bids if spent + bid.offer.ceiling <= max_price], max_price=max_price
    )


def at_latency(given: Given, key: str, latency_ns: int) -> Given:
    """The round with one bid expected to take this long."""
    bids = tuple(replace(bid, latency_ns=latency_ns) if bid.key == key else bid for bid in given.slate.bids)
    return replace(given, slate=replace(given.slate, bids=bids))


def _only(given: Given, keys: Sequence[str], **terms: int) -> Given:
    slate = Slate(bids=tuple(bid for bid in given.slate.bids if bid.key in keys), no_bids=given.slate.no_bids)
    changed: Terms = replace(given.position.terms, **terms)  # type: ignore[arg-type]  # both are whole numbers
    return replace(given, slate=slate, position=replace(given.position, terms=changed))


def _deadlines(given: Given) -> Iterator[_Try]:
    now = given.position.terms.deadline_ns
    for times in TIMES:
        at = max(1, now * times[0] // times[1])
        yield _Try(at_deadline(given, at), "deadline", "", at, times)


def _budgets(given: Given) -> Iterator[_Try]:
    now = given.position.terms.max_price
    for times in TIMES:
        at = now * times[0] // times[1]
        yield _Try(at_budget(given, at), "budget", "", at, times)


def _latencies(given: Given, key: str) -> Iterator[_Try]:
    for times in SPEEDS:
        at = given.bid(key).latency_ns * times[0] // times[1]
        yield _Try(at_latency(given, key, at), "latency", key, at, times)


def _probabilities(given: Given, key: str) -> Iterator[_Try]:
    now = given.bid(key).probability
    for hundredths in HUNDREDTHS:
        at = now + hundredths / 100
        if 0.0 < at < 1.0:
            yield _Try(given.at_probability(key, at), "probability", key, at, (hundredths, 100))


_LET_IN: dict[What, Reason] = {"deadline": Reason.DEADLINE, "budget": Reason.MAX_PRICE}


def _point(given: Given, now: Action, one: _Try) -> GridPoint:
    verdict = one.changed.verdict()
    left = {bid.key for bid in one.changed.slate.bids}
    more = one.what in _LET_IN and one.times[0] > one.times[1]
    return GridPoint(
        what=one.what,
        key=one.key,
        at=one.at,
        times=one.times,
        chosen=verdict.chosen,
        best=best(verdict),
        changes=verdict.chosen != now,
        out=tuple(bid.key for bid in given.slate.bids if bid.key not in left),
        unknown=tuple(none.key for none in given.slate.no_bids if more and none.reason is _LET_IN[one.what]),
    )

"""An explanation that fits a screen: the decision, who bid, why it ended so, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterator

from atomic.counterfactual import WorthPoint
from atomic.explain.explained import Explained, RoundTold
from atomic.explain.wording import lasting, named, priced, shortened, spent_on
from atomic.records.money import dollars

_BIDS, _BREAKS = 6, 2
_SOURCES = {
    "labelled": "by feedback on such answers",
    "agreement": "by who agrees with whom; unverified",
    "prior": "by assumption; unverified",
}


def tell_briefly(told: Explained) -> str:
    """The story in some twenty lines, the decision first; `tell` leaves nothing out."""
    return "\n".join((*_decision(told), *(line for one in told.rounds for line in _round(one)), *_otherwise(told)))


def _decision(told: Explained) -> Iterator[str]:
    settled = told.outcome
    if settled is None:
        yield f"No outcome yet: {told.asked.task} is still open, or was cut."
        return
    took = (
        f"{dollars(settled.cost)}, {settled.rounds} round{'s' * (settled.rounds != 1)}, {lasting(settled.latency_ns)}"
    )
    if settled.status == "refused":
        yield f"{told.asked.task}: refused, {settled.why} ({took})."
        return
    answer = shortened(settled.answer_state, settled.answer)
    yield f"{told.asked.task}: {answer}, from {settled.winner} ({took})."
    yield f"Right with probability {settled.probability:.2f} ({_SOURCES[settled.probability_source]})."
    if told.asked.assigned:
        yield told.asked.assigned
    waiting = dollars(told.asked.latency_price)
    yield f"A right answer is worth {told.asked.worth_told}; a second of waiting costs {waiting}."


def _round(one: RoundTold) -> Iterator[str]:
    answer = f"an answer in hand, right with {one.standing:.2f}" if one.standing_group is not None else "no answer yet"
    if one.number <= 2:  # the first has its table, the later ones are three lines each
        yield ""
    yield f"Round {one.number}: {answer}; {len(one.bids)} could bid, {len(one.no_bids)} could not."
    if one.number == 1:
        if one.expected:
            yield f"  {one.expected}"
        yield from _bids(one)
    yield f"  {_end(one)}"
    for hedge in one.hedges:
        what = f"{named(hedge.chosen)} was asked as well" if hedge.chosen else "waiting ended"
        yield f"  After {lasting(hedge.waited_ns)} of {named(hedge.running)}, {what}."
    for attempt in one.attempts:
        said = shortened(attempt.answer_state, attempt.answer) if attempt.status == "answered" else attempt.words
        yield f"  {attempt.key} said: {said}" if attempt.status == "answered" else f"  {attempt.key} failed: {said}"


def _bids(one: RoundTold) -> Iterator[str]:
    order = {action.action: index for index, action in enumerate(one.actions)}
    bids = sorted(one.bids, key=lambda bid: (not bid.bought, order.get((bid.key,), len(order)), bid.key))
    if bids:
        yield f"    {'bid':26s} {'right':>5s} {'price':>11s} {'time':>8s}   gain expected"
    for bid in bids[:_BIDS]:
        gain = "not among the best few" if bid.score is None else dollars(bid.score)
        yield (
            f"  {'*' if bid.bought else ' '} {bid.key:26s} {bid.probability:5.2f} {dollars(bid.price):>11s}"
            f" {lasting(bid.latency_ns):>8s}   {gain}"
        )
    if len(bids) > _BIDS:
        yield f"    and {len(bids) - _BIDS} more"


def _end(one: RoundTold) -> str:
    if not one.chosen:
        return "Nothing more was worth its price, so the market settled."
    if one.chosen != one.best:
        return (
            f"{named(one.chosen)}: drawn to learn, a chance of {one.propensity:.0%}; best by gain: {named(one.best)}."
        )
    if len(one.chosen) > 1:
        return f"{spent_on(one.chosen)} at once: together they gain most."
    return f"{spent_on(one.chosen)}: it gains most."


def _otherwise(told: Explained) -> Iterator[str]:
    """What would have changed the first award: each line was proven by running the auction with that change."""
    if not told.rounds:
        return
    first = told.rounds[0]
    found = [one for one in first.prices if one.found == "proven" and one.says == "chosen"]
    found.sort(key=lambda one: (one.key not in first.chosen, abs((one.price or 0) - one.actual), one.key))
    lines = [priced(one, twice=False) for one in found[:_BREAKS]]
    lines += [_worth(point) for point in _nearest(first.worths)]
    yield ""
    yield "What would have changed round 1, each proven by running the auction again:"
    for line in lines or ["none of the prices and worths tried"]:
        yield f"  {line}"


def _nearest(points: tuple[WorthPoint, ...]) -> Iterator[WorthPoint]:
    """The next lower and the next higher worth with another award."""
    changed = [point for point in points if point.changes]
    yield from [point for point in changed if point.times[0] < point.times[1]][-1:]
    yield from [point for point in changed if point.times[0] > point.times[1]][:1]


def _worth(point: WorthPoint) -> str:
    return f"an answer worth {dollars(point.worth)}: {spent_on(point.chosen)}"

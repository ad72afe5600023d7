"""Amounts, times, answers and actions for people."""

from __future__ import annotations

from decimal import Decimal

from atomic.counterfactual import Action, PriceBreak, ProbabilityBreak
from atomic.records.canonical import canonical_json
from atomic.records.mode import Assignment
from atomic.records.money import NANO, dollars

_UNITS = ((86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"))


_ANSWER_CHARACTERS = 160


def shortened(state: str, answer: object) -> str:
    """An answer on one line, or why it cannot be told.

    >>> shortened("shown", "Dear  Ann,\\nthank you"), shortened("shown", True), shortened("erased", None)
    ('Dear Ann, thank you', 'true', 'erased')
    """
    if state != "shown":
        return "no answer" if state == "none" else state
    text = answer if isinstance(answer, str) else canonical_json(answer).decode()
    text = " ".join(text.split())
    return text if len(text) <= _ANSWER_CHARACTERS else text[: _ANSWER_CHARACTERS - 1] + "…"


def exactly(nano: int) -> str:
    """An amount with every digit: where one nano-USD more changes the award, rounding would lie.

    >>> exactly(2_000_001), exactly(0), exactly(1_500_000_000)
    ('$0.002000001', '$0', '$1.5')
    """
    text = f"{Decimal(abs(nano)) / NANO:f}"
    return ("-$" if nano < 0 else "$") + (text.rstrip("0").rstrip(".") if "." in text else text)


def both(nano: int) -> str:
    """An amount in dollars and in nano-USD.

    >>> both(2_000_000)
    '$0.002 (2,000,000 nano-USD)'
    """
    return f"{dollars(nano)} ({nano:,} nano-USD)"


def lasting(nanoseconds: int) -> str:
    """A duration, to two digits or so.

    >>> lasting(1_500_000), lasting(90_000_000_000), lasting(0), lasting(3 * 86_400_000_000_000)
    ('1.5 ms', '1.5 min', '0 ms', '3 d')
    """
    for size, unit in _UNITS:
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds / 1e6:.3g} ms"


def named(action: Action) -> str:
    """What an action buys.

    >>> named(("a+plain", "b+plain")), named(())
    ('a+plain and b+plain', 'settling')
    """
    return " and ".join(action) if action else "settling"


def spent_on(action: Action) -> str:
    """An award as the end of a sentence: "then …".

    >>> spent_on(("a+plain",)), spent_on(())
    ('a+plain is bought', 'the market settles')
    """
    return f"{named(action)} {'are' if len(action) > 1 else 'is'} bought" if action else "the market settles"


def priced(one: PriceBreak, *, twice: bool) -> str:
    """A price breakpoint in words; `twice` when draw and score say different things of the same bid."""
    by = {"chosen": "with this draw", "best": "by score alone"}[one.says] + ", " if twice else ""
    was = f"(it was {exactly(one.actual)})"
    again = "; cheaper is not always better here" if one.changes > 1 else ""
    if one.found == "proven" and one.price is not None:
        place = "bought" if one.says == "chosen" else "the best"
        verb = f"it stays {place}" if one.now else f"it would have been {place}"
        beyond = spent_on(one.beyond) if one.says == "chosen" else f"{named(one.beyond)} is"
        return f"{one.key}: {by}{verb} up to {exactly(one.price)} {was}; beyond, {beyond}{again}"
    if one.found == "not even free":
        return f"{one.key}: {by}not at any price tried, not even free {was}"
    if one.found == "at any price tried":
        return f"{one.key}: {by}it keeps its place at any price tried {was}"
    return f"{one.key}: {by}no breakpoint proven {was}"


def likelier(one: ProbabilityBreak, *, twice: bool) -> str:
    """A breakpoint of probability in words."""
    by = {"chosen": "with this draw", "best": "by score alone"}[one.says] + ", " if twice else ""
    was = f"(it was {one.actual:.6f})"
    if one.found == "proven" and one.millionths is not None:
        verb = "would have been bought" if one.says == "chosen" else "would have been the best"
        return f"{one.key}: {by}it {verb} with a probability from {one.millionths / 1e6:.6f} on {was}"
    if one.found == "at no probability tried":
        return f"{one.key}: {by}at no higher probability tried {was}"
    return f"{one.key}: {by}no probability proven {was}"


def assigned_told(one: Assignment, request_id: str) -> str:
    """Who was to answer a request under its task's mode, and who was asked beside it.

    >>> one = Assignment(number=1, arm="gpt", propensity=0.95, draw=0.2, other="market", inclusion=0.1, pair=0.1,
    ...     other_draw=0.03)
    >>> assigned_told(one, "mail-7")
    "gpt was to answer (chance 95 %, statement 1 of the task's mode); market beside it (10 %): mail-7~shadow."
    """
    if one.shadows:
        return f"Bought to compare: what {one.arm} says to {one.shadows}, whose caller did not wait for it."
    who = f"{one.arm} was to answer (chance {100 * one.propensity:g} %, statement {one.number} of the task's mode)"
    return f"{who}; {one.other} beside it ({100 * one.inclusion:g} %): {request_id}~shadow." if one.other else f"{who}."

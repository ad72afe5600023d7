"""What is wanted of a microtask: a worth, a target, or a budget; exactly one of them."""

from __future__ import annotations

import dataclasses
from typing import Any, TypedDict

from atomic.errors import TaskError
from atomic.records.budget import Budget
from atomic.records.money import nano_usd
from atomic.records.request import Terms

_CEILING_OF_A_TARGET = nano_usd(1)


class Aim(TypedDict, total=False):
    """The part of terms that says what is wanted."""

    worth: int
    target: float
    budget: Budget


def objective(
    *, worth: str | float | None = None, target: float | None = None, budget: str | Budget | None = None
) -> Aim:
    """The one of the three that is given, as terms have it. Raises TaskError for none, for several, or for nonsense.

    >>> objective(worth="$0.002"), objective(target=0.9)
    ({'worth': 2000000}, {'target': 0.9})
    """
    if (worth is not None) + (target is not None) + (budget is not None) != 1:
        raise TaskError("a microtask has one objective", hint="give worth, target or budget, and only one of them")
    if worth is not None:
        return {"worth": nano_usd(worth)}
    return {"budget": Budget.of(budget)} if budget is not None else {"target": _target(target)}


def _target(number: object) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 < number < 1.0:
        raise TaskError(f"target={number!r}", hint="a probability above 0 and below 1, such as 0.95")
    return float(number)


def ceiling(*, worth: int = 0, target: float = 0.0, budget: Budget | None = None) -> int:
    """A request's most where nobody says it."""
    if budget is not None:
        return budget.amount
    return _CEILING_OF_A_TARGET if target > 0.0 else worth


def with_terms(terms: Terms, **changes: Any) -> Terms:
    """The same terms but for some: `with_terms(task.terms, worth=nano_usd("$0.01"))`, `with_terms(…, target=0.9)`.

    Another objective takes the place of the one there was. Raises TaskError for two of them, or for nonsense.

    >>> with_terms(Terms(worth=5, max_price=5), budget="$2/1k").worth
    0
    """
    none = {"worth": 0, "target": 0.0, "budget": None}
    if said := [name for name in none if name in changes]:
        if len(said) > 1:
            raise TaskError(f"{' and '.join(said)}: two objectives", hint="give worth, target or budget")
        if said != ["worth"]:
            changes |= objective(**{said[0]: changes[said[0]]})
        changes = none | changes
    return dataclasses.replace(terms, **changes)

"""What policies make of a purchase: refused as a whole, or some bidders kept out of it, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from atomic.belief.remembered import remembered
from atomic.errors import KeyRefused
from atomic.guards import suspicion
from atomic.protocols import Bidder, Policies
from atomic.records.microtask import Ask
from atomic.records.principal import Principal
from atomic.records.request import Terms
from atomic.records.suspicion import UNSUSPECTED, Suspicion

_suspicion = remembered(8)(suspicion)  # a purchase asks twice: before it claims its id, and when it begins


def governed(policies: Policies | None, who: Principal, ask: Ask, terms: Terms, bidders: Mapping[str, Bidder]) -> Terms:
    """The terms with whoever may not be bought from, so that each is a no-bid that says why and is replayed so.

    How suspicious the input is, is looked at only where a policy asks for it.

    Raises KeyRefused where the task itself may not be done for them on such data.
    """
    if policies is None:
        return terms
    suspected = _suspicion(ask.features.text) if policies.screens else UNSUSPECTED
    if why := policies.running(who, ask.task.name, ask.label, suspected):
        raise KeyRefused(why, hint="the policies of this market say who may; see docs/governance.md", known=True)
    barred = tuple(_barred(policies, who, ask, suspected, bidders))
    return replace(terms, barred=barred) if barred else terms


def _barred(
    policies: Policies, who: Principal, ask: Ask, suspected: Suspicion, bidders: Mapping[str, Bidder]
) -> Iterator[tuple[str, str]]:
    for name, bidder in bidders.items():
        try:
            profile = bidder.profile
        except Exception:  # foreign code: it takes no part, which is told where offers are collected
            continue
        if why := policies.buying(who, ask.task.name, ask.label, profile, suspected):
            yield name, why

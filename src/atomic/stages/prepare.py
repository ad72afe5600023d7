"""prepare: from a call to what bidders see of it, and who may take part at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atomic.protocols import Profile
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, Call
from atomic.records.request import DataLabel, Features, Terms, accepts


def prepare(
    call: Call[Any], *, request_id: str, tenant: str, label: DataLabel, numbers: Mapping[str, float] | None = None
) -> Ask:
    """What a bidder sees of a request. The deadline is set anew at every round."""
    features = Features(text=call.text, characters=len(call.text), numbers=tuple(sorted((numbers or {}).items())))
    return Ask(
        request_id=request_id,
        task=call.task,
        arguments=call.arguments,
        input_json=call.input_json,
        features=features,
        tenant=tenant,
        label=label,
        time_left_ns=call.task.terms.deadline_ns,
    )


def ineligible(profile: Profile, ask: Ask, terms: Terms) -> Reason | None:
    """Why a bidder may not even bid: eligibility comes before optimisation.

    >>> from atomic.records.request import Terms
    >>> from types import SimpleNamespace
    >>> remote = Profile(name="m", kind="http", accepts="internal", jurisdictions=("us",))
    >>> secret = SimpleNamespace(label="confidential", features=SimpleNamespace(characters=1))
    >>> ineligible(remote, secret, Terms(worth=1, max_price=1)).name
    'LABEL_NOT_ACCEPTED'
    """
    if not accepts(profile.accepts, ask.label):
        return Reason.LABEL_NOT_ACCEPTED
    if terms.jurisdictions and not set(profile.jurisdictions) <= {*terms.jurisdictions, "here"}:
        return Reason.JURISDICTION
    return None

"""prepare: from a call to what bidders see of it, and who may take part at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from atomic.errors import TaskError
from atomic.protocols import Profile
from atomic.records.bid import Reason
from atomic.records.event import Body, encode
from atomic.records.microtask import Ask, Call, Example
from atomic.records.request import LABELS, DataLabel, Features, Terms, accepts


def prepare(
    call: Call[Any],
    *,
    request_id: str,
    tenant: str,
    label: DataLabel,
    numbers: Mapping[str, float] | None = None,
    domain: str = "",
) -> Ask:
    """What a bidder sees of a request. The deadline is set anew at every round; no `domain` means the task's.

    Raises TaskError for what could be recorded and never be read again.
    """
    if label not in LABELS:
        raise TaskError(f"{label!r} is no data label", hint=f"one of {', '.join(LABELS)}")
    said: Mapping[str, object] = numbers or {}
    for name, number in said.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise TaskError(f"numbers: {name!r} is {number!r}", hint="each must be a finite number")
    features = Features(text=call.text, characters=len(call.text), numbers=tuple(sorted((numbers or {}).items())))
    return Ask(
        request_id=request_id,
        task=call.task,
        arguments=call.arguments,
        input_json=call.input_json,
        features=features,
        tenant=tenant,
        label=label,
        domain=domain or call.task.domain,
        time_left_ns=call.task.terms.deadline_ns,
    )


def given(ask: Ask, subjects: tuple[str, ...]) -> tuple[Body, ...]:
    """What is kept of an input beside the chain, and whose data it is."""
    return (
        Body(name="input", content=ask.input_json, subjects=subjects),
        Body(name="features", content=encode(ask.features), subjects=subjects),
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
    if any(name == profile.name for name, _ in terms.barred):
        return Reason.POLICY
    if not accepts(profile.accepts, ask.label):
        return Reason.LABEL_NOT_ACCEPTED
    return None if _stays_within(profile, terms.jurisdictions) else Reason.JURISDICTION


def visible(examples: Sequence[tuple[float, Example]], profile: Profile) -> Sequence[tuple[float, Example]]:
    """The examples that a bidder may be shown: each was somebody's input, with a label and jurisdictions of its own."""
    return [one for one in examples if may_see(profile, one[1])]


def may_see(profile: Profile, example: Example) -> bool:
    """Whether an example may be shown to a bidder."""
    return accepts(profile.accepts, example.label) and _stays_within(profile, example.jurisdictions)


def _stays_within(profile: Profile, jurisdictions: Sequence[str]) -> bool:
    return not jurisdictions or set(profile.jurisdictions) <= {*jurisdictions, "here"}

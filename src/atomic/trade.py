"""Options of one purchase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atomic.records.ids import check_writable
from atomic.records.microtask import Ask, Call
from atomic.records.principal import OURS, Principal
from atomic.records.request import DataLabel, Terms
from atomic.stages.prepare import prepare
from atomic.stages.speech import Speech


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Options of one purchase. `request_id` is an idempotency key; `subjects` are whose data the input is; `domain` is
    the request's own kind of input, where a task has several; `purses` are what it is booked on besides the day and its
    task, by name, each with what a day may cost at most; `principal` is who asks, as policies see it."""

    request_id: str = ""
    tenant: str = ""
    label: DataLabel | None = None
    terms: Terms | None = None
    subjects: tuple[str, ...] = ()
    numbers: Mapping[str, float] | None = None
    domain: str = ""
    speech: Speech | None = field(default=None, compare=False, repr=False)
    purses: tuple[tuple[str, int | None], ...] = ()
    principal: Principal = OURS

    def ask(self, call: Call[Any], request_id: str) -> Ask:
        """What a bidder sees of this purchase. Raises TaskError."""
        return prepare(
            call,
            request_id=request_id,
            tenant=self.tenant,
            label=self.label or call.task.label,
            numbers=self.numbers,
            domain=self.domain,
        )

    def __post_init__(self) -> None:
        """Raises CallerError for names that cannot be written down."""
        check_writable(self.request_id, self.tenant, self.domain, *self.subjects)

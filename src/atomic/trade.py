"""Options of one purchase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from atomic.records.ids import check_writable
from atomic.records.request import DataLabel, Terms
from atomic.stages.speech import Speech


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Options of one purchase. `request_id` is an idempotency key; `subjects` are whose data the input is; `domain` is
    the request's own kind of input, where a task has several; `purses` are what it is booked on besides the day and its
    task, by name, each with what a day may cost at most."""

    request_id: str = ""
    tenant: str = ""
    label: DataLabel | None = None
    terms: Terms | None = None
    subjects: tuple[str, ...] = ()
    numbers: Mapping[str, float] | None = None
    domain: str = ""
    speech: Speech | None = field(default=None, compare=False, repr=False)
    purses: tuple[tuple[str, int | None], ...] = ()

    def __post_init__(self) -> None:
        """Raises CallerError for names that cannot be written down."""
        check_writable(self.request_id, self.tenant, self.domain, *self.subjects)

"""What the writer does inside its transaction: appending, and sealing after it. Claims have a module of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from atomic.ledger.group import Draft, ErasedRequests, Group, subjects_of
from atomic.protocols import Spend
from atomic.records.event import Event


class Operation(Protocol):
    """Something to do inside the writer's transaction."""

    @property
    def power_durable(self) -> bool:
        """Whether it must be fsynced before it is acknowledged."""
        ...

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """Whose keys it needs, when these requests are erased."""
        ...

    def apply(self, group: Group) -> Any:
        """Do it; the result is handed back once it is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Append:
    """Append these drafts, if their spending is allowed."""

    drafts: Sequence[Draft]
    spend: Spend | None
    power_durable: bool

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """Whose keys it needs."""
        return subjects_of(self.drafts, erased)

    def apply(self, group: Group) -> tuple[Event, ...]:
        """The events; none when the spending is not allowed."""
        if self.spend is not None and not group.spend(self.spend):
            return ()
        return tuple([group.add(one) for one in self.drafts])


@dataclass(frozen=True, slots=True)
class Seal:
    """Sign the head of all that was appended before; the result is the seq that it speaks of."""

    power_durable: bool = True

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """It needs no keys."""
        return set()

    def apply(self, group: Group) -> None:
        """Nothing inside the group: the writer seals after its commit."""

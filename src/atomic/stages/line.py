"""line: who waits, and whose turn it is: tenants in turn, within one the dearest waiting, and its tasks in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")
_Tasks = dict[str, dict["Ticket", None]]  # by task in the order of their turns; tickets as they came


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A request's place in a line. `urgency` is what a second of waiting costs it, in nano-USD: its priority."""

    tenant: str
    task: str
    urgency: int


class Line:
    """Who waits for one thing. Nested round robin: nobody's many requests delay another's few.

    Between tenants turns are taken whatever their urgency, so that none gains by claiming more of it; within a tenant
    the most urgent go first, and among equals each task has its turn.

    >>> line = Line()
    >>> for tenant, urgency in (("a", 0), ("a", 0), ("a", 5), ("b", 0)):
    ...     line.add(Ticket(tenant, "spam", urgency))
    >>> [(one.tenant, one.urgency) for one in iter(line.next, None)]
    [('a', 5), ('b', 0), ('a', 0), ('a', 0)]
    """

    def __init__(self) -> None:
        self._tenants: dict[str, dict[int, _Tasks]] = {}  # in the order of their turns
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, ticket: Ticket) -> None:
        """Stand at the end of one's own task."""
        tasks = self._tenants.setdefault(ticket.tenant, {}).setdefault(ticket.urgency, {})
        tasks.setdefault(ticket.task, {})[ticket] = None
        self._length += 1

    def remove(self, ticket: Ticket) -> None:
        """Leave, wherever one stands; nothing if one does not."""
        levels = self._tenants.get(ticket.tenant, {})
        tasks = levels.get(ticket.urgency, {})
        tickets = tasks.get(ticket.task, {})
        if ticket not in tickets:
            return
        self._length -= 1
        del tickets[ticket]
        if not tickets:
            del tasks[ticket.task]
        if not tasks:
            del levels[ticket.urgency]
        if not levels:
            del self._tenants[ticket.tenant]

    def next(self) -> Ticket | None:
        """Take the one whose turn it is out of the line; its tenant and its task have had their turns then."""
        if not self._tenants:
            return None
        tenant, levels = next(iter(self._tenants.items()))
        urgency = max(levels)
        task, tickets = next(iter(levels[urgency].items()))
        ticket = next(iter(tickets))
        self.remove(ticket)
        _to_the_end(self._tenants, tenant)
        _to_the_end(levels.get(urgency, {}), task)
        return ticket

    def last_of_the_longest(self) -> Ticket | None:
        """Who would leave if one had to: of the tenant with most, and its task with most, the least urgent newcomer."""
        if not self._tenants:
            return None
        levels = max(reversed(self._tenants.values()), key=lambda one: sum(map(len, _everybody(one))))
        tickets = max(reversed(levels[min(levels)].values()), key=len)
        return next(reversed(tickets))


def _everybody(levels: dict[int, _Tasks]) -> Iterator[dict[Ticket, None]]:
    for tasks in levels.values():
        yield from tasks.values()


def _to_the_end(among: dict[str, Value], name: str) -> None:
    if name in among:
        among[name] = among.pop(name)

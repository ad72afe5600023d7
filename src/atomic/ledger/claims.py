"""Claims: who works on which request, as rows that change inside the writer's transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from atomic.ledger.group import ErasedRequests, Group
from atomic.protocols import Standing

LEASE_NS = 3_600_000_000_000  # far longer than any deadline: only a stuck process loses a claim by time

_TAKE = "UPDATE claim SET holder = ?, lease_until_ns = ?, state = 'running' WHERE tenant = ? AND request_id = ?"
_SETTLED = "SELECT 1 FROM event WHERE request_id = ?1 AND ?1 <> '' AND tenant = ?2 AND kind = 'outcome' LIMIT 1"


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim a request for `holder`, at `now_ns`."""

    tenant: str
    request_id: str
    fingerprint: str
    holder: str
    now_ns: int
    alive: Callable[[str], bool]
    power_durable: bool = False

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """It needs no keys."""
        return set()

    def apply(self, group: Group) -> Standing:
        """Where the request stands; ours from now on if "new" or "resumed"."""
        run, name = group.connection.execute, (self.tenant, self.request_id)
        lease = self.now_ns + LEASE_NS
        row = run(
            "SELECT fingerprint, holder, lease_until_ns, state FROM claim WHERE tenant = ? AND request_id = ?", name
        ).fetchone()
        if row is None:
            run("INSERT INTO claim VALUES (?, ?, ?, ?, ?, 'running')", (*name, self.fingerprint, self.holder, lease))
            return "new"
        fingerprint, holder, lease_until_ns, state = row
        if fingerprint != self.fingerprint:
            return "conflict"
        if state == "done":
            return "done"
        if state == "running" and lease_until_ns > self.now_ns and self.alive(holder):
            return "running"
        if run(_SETTLED, (self.request_id, self.tenant)).fetchone():
            # Its holder died between the outcome and the release.
            run("UPDATE claim SET state = 'done' WHERE tenant = ? AND request_id = ?", name)
            return "done"
        run(_TAKE, (self.holder, lease, *name))
        return "resumed"


@dataclass(frozen=True, slots=True)
class Release:
    """Give a claim back. What somebody else took over in the meantime stays theirs."""

    tenant: str
    request_id: str
    holder: str
    done: bool
    power_durable: bool = False

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """It needs no keys."""
        return set()

    def apply(self, group: Group) -> None:
        """Mark it done, or free."""
        group.connection.execute(
            "UPDATE claim SET state = ? WHERE tenant = ? AND request_id = ? AND holder = ?",
            ("done" if self.done else "free", self.tenant, self.request_id, self.holder),
        )


@dataclass(frozen=True, slots=True)
class Admit:
    """Count one more on a meter, at `now_ns`."""

    name: str
    per_minute: int
    now_ns: int
    power_durable: bool = False

    def subjects(self, erased: ErasedRequests) -> set[str]:
        """It needs no keys."""
        return set()

    def apply(self, group: Group) -> int:
        """0, or the nanoseconds until there is room for it."""
        account = f"rate {self.name}"  # beside the days' accounts, in nanoseconds instead of nano-USD
        row = group.connection.execute("SELECT nano FROM spending WHERE day = ?", (account,)).fetchone()
        full_at, wait = metered(int(row[0]) if row else 0, self.now_ns, self.per_minute)
        if not wait:
            group.connection.execute("INSERT OR REPLACE INTO spending VALUES (?, ?)", (account, full_at))
        return wait


def metered(full_at: int, now_ns: int, per_minute: int) -> tuple[int, int]:
    """When a meter is empty again after one more, and how long to wait for room for it (0: there is).

    The generic cell rate algorithm (ITU-T I.371): one number a meter, exact, and no windows at whose borders twice as
    many could come.

    >>> metered(0, 1_000, 60)[1], metered(61 * 10**9, 10**9, 60)
    (0, (61000000000, 1000000000))
    """
    each = 60_000_000_000 // per_minute
    after = max(full_at, now_ns) + each
    wait = max(0, after - now_ns - each * per_minute)
    return (full_at, wait) if wait else (after, 0)

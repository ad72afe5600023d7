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

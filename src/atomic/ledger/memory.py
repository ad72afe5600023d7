"""A ledger in memory: for tests and one-shot runs. Same promises as the one in a file, but for durability."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from atomic.clock import Clock, SystemClock
from atomic.errors import CallerError, NotFound
from atomic.ledger.cipher import mac_of
from atomic.ledger.claims import metered
from atomic.ledger.followers import Followers
from atomic.ledger.group import Draft, draft
from atomic.protocols import Follower, Spend, Standing, account
from atomic.records.canonical import content_id
from atomic.records.event import SCHEMA_VERSION, Body, Commitment, Entry, Event


class MemoryLedger:
    """A ledger that is gone when the process is.

    >>> import asyncio
    >>> from atomic.records import Entry, MarketOpened
    >>> ledger = MemoryLedger()
    >>> entry = Entry(payload=MarketOpened(version="1", rules_version="1", config=""))
    >>> [event.seq for event in asyncio.run(ledger.append([entry, entry]))]
    [1, 2]
    """

    def __init__(self, *, clock: Clock | None = None, secret: bytes | None = None) -> None:
        self._clock = clock or SystemClock()
        self._events: list[Event] = []
        self._of_request: dict[str, list[Event]] = {}
        self._indexed = 0  # so many events are in it
        self._bodies: dict[str, bytes] = {}
        self._subjects: dict[str, tuple[str, ...]] = {}
        self._blobs: dict[str, bytes] = {}
        self._spending: dict[str, int] = {}
        self._claims: dict[tuple[str, str], tuple[str, str]] = {}
        self._key, self._secret = os.urandom(32), secret or os.urandom(32)
        self._followers = Followers(lambda after: self.read(after=after))
        self._closed = False

    def copy(self) -> MemoryLedger:
        """A ledger of its own with the same history and secret: what follows in one is not in the other."""
        other = MemoryLedger(clock=self._clock, secret=self._secret)
        other._key, other._events = self._key, list(self._events)
        other._bodies, other._subjects, other._blobs = dict(self._bodies), dict(self._subjects), dict(self._blobs)
        other._spending, other._claims = dict(self._spending), dict(self._claims)
        return other

    async def append(
        self, entries: Sequence[Entry], *, spend: Spend | None = None, power_durable: bool = False
    ) -> tuple[Event, ...]:
        """Append all or nothing, as the protocol `Ledger` says; an entry with time 0 gets the ledger's clock."""
        now_ns = self._clock.time_ns()
        drafts = [draft(entry, now_ns) for entry in entries]
        if spend is not None and not drafts:
            raise ValueError("spending is recorded with an event")
        self._refuse_if_closed()
        if spend is not None and not self._spend(spend):
            return ()
        events = tuple([self._add(one) for one in drafts])
        if events:
            self._followers.publish(events)
        return events

    def _spend(self, spend: Spend) -> bool:
        after = {name: self._spending.get(name, 0) + spend.change for name, _ in spend.accounts}
        if spend.change > 0 and any(cap is not None and after[name] > cap for name, cap in spend.accounts):
            return False
        self._spending |= after
        return True

    def _add(self, one: Draft) -> Event:
        entry, seq = one.entry, len(self._events) + 1
        event = Event(
            seq=seq,
            kind=one.kind,
            version=SCHEMA_VERSION,
            tenant=entry.tenant,
            label=entry.label,
            request_id=entry.request_id,
            round=entry.round,
            time_ns=one.time_ns,
            payload=entry.payload,
            bodies=tuple(self._commit(body, seq << 8 | index) for index, body in enumerate(entry.bodies)),
        )
        for blob in entry.blobs:
            self._blobs[content_id(blob)] = blob
        self._events.append(event)
        return event

    def _commit(self, body: Body, number: int) -> Commitment:
        body_id = str(number)
        self._bodies[body_id] = body.content
        self._subjects[body_id] = tuple(sorted(set(body.subjects)))
        return Commitment(name=body.name, body_id=body_id, mac=mac_of([self._key], body_id, body.content))

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise CallerError("this ledger is closed")

    def follow(self, callback: Follower, *, after: int | None = None) -> Callable[[], None]:
        """Tell `callback` of every event with seq > `after`; None: from now on. The result ends it."""
        return self._followers.add(callback, self.head() if after is None else after)

    def read(
        self, *, after: int = 0, request_id: str | None = None, kinds: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """Events with seq > after, in order, up to the one that was last when the reading began."""
        known, begin = (self._events, after) if request_id is None else (self._about(request_id), 0)
        found = (
            event
            for event in islice(known, begin, len(known))
            if event.seq > after and (not kinds or event.kind in kinds)
        )
        return islice(found, limit)

    def _about(self, request_id: str) -> list[Event]:
        for event in self._events[self._indexed :]:
            self._of_request.setdefault(event.request_id, []).append(event)
        self._indexed = len(self._events)
        return self._of_request.get(request_id, [])

    def body(self, commitment: Commitment) -> bytes | None:
        """A body."""
        return self._bodies.get(commitment.body_id)

    def subjects(self, commitment: Commitment) -> tuple[str, ...]:
        """Whose data a body is, in order of name."""
        return self._subjects.get(commitment.body_id, ())

    def blob(self, content_id: str) -> bytes:
        """A content by its id. Raises NotFound."""
        try:
            return self._blobs[content_id]
        except KeyError:
            raise NotFound(f"there is no content {content_id}") from None

    def news(self, after: int) -> Sequence[Event]:
        """None: there are no other processes."""
        return ()

    def head(self) -> int:
        """The seq of the last event; 0 when there is none."""
        return len(self._events)

    def spent(self, day: str, task: str = "") -> int:
        """What was spent on a UTC date, or of it for one task, reservations included, in nano-USD."""
        return self._spending.get(account(day, task), 0)

    def secret(self) -> bytes:
        """The market's secret, 32 bytes: the key of the draws."""
        return self._secret

    async def claim(self, tenant: str, request_id: str, fingerprint: str) -> Standing:
        """Claim a request, or say why not, as the protocol `Claims` says."""
        self._refuse_if_closed()
        known = self._claims.get((tenant, request_id))
        if known is not None:
            if known[0] != fingerprint:
                return "conflict"
            settled = any(one.tenant == tenant for one in self.read(request_id=request_id, kinds=("outcome",)))
            if known[1] == "done" or (known[1] == "free" and settled):
                return "done"
            if known[1] == "running":
                return "running"
        self._claims[tenant, request_id] = (fingerprint, "running")
        return "new" if known is None else "resumed"

    async def release(self, tenant: str, request_id: str, *, done: bool) -> None:
        """Give a claim back: done, or for somebody else to resume."""
        known = self._claims.get((tenant, request_id))
        if known is not None and known[1] == "running":
            self._claims[tenant, request_id] = (known[0], "done" if done else "free")

    async def admit_at_rate(self, name: str, *, per_minute: int) -> int:
        """Count one more on a meter: 0, or the nanoseconds until there is room for it."""
        account = f"rate {name}"
        full_at, wait = metered(self._spending.get(account, 0), self._clock.time_ns(), per_minute)
        self._spending[account] = full_at
        return wait

    async def close(self) -> None:
        """End it; may be called twice."""
        self._closed = True

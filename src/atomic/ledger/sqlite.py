"""The ledger in one SQLite file, shared by any number of processes of one machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType

from atomic.clock import Clock, SystemClock
from atomic.errors import OperatorError
from atomic.ledger.claims import Admit, Claim, Release
from atomic.ledger.erasing import Erase
from atomic.ledger.failures import explained
from atomic.ledger.followers import Followers
from atomic.ledger.group import draft
from atomic.ledger.heads import Outside, heads_path
from atomic.ledger.holders import Holder, holders_path
from atomic.ledger.keys import Keys, keys_path
from atomic.ledger.operations import Append, Seal
from atomic.ledger.reader import LedgerReader
from atomic.ledger.schema import BUSY_TIMEOUT_S, checked_version, connect, into_wal, migrate
from atomic.ledger.sealing import EVERY as SEAL_EVERY
from atomic.ledger.sealing import Sealer
from atomic.ledger.writer import Writer
from atomic.protocols import Follower, Spend, Standing
from atomic.records.event import Commitment, Entry, Event


class SqliteLedger:
    """The append-only, hash-chained sequence of events, in one SQLite file.

    Belongs to one event loop at a time; reading is safe from any thread. Close it when done.

    >>> from atomic.records import Entry, MarketOpened
    >>> async def example() -> str:
    ...     async with SqliteLedger.open("market.db") as ledger:
    ...         await ledger.append([Entry(payload=MarketOpened(version="1", rules_version="1", config=""))])
    ...         return [event.kind for event in ledger.read()]
    >>> asyncio.run(example())
    ['market']
    """

    def __init__(self, path: Path, clock: Clock, timeout: float, seal_every: int) -> None:
        self._clock = clock
        self._path = path
        with ExitStack() as opened:  # closes what is open already should the rest fail
            with suppress(OSError):  # SQLite says better what is wrong; its log and index get the mode of the file
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # it holds other people's mail
            connection = connect(path, timeout=timeout)
            opened.callback(connection.close)
            into_wal(connection, timeout)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what is erased leaves no copy in a free page
            _refuse_without_keys(connection, path)
            keys = Keys(keys_path(path), timeout=timeout)
            opened.callback(keys.close)
            migrate(connection, path, keys.token)
            sealer = Sealer(Outside(heads_path(path)), keys.of_market("signing"), clock, seal_every)
            sealer.begin(connection)
            self._holder = Holder(holders_path(path))
            opened.callback(self._holder.close)
            self._reader = LedgerReader.open(path)
            opened.callback(self._reader.close)
            self._followers = Followers(lambda after: self.read(after=after))
            self._keys = keys  # the writer's own: used in its thread alone
            self._writer = Writer(path, connection, keys, sealer, publish=self._followers.publish)
            opened.pop_all()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        clock: Clock | None = None,
        timeout: float = BUSY_TIMEOUT_S,
        seal_every: int = SEAL_EVERY,
    ) -> SqliteLedger:
        """Open a ledger, or create it.

        `timeout` is how long to wait for other processes, in seconds; the head is signed every `seal_every` events.

        Raises LedgerUnwritable, LedgerLocked, or OperatorError when a newer release wrote it or its keys are lost.
        """
        path = Path(path)
        try:
            return cls(path, clock or SystemClock(), timeout, seal_every)
        except Exception as error:  # of storage or not: `explained` tells
            raise explained(error, path) from error

    async def append(
        self, entries: Sequence[Entry], *, spend: Spend | None = None, power_durable: bool = False
    ) -> tuple[Event, ...]:
        """Append all or nothing, as the protocol `Ledger` says; an entry with time 0 gets the ledger's clock.

        A cancelled append may have been written; followers are told if it was. Besides the protocol's errors:
        ValueError for what JSON cannot hold, Tampered when the ledger's history changed under us.
        """
        now_ns = self._clock.time_ns()
        drafts = [draft(entry, now_ns) for entry in entries]
        if spend is not None and not drafts:
            raise ValueError("spending is recorded with an event")
        events: tuple[Event, ...] = await self._writer.submit(Append(drafts, spend, power_durable))
        return events

    def follow(self, callback: Follower, *, after: int | None = None) -> Callable[[], None]:
        """Tell `callback` of every event with seq > `after`, in order, without gaps; the result ends it.

        Events already there are told before this returns; None means from now on. Later ones are told in the
        event loop's thread before the append that brought them returns. What `callback` raises then goes to the
        loop's exception handler.
        """
        return self._followers.add(callback, self._reader.head() if after is None else after)

    def read(
        self, *, after: int = 0, request_id: str | None = None, kinds: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """Events with seq > after, in order, up to the one that was last when the reading began."""
        return self._reader.read(after=after, request_id=request_id, kinds=kinds, limit=limit)

    def news(self, after: int) -> Sequence[Event]:
        """Events with seq > `after`, if some of them are other processes' and followers may not know them yet."""
        return tuple(self.read(after=after)) if self._writer.unheard(self._reader.head(), after) else ()

    def body(self, commitment: Commitment) -> bytes | None:
        """A body; None when it was erased. Raises Tampered when it is not what the chain committed to."""
        return self._reader.body(commitment)

    def subjects(self, commitment: Commitment) -> tuple[str, ...]:
        """Whose data a body is: a token for each, in order, which a new body's `subjects` may hold as well."""
        return self._reader.subjects(commitment)

    def blob(self, content_id: str) -> bytes:
        """A content by its id. Raises NotFound, or Tampered when it does not hash to its id."""
        return self._reader.blob(content_id)

    def head(self) -> int:
        """The seq of the last event; 0 when there is none."""
        return self._reader.head()

    async def seal(self) -> int:
        """Sign the head now; returns the seq up to which the ledger is sealed. Power-durable."""
        sealed: int = await self._writer.submit(Seal())
        return sealed

    async def erase(self, subject: str) -> Event | None:
        """Erase all that is about a subject, for ever: the event says how much; None when there was nothing.

        Power-durable. Its keys are destroyed, its bodies leave the file and the log. See `atomic.erasure.erase`,
        which also draws beliefs up again.
        """
        return await self._erase(Erase(self._keys, "asked", self._clock.time_ns(), subject=subject))

    async def erase_requests(self, requests: Iterable[tuple[str, str]]) -> Event | None:
        """Erase every body of some requests, given as (tenant, request id), because their time is over."""
        return await self._erase(Erase(self._keys, "retention", self._clock.time_ns(), requests=tuple(requests)))

    def admit(self, tokens: Sequence[str], index_key: bytes) -> bool:
        """Let those in whom these tokens of another ledger stand for, which were made with `index_key`.

        False when one of them was erased here: then nothing about them may come in.
        """
        with closing(Keys(keys_path(self._path))) as keys:
            keys.adopt(index_key)
            return keys.admit(tokens)

    async def _erase(self, erase: Erase) -> Event | None:
        erased: Event | None = await self._writer.submit(erase)
        return erased

    async def claim(self, tenant: str, request_id: str, fingerprint: str) -> Standing:
        """Claim a request, or say why not, as the protocol `Claims` says.

        The claim of a process that died is taken over at once, that of a living one when its lease of an hour ends.
        """
        claim = Claim(tenant, request_id, fingerprint, self._holder.name, self._clock.time_ns(), self._holder.alive)
        standing: Standing = await self._writer.submit(claim)
        return standing

    async def release(self, tenant: str, request_id: str, *, done: bool) -> None:
        """Give a claim back: done, or for somebody else to resume. One that is not ours any more stays as it is."""
        await self._writer.submit(Release(tenant, request_id, self._holder.name, done))

    async def admit_at_rate(self, name: str, *, per_minute: int) -> int:
        """Count one more on a meter that all processes share: 0, or the nanoseconds until there is room for it."""
        wait: int = await self._writer.submit(Admit(name, per_minute, self._clock.time_ns()))
        return wait

    def spent(self, day: str, task: str = "") -> int:
        """What was spent on a UTC date ("2026-11-24"), or of it for one task, reservations included, in nano-USD."""
        return self._reader.spent(day, task)

    def secret(self) -> bytes:
        """The market's secret, 32 bytes: the key of the draws."""
        return self._reader.secret()

    async def close(self) -> None:
        """Finish what waits, seal, and give the files back; may be called twice.

        Raises LedgerLocked or LedgerUnwritable when the last events could not be sealed; they are written all the same.
        """
        await asyncio.to_thread(self._writer.stop().wait)
        self._holder.close()
        self._reader.close()
        self._writer.close()  # last: it carries the log into the file and removes it

    async def __aenter__(self) -> SqliteLedger:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _refuse_without_keys(connection: sqlite3.Connection, path: Path) -> None:
    """New keys would make every body and every signature of the old ones look forged."""
    keys = keys_path(path)
    if not checked_version(connection, path):
        return
    if keys.exists() and keys.stat().st_size:
        return
    tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'event'").fetchone()
    if tables and connection.execute("SELECT 1 FROM event LIMIT 1").fetchone():
        raise OperatorError(
            f"the keys of the ledger {path} are missing: {keys.name}",
            hint="put them back from a backup; without them it can be read and verified, but not gone on with",
        )

"""The writer: one thread per open ledger, which commits everything that waits in one transaction (group commit)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atomic.errors import CallerError, LedgerLocked, LedgerUnwritable
from atomic.ledger.chain import event_of
from atomic.ledger.erasing import Erase, erased_requests, leave_no_copies
from atomic.ledger.failures import explained
from atomic.ledger.group import Group
from atomic.ledger.keys import Keys
from atomic.ledger.operations import Append, Operation, Seal
from atomic.ledger.schema import extend_log
from atomic.ledger.sealing import Sealer
from atomic.records.event import Event

_QUICK_SYNC_S = 0.001
_CHUNK = 2_000  # events of other processes that are read at once


@dataclass(slots=True)
class _Waiting:
    operation: Operation
    future: asyncio.Future[Any]
    outcome: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Stop:
    done: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Takes operations from the event loop, commits them in groups, and hands events and results back to it."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        keys: Keys,
        sealer: Sealer,
        *,
        publish: Callable[[Sequence[Event]], None],
    ) -> None:
        self._path = path
        self._connection = connection
        self._keys = keys
        self._sealer = sealer
        self._publish = publish
        self._pid = os.getpid()
        self._path_text = str(path)
        self._inode = path.stat().st_ino
        self._full_sync = True  # as it was opened, to seal
        self._log_extended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._turn = threading.Lock()  # whose turn it is to use the connection
        self._patient = True  # whether the connection waits for other processes' locks
        self._sync_s = 1.0  # how long the last commit took that had to reach the disk; slow until it is known
        (self._busy_timeout_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
        self._others_to = 0  # the seq of the last event of another process that a commit met
        self._stop = _Stop()
        self._stop_error: Exception | None = None
        self._queue: queue.SimpleQueue[_Waiting | _Stop] = queue.SimpleQueue()
        head = connection.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        self._erased = erased_requests(connection)
        self._erasures_to = int(head[0]) if head else 0  # the seq up to which erasures are known
        self._seen: tuple[int, bytes] = (int(head[0]), bytes(head[1])) if head else (0, bytes(32))
        # A daemon: what was acknowledged is durable, so a process that just exits loses nothing.
        self._thread = threading.Thread(target=self._run, name=f"ledger {path.name}", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation) -> asyncio.Future[Any]:
        """Queue an operation; to be called in the event loop that the ledger belongs to."""
        if os.getpid() != self._pid:
            raise CallerError("this ledger was opened before a fork", hint="open it in the child")
        loop = asyncio.get_running_loop()
        if self._closed:
            raise CallerError("this ledger is closed")
        if self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                raise CallerError("a ledger belongs to one event loop", hint="open it once per loop")
            self._loop = loop
        future: asyncio.Future[Any] = loop.create_future()
        waiting = _Waiting(operation, future)
        if not self._at_once(waiting):
            self._queue.put(waiting)
        return future

    def _at_once(self, one: _Waiting) -> bool:
        """Commit in the caller's thread: a fast disk syncs sooner than a thread is woken and wakes another.

        Only what must reach the disk and waits for nobody: not behind others, not for another process's lock.
        """
        quick = isinstance(one.operation, Append) and one.operation.power_durable and self._sync_s < _QUICK_SYNC_S
        if not quick or not self._turn.acquire(blocking=False):
            return False
        try:
            if not self._queue.empty() or self._sealer.due(self._seen[0]):
                return False
            self._wait_for_locks(patient=False)
            events = self._commit([one])
        except Exception:  # whatever it is, the writer's thread meets it again and explains it
            return False
        finally:
            self._turn.release()
        self._deliver(events, [one])
        return True

    def unheard(self, head: int, after: int) -> bool:
        """Whether other processes wrote any of the events after one and up to the head."""
        return head > self._seen[0] or self._others_to > after

    def stop(self) -> threading.Event:
        """Finish what waits; the event is set when that is done. May be called twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(self._stop)
        return self._stop.done

    def close(self) -> None:
        """Give the files back, after `stop` is done. Raises what kept the last events from being sealed."""
        self._connection.close()
        self._keys.close()
        error, self._stop_error = self._stop_error, None
        if error is not None:
            raise error

    def _wait_for_locks(self, *, patient: bool) -> None:
        if patient != self._patient:
            self._connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout_ms if patient else 0}")
            self._patient = patient

    def _run(self) -> None:
        while True:
            waiting, stop = self._take()
            with self._turn:
                if self._turned(waiting, stop):
                    return

    def _turned(self, waiting: Sequence[_Waiting], stop: _Stop | None) -> bool:
        """One turn of the writer's thread; whether it was the last."""
        self._wait_for_locks(patient=True)
        others = [one for one in waiting if not isinstance(one.operation, Seal | Erase)]
        if others:
            self._process(others)
        for one in waiting:
            if isinstance(one.operation, Erase):  # alone, since it looks for bodies in the tables
                self._process([one])
        self._seal([one for one in waiting if isinstance(one.operation, Seal)])
        if stop is not None:
            try:
                self._sync(full=True)
                self._refuse_if_vanished()
                self._sealer.seal(self._connection)
            except Exception as error:  # told by `close`: this thread ends here, and nobody else hears it
                self._stop_error = explained(error, self._path)
            stop.done.set()
        return stop is not None

    def _take(self) -> tuple[list[_Waiting], _Stop | None]:
        """Everything that waits; sleeps until there is something."""
        waiting: list[_Waiting] = []
        one = self._queue.get()
        while True:
            if isinstance(one, _Stop):
                return waiting, one
            waiting.append(one)
            try:
                one = self._queue.get_nowait()
            except queue.Empty:
                return waiting, None

    def _process(self, waiting: Sequence[_Waiting]) -> None:
        try:
            events = self._commit(waiting)
            for one in waiting:
                if isinstance(one.operation, Erase):
                    leave_no_copies(self._connection, self._path, one.operation)
                    self._log_extended = False
        except Exception as error:  # whatever it is, its callers must hear of it
            failure = explained(error, self._path)
            if len(waiting) > 1 and not isinstance(failure, LedgerLocked):
                # One that cannot be written (too large for the space left) must not take the others with it.
                for one in waiting:
                    self._process([one])
                return
            for one in waiting:
                one.error = failure
            events = []
        self._hand_back(events, waiting)

    def _seal(self, waiting: Sequence[_Waiting]) -> None:
        """Seal for those who ask; else if it is due."""
        error: Exception | None = None
        sealed = -1
        try:
            if waiting or self._sealer.due(self._seen[0]):
                self._sync(full=True)
                sealed = self._sealer.seal(self._connection, at_least=0 if waiting else self._sealer.every)
        except Exception as raised:  # whatever it is, whoever asked must hear of it
            error = explained(raised, self._path)
        for one in waiting:
            one.outcome, one.error = sealed, error
        if waiting:
            self._hand_back((), waiting)
        elif error is not None:
            self._report(error)

    def _report(self, error: Exception) -> None:
        """What nobody waits for goes to the loop's exception handler."""
        context = {"message": f"the ledger {self._path} could not be sealed", "exception": error}
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                loop.call_soon_threadsafe(loop.call_exception_handler, context)

    def _commit(self, waiting: Sequence[_Waiting]) -> list[Event]:
        began = time.monotonic()
        self._refuse_if_vanished()
        full = any(one.operation.power_durable for one in waiting)
        if full and not self._log_extended:
            self._log_extended = True
            with contextlib.suppress(OSError):  # it would only have been faster
                extend_log(self._connection, self._path)
        self._sync(full=full)
        connection = self._connection
        while True:
            subjects = set().union(*(one.operation.subjects(self._erased) for one in waiting))
            keys = self._keys.ensure(subjects) if subjects else {}
            connection.execute("BEGIN IMMEDIATE")
            try:
                group = Group(connection, keys, self._erased)
                others = [event_of(row) for row in group.newer(*self._seen, _CHUNK)]
                if self._heard_of_erasures(others):
                    continue  # the keys at hand may be destroyed ones
                if len(others) < _CHUNK:
                    for one in waiting:
                        one.outcome = one.operation.apply(group)
                    group.flush()
                    connection.execute("COMMIT")
                    self._others_to = others[-1].seq if others else self._others_to  # first: see `unheard`
                    self._seen = group.seq, group.hash
                    if full:
                        self._sync_s = time.monotonic() - began
                    self._heard_of_erasures(group.events)
                    return others + group.events
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            # Far behind: catch up without holding the others up.
            self._catch_up()

    def _heard_of_erasures(self, events: Sequence[Event]) -> bool:
        """Take in what was erased; whether there was anything new."""
        new = [event for event in events if event.kind == "erased" and event.seq > self._erasures_to]
        if not new:
            return False
        self._erasures_to = new[-1].seq
        self._erased = erased_requests(self._connection)
        self._keys.forget()
        return True

    def _catch_up(self) -> None:
        while True:
            rows = self._connection.execute(
                "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (self._seen[0], _CHUNK)
            ).fetchall()
            if not rows:
                return
            events = [event_of(row) for row in rows]
            self._others_to = events[-1].seq
            self._heard_of_erasures(events)
            self._hand_back(events, ())
            self._seen = int(rows[-1][0]), bytes(rows[-1][-1])

    def _sync(self, *, full: bool) -> None:
        # In WAL a FULL commit syncs the log, and with it every earlier commit.
        if full != self._full_sync:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._full_sync = full

    def _refuse_if_vanished(self) -> None:
        # SQLite would go on writing into the deleted file, and its words would be lost.
        try:
            there = os.stat(self._path_text).st_ino == self._inode  # noqa: PTH116 - once per commit, and a third the time
        except FileNotFoundError:
            there = False
        if not there:
            raise LedgerUnwritable(
                f"the ledger {self._path} has vanished", hint="put the file back, or restart with a new ledger"
            )

    def _hand_back(self, events: Sequence[Event], waiting: Sequence[_Waiting]) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._deliver, events, waiting)
        except RuntimeError:  # the loop is closed: nobody waits any more, and what was written stays written
            return

    def _deliver(self, events: Sequence[Event], waiting: Sequence[_Waiting]) -> None:
        """In the loop's thread: followers first, then the callers."""
        try:
            if events:
                self._publish(events)
        finally:
            for one in waiting:
                if one.future.done():  # cancelled
                    continue
                if one.error is not None:
                    one.future.set_exception(one.error)
                else:
                    one.future.set_result(one.outcome)

"""Planning beside the requests: a task whose line-ups have grown gets a new response model, in a thread of its own.

The model is recorded as an event, so that every process, every restart and every replay has the same one at the same
place. Where two processes plan the same task, the one that ends first is heard.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from atomic.belief import Beliefs
from atomic.belief.lineups import OfTask
from atomic.clock import Clock
from atomic.records.event import Entry
from atomic.records.responses import ModelFitted
from atomic.rules.planner import plan
from atomic.shop import Record

_PATIENCE_SECONDS = 2.0  # how long closing waits for a plan that is nearly done

Planned = ModelFitted | Exception
Planner = Callable[[str, OfTask, int], ModelFitted]


class Planning:
    """Watches line-ups and plans what is due, one task at a time. `hold` lets learning go on without it.

    `planner` makes the model of a task's line-ups up to a seq; closing waits `patience` seconds for it.
    """

    def __init__(
        self,
        beliefs: Beliefs,
        record: Record,
        clock: Clock,
        report: Callable[[Exception], None],
        *,
        planner: Planner = plan,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._beliefs, self._record, self._clock, self._report = beliefs, record, clock, report
        self._planner, self._patience = planner, patience
        self._thread: threading.Thread | None = None
        self._recording: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._given_up: set[str] = set()  # tasks whose plan failed: the market goes on without
        self._closed = False
        self.hold = False

    def look(self) -> None:
        """Begin to plan if something is due; never waits."""
        if self._closed or self.hold or self._thread is not None:
            if self._thread is None:
                self._tell_waiting()
            return
        tasks = self._beliefs.lineups.tasks
        due = next((name for name, task in tasks.items() if task.due and name not in self._given_up), None)
        if due is None:
            self._tell_waiting()
            return
        with suppress(RuntimeError):  # nobody runs a loop: a ledger that is only read plans nothing
            self._begin(due, asyncio.get_running_loop())

    def _begin(self, due: str, loop: asyncio.AbstractEventLoop) -> None:
        known = self._beliefs.lineups.tasks[due]
        copied, seq = OfTask(known.alternatives), self._beliefs.seq
        copied.kept.update(known.kept)

        def work() -> None:
            found: Planned
            try:
                found = self._planner(due, copied, seq)
            except BaseException as error:  # told in the loop; a thread that dies silently would be waited for
                found = error if isinstance(error, Exception) else RuntimeError(repr(error))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._ended, due, copied, found)

        thread = threading.Thread(target=work, name="atomic-planning", daemon=True)
        thread.start()
        self._thread = thread

    async def done(self) -> None:
        """Plan what is due, now, and wait until nothing is."""
        self.hold = False
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self.look()
        await waiting

    def _ended(self, name: str, of: OfTask, found: Planned) -> None:
        if self._closed:
            self._tell_waiting()
        else:
            self._recording = asyncio.get_running_loop().create_task(self._write(name, of, found))

    async def _write(self, name: str, of: OfTask, found: Planned) -> None:
        try:
            if isinstance(found, Exception):
                raise found
            await self._record(())
            task = self._beliefs.lineups.tasks.get(name)
            # Another process may have been quicker, a request been erased, or a bidder become another.
            if task is not None and task.due and not self._outdated(of, task):
                await self._record([Entry(payload=found, time_ns=self._clock.time_ns())])
        except Exception as error:  # whatever it is, requests do not hang on it
            self._given_up.add(name)
            self._report(error)
        finally:
            self._thread = self._recording = None
        self.look()

    def _outdated(self, of: OfTask, now: OfTask) -> bool:
        erased = self._beliefs.erased
        return of.alternatives != now.alternatives or any(
            request in erased or now.kept.get(request, lineup) is not lineup for request, lineup in of.kept.items()
        )

    def _tell_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def close(self) -> None:
        """Wait a little for what is nearly done, and give up what is not."""
        self.hold = True
        if self._thread is not None and not self._closed:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await asyncio.wait({waiting}, timeout=self._patience)
        self._closed = True
        if self._recording is not None:
            await asyncio.wait({self._recording})

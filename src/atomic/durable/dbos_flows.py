"""The first durable runner: DBOS, a library with a database file, in this process. No server, no port, no network."""

from __future__ import annotations

import asyncio
import fcntl
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from dbos import DBOS, SetWorkflowID
from dbos._error import DBOSException, DBOSWorkflowIDInUseError

from atomic.durable.dbos_file import APPLICATION, VERSION, WAITS, FlowsFile, JsonSerializer, into_wal, url_of
from atomic.durable.parking import Names, Parked, reason_of, tried
from atomic.errors import Conflict, NotFound, OperatorError
from atomic.protocols import FlowBody
from atomic.records.flow import Json

_RECOVERIES = 10  # of a flow whose process dies each time; then it is parked
_POLL_S = 0.1
_DRAIN_S = 5
KEEP = timedelta(days=30)  # that a flow which is done or cancelled can still be looked at
_PRUNE_EVERY_S = 3_600.0
# SQLite has one writer at a time, and who finds it busy sleeps up to 0.1 s: threads that queue for one connection wait
# no longer than they must. Fifty short flows at once: 260 instead of 150 steps/s.
_CONNECTIONS = 1


class _Closing(BaseException):
    """The runner closes: the flow is left as it stands.

    No CancelledError, which reaches DBOS as `concurrent.futures.CancelledError`: an `Exception`, so that it writes
    down every open flow of an orderly end as failed.
    """


class DbosFlows(FlowsFile):
    """Runs the flows of a file, those that another process left too. One runner per file, and one per process.

    Bodies' steps are done in the event loop that opened it; DBOS waits and writes in threads of its own. A flow whose
    kind is not registered here stays as it is.
    """

    def __init__(self, path: Path, bodies: Mapping[str, FlowBody], lock: BinaryIO, keep: timedelta) -> None:
        self._lock = lock
        self._keep = keep
        self._prune_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._gate = threading.Lock()
        self._running: dict[asyncio.Task[Any], asyncio.AbstractEventLoop] = {}
        self._working: set[Future[Json]] = set()
        self._closing = False
        self._bodies = {kind: self._workflow(kind, body) for kind, body in bodies.items()}
        super().__init__(path)

    @classmethod
    async def open(cls, path: Path, bodies: Mapping[str, FlowBody], *, keep: timedelta = KEEP) -> DbosFlows:
        """Open the file, or make it, and go on with what was open. Raises OperatorError when another runs it.

        Flows that ended are removed after `keep`: an id that is started again then begins anew.
        """
        lock = path.with_name(path.name + ".runner").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise OperatorError(f"another runner works on the flows in {path}") from None
        try:
            into_wal(path)
            DBOS(
                config={
                    "name": APPLICATION,
                    "system_database_url": url_of(path),
                    "application_version": VERSION,
                    "log_level": "CRITICAL",
                    "serializer": JsonSerializer(),
                    "notification_listener_polling_interval_sec": _POLL_S,
                    "sys_db_pool_size": _CONNECTIONS,
                }
            )
            made = cls(path, bodies, lock, keep)
            await asyncio.to_thread(DBOS.launch)  # in a thread: else it would take this loop for its own work
        except BaseException:  # whoever is cancelled while it opens gives the lock back, too
            lock.close()
            raise
        return made

    async def __aenter__(self) -> DbosFlows:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, kind: str, flow_id: str, argument: Json) -> None:
        """See `Flows`."""
        if kind not in self._bodies:
            raise NotFound(f"there is no kind of flow {kind!r}")
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + _PRUNE_EVERY_S
            await self.prune(datetime.now(UTC) - self._keep)

        def begin() -> None:
            with SetWorkflowID(flow_id, workflow_id_reuse_policy="reject"):
                DBOS.start_workflow(self._bodies[kind], argument)

        try:
            await asyncio.to_thread(begin)
        except DBOSWorkflowIDInUseError:
            known = await self._known(flow_id)
            if (known.kind, known.argument) != (kind, argument):
                raise Conflict(f"flow {flow_id!r} was started before with another kind or argument") from None

    async def close(self) -> None:
        """Stop; what is open goes on where the file is opened next. A step that is being done is cut. Call once."""
        with self._gate:
            self._closing = True
            running, working = tuple(self._running.items()), tuple(self._working)
        for step in working:
            step.cancel()
        for task, loop in running:
            loop.call_soon_threadsafe(task.cancel)
        # Not 0: a flow that DBOS hands to its loop while that is stopped would block the interpreter's end for ever.
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=_DRAIN_S)
        await super().close()
        self._lock.close()

    def _workflow(self, kind: str, body: FlowBody) -> Callable[[Json], Coroutine[Any, Any, Json]]:
        @DBOS.workflow(name=kind, max_recovery_attempts=_RECOVERIES)
        async def run(argument: Json) -> Json:
            task = asyncio.current_task()
            assert task is not None
            with self._gate:
                if self._closing:
                    raise _Closing
                self._running[task] = asyncio.get_running_loop()
            try:
                return await body(_DbosSteps(self.here), argument)
            except (Parked, DBOSException):
                raise
            except asyncio.CancelledError:
                raise _Closing from None
            except Exception as error:  # a body is anybody's: its flow is parked with the reason
                raise Parked(reason_of(error)) from None
            finally:
                del self._running[task]

        return run

    def here(self, work: Callable[[], Coroutine[Any, Any, Json]]) -> Json:
        """Do something in the loop that opened this, and wait for it in one of DBOS's threads."""
        with self._gate:
            if self._closing:
                raise _Closing
            doing = asyncio.run_coroutine_threadsafe(work(), self._loop)
            self._working.add(doing)
        try:
            return doing.result()
        except CancelledError:
            raise _Closing from None
        finally:
            self._working.discard(doing)


class _DbosSteps:
    """See `Steps`."""

    def __init__(self, here: Callable[[Callable[[], Coroutine[Any, Any, Json]]], Json]) -> None:
        self._here = here
        self._names = Names()

    async def step(
        self, name: str, work: Callable[[], Awaitable[Json]], *, attempts: int = 1, pause: float = 1.0
    ) -> Json:
        self._names.use(name)

        # Not async: DBOS then looks the step up, does it and writes its result in one turn of a thread, not in three,
        # which pays for the way from there to the loop that opened this and back (`atomic bench flows`).
        def do() -> Json:
            return self._here(lambda: tried(work, attempts=attempts, pause=pause))

        return await DBOS.run_step_async({"name": name}, do)

    async def wait(self, signal: str, *, seconds: float) -> Json:
        self._names.use(f"wait {signal}")
        await self._waits(signal)
        value: Json = await DBOS.recv_async(signal, timeout_seconds=seconds)
        await self._waits(None)
        return value

    async def sleep(self, name: str, *, seconds: float) -> None:
        self._names.use(f"sleep {name}")
        await self._waits(name)
        await DBOS.sleep_async(seconds)
        await self._waits(None)

    async def _waits(self, name: str | None) -> None:
        flow_id = DBOS.workflow_id
        assert flow_id is not None
        await DBOS.update_workflow_attributes_async(flow_id, {WAITS: name}, merge=True)

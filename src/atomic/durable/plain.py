"""The plain runner: flows in this process, gone with it. For one-shot runs, and where nothing else is installed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from atomic.clock import Clock, SystemClock
from atomic.durable.parking import Names, Parked, reason_of, tried
from atomic.errors import Conflict, NotFound
from atomic.protocols import FlowBody
from atomic.records.flow import FlowState, FlowStatus, Json

KEEP_ENDED = 10_000


@dataclass(slots=True)
class _Flow:
    id: str
    kind: str
    argument: Json
    began_ns: int
    changed_ns: int
    status: FlowStatus = "running"
    result: Json = None
    reason: str = ""
    waits_for: str = ""
    journal: dict[str, Json] = field(default_factory=dict)  # results of ended steps and waits
    deadlines: dict[str, float] = field(default_factory=dict)
    signals: dict[str, deque[Json]] = field(default_factory=dict)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    stopping: bool = False  # cancelled or paused while a step is being done


class _Stopped(BaseException):
    """The body is left between two steps: control flow that no `except Exception` of a body can catch."""


class PlainFlows:
    """Durable flows without durability. Belongs to one event loop; close it when done.

    Of flows that are done or cancelled the newest 10,000 are remembered.

    >>> async def add(steps, argument):
    ...     async def one(): return argument + 1
    ...     return await steps.step("one", one)
    >>> async def example():
    ...     async with PlainFlows({"add": add}) as flows:
    ...         await flows.start("add", "f1", 4)
    ...         while (await flows.query("f1"))[0].status != "done":
    ...             await asyncio.sleep(0)
    ...         return (await flows.query("f1"))[0].result
    >>> asyncio.run(example())
    5
    """

    def __init__(self, bodies: Mapping[str, FlowBody], *, clock: Clock | None = None) -> None:
        self._bodies = bodies
        self._clock = clock or SystemClock()
        self._flows: dict[str, _Flow] = {}

    async def __aenter__(self) -> PlainFlows:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, kind: str, flow_id: str, argument: Json) -> None:
        """See `Flows`."""
        if kind not in self._bodies:
            raise NotFound(f"there is no kind of flow {kind!r}")
        known = self._flows.get(flow_id)
        if known is not None:
            if (known.kind, known.argument) != (kind, argument):
                raise Conflict(f"flow {flow_id!r} was started before with another kind or argument")
            return
        now = self._clock.time_ns()
        flow = self._flows[flow_id] = _Flow(flow_id, kind, argument, now, now)
        self._go(flow)

    async def signal(self, flow_id: str, name: str, value: Json) -> None:
        """See `Flows`."""
        flow = self._flow(flow_id)
        flow.signals.setdefault(name, deque()).append(value)
        flow.heard.set()

    async def query(self, flow_id: str = "") -> Sequence[FlowState]:
        """See `Flows`."""
        if flow_id:
            return [_state(self._flows[flow_id], steps=True)] if flow_id in self._flows else []
        return [_state(flow) for flow in reversed(self._flows.values())]

    async def cancel(self, flow_id: str, *, pause: bool = False) -> None:
        """See `Flows`."""
        flow = self._flow(flow_id)
        if flow.status == "done":
            return
        self._change(flow, "paused" if pause else "cancelled")
        flow.stopping = True
        flow.heard.set()

    async def resume(self, flow_id: str) -> None:
        """See `Flows`."""
        flow = self._flow(flow_id)
        if flow.status in {"paused", "cancelled", "parked"}:
            if flow.task is not None:  # the step that was being done is done first
                await asyncio.wait({flow.task})
            flow.reason = ""
            self._change(flow, "running")
            self._go(flow)

    async def close(self) -> None:
        """Stop what runs; it is gone. May be called twice."""
        tasks = [flow.task for flow in self._flows.values() if flow.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _flow(self, flow_id: str) -> _Flow:
        if flow_id not in self._flows:
            raise NotFound(f"there is no flow {flow_id!r}")
        return self._flows[flow_id]

    def _change(self, flow: _Flow, status: FlowStatus) -> None:
        flow.status, flow.changed_ns = status, self._clock.time_ns()

    def _go(self, flow: _Flow) -> None:
        flow.stopping = False
        flow.task = asyncio.get_running_loop().create_task(self._run(flow))

    async def _run(self, flow: _Flow) -> None:
        try:
            result = await self._bodies[flow.kind](_PlainSteps(flow, self._change), flow.argument)
        except _Stopped:
            pass
        except Exception as error:  # a body is anybody's: its flow is parked with the reason
            flow.reason = str(error) if isinstance(error, Parked) else reason_of(error)
            self._change(flow, "parked")
        else:
            flow.result = result
            self._change(flow, "done")
        finally:
            flow.task, flow.waits_for = None, ""
        ended = [one.id for one in self._flows.values() if one.status in {"done", "cancelled"}]
        for flow_id in ended[:-KEEP_ENDED]:
            del self._flows[flow_id]


class _PlainSteps:
    """See `Steps`."""

    def __init__(self, flow: _Flow, change: Callable[[_Flow, FlowStatus], None]) -> None:
        self._flow = flow
        self._change = change
        self._names = Names()

    async def step(
        self, name: str, work: Callable[[], Awaitable[Json]], *, attempts: int = 1, pause: float = 1.0
    ) -> Json:
        self._names.use(name)
        if name not in self._flow.journal:
            self._stop_here()
            self._flow.journal[name] = await tried(work, attempts=attempts, pause=pause)
            self._stop_here()
        return self._flow.journal[name]

    async def wait(self, signal: str, *, seconds: float) -> Json:
        key = f"wait {signal}"
        self._names.use(key)
        if key not in self._flow.journal:
            self._flow.journal[key] = await self._heard(signal, key, seconds)
        return self._flow.journal[key]

    async def sleep(self, name: str, *, seconds: float) -> None:
        key = f"sleep {name}"
        self._names.use(key)
        if key not in self._flow.journal:
            await self._heard(None, key, seconds)
            self._flow.journal[key] = None

    async def _heard(self, signal: str | None, key: str, seconds: float) -> Json:
        flow, loop = self._flow, asyncio.get_running_loop()
        deadline = flow.deadlines.setdefault(key, loop.time() + seconds)
        self._stop_here()
        flow.waits_for = key.partition(" ")[2]
        self._change(flow, "waiting")
        value: Json = None
        while True:
            flow.heard.clear()
            if signal is not None and flow.signals.get(signal):
                value = flow.signals[signal].popleft()
                break
            if loop.time() >= deadline:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(flow.heard.wait(), deadline - loop.time())
            self._stop_here()
        flow.waits_for = ""
        self._change(flow, "running")
        return value

    def _stop_here(self) -> None:
        if self._flow.stopping:
            raise _Stopped


def _state(flow: _Flow, *, steps: bool = False) -> FlowState:
    return FlowState(
        id=flow.id,
        kind=flow.kind,
        status=flow.status,
        argument=flow.argument,
        result=flow.result,
        reason=flow.reason,
        waits_for=flow.waits_for,
        steps=tuple(flow.journal) if steps else (),
        began_ns=flow.began_ns,
        changed_ns=flow.changed_ns,
    )

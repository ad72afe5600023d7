"""What durable flows take over DBOS called bare: steps per second of both, in turns, in one process and one file.

`atomic bench flows` prints a table. The bare workflow is as plain as DBOS's own examples: a coroutine whose steps are
coroutines, in DBOS's own loop, started and awaited by DBOS's own functions. Both write to the same file with a
write-ahead log, since without one (DBOS's default) it would be several times slower and the comparison worth nothing.
Steps do nothing, so that all time is overhead. One flow has its steps one after the other; twenty run at once.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomic.errors import MissingExtra
from atomic.protocols import Steps
from atomic.records.flow import Json

if TYPE_CHECKING:
    from atomic.durable.dbos_flows import DbosFlows

TARGET = 0.8  # of the bare steps per second: must
ROUNDS = 15
_SHAPES = {"one_flow": (1, 100), "twenty_flows": (20, 10), "short_flows": (50, 1)}  # flows at once, and steps of each
_KIND = "bench"
_PATIENCE_S = 60.0

Run = Callable[[str, int], Awaitable[None]]  # a flow by its id, with so many steps


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Steps per second of both, and the ratio of each pair of rounds. Raises MissingExtra without DBOS."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), rounds))


async def _measured(folder: Path, rounds: int) -> dict[str, Any]:
    try:
        from dbos import DBOS, SetWorkflowID

        from atomic.durable.dbos_flows import DbosFlows
    except ModuleNotFoundError as missing:
        if missing.name != "dbos":
            raise
        raise MissingExtra("durable flows need DBOS", hint="pip install 'atomic-market[flows]'") from None

    @DBOS.workflow(name="bare")
    async def bare(count: int) -> int:
        total = 0
        for number in range(count):
            total += await DBOS.run_step_async({"name": f"{number}"}, _work)
        return total

    async def run_bare(flow_id: str, count: int) -> None:
        def begin_and_wait() -> None:
            with SetWorkflowID(flow_id):
                DBOS.start_workflow(bare, count).get_result()  # type: ignore[unused-coroutine]  # it is the handle's

        await asyncio.to_thread(begin_and_wait)  # else DBOS would take this loop's threads for its own

    ours = _Ours()
    async with await DbosFlows.open(folder / "flows.db", {_KIND: ours.body}) as ours.flows:
        found: dict[str, Any] = {}
        for shape, (flows, steps) in _SHAPES.items():
            await _round(ours.run, f"{shape}/warm-up", flows, steps)
            await _round(run_bare, f"{shape}/warm-up bare", flows, steps)
            pairs = [
                await _pair((ours.run, run_bare), f"{shape}/{number}", (flows, steps), turned=number % 2 == 1)
                for number in range(rounds)
            ]
            found[shape] = _figures(pairs)
    return found | {"ratio": min(one["ratio"] for one in found.values())}


async def _pair(runs: tuple[Run, Run], name: str, shape: tuple[int, int], *, turned: bool) -> tuple[float, float]:
    """One round of each, the second first where `turned`; steps per second in the order of `runs`."""
    order = (1, 0) if turned else (0, 1)
    speeds = {which: await _round(runs[which], f"{name}/{which}", *shape) for which in order}
    return speeds[0], speeds[1]


async def _round(run: Run, name: str, flows: int, steps: int) -> float:
    """Steps per second, from the first start to the last end."""
    started = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.gather(*(run(f"{name}/{number}", steps) for number in range(flows)))
    return flows * steps / (time.perf_counter() - started)


def _figures(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    ratios = [ours / bare for ours, bare in pairs]
    return {
        "ours": statistics.median(ours for ours, _ in pairs),
        "bare": statistics.median(bare for _, bare in pairs),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


async def _work() -> int:
    return 1


class _Ours:
    """The same through the port; an end is told to the loop by the body, so that nobody has to look for it."""

    flows: DbosFlows

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends: dict[str, asyncio.Event] = {}

    async def run(self, flow_id: str, count: int) -> None:
        end = self._ends[flow_id] = asyncio.Event()
        await self.flows.start(_KIND, flow_id, {"id": flow_id, "count": count})
        await end.wait()

    async def body(self, steps: Steps, argument: Json) -> Json:
        assert isinstance(argument, dict)
        total, count = 0, argument["count"]
        assert isinstance(count, int)
        for number in range(count):
            done = await steps.step(f"{number}", _work)
            assert isinstance(done, int)
            total += done
        self._loop.call_soon_threadsafe(self._ends[str(argument["id"])].set)
        return total


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"  {'steps per second, medians':28}{'ours':>8}{'bare DBOS':>12}{'ratio':>8}   of each pair"]
    for shape in _SHAPES:
        one = found[shape]
        ratios = " ".join(f"{ratio:.2f}" for ratio in sorted(one["ratios"]))
        lines.append(
            f"  {shape.replace('_', ' '):28}{one['ours']:8.0f}{one['bare']:12.0f}{one['ratio']:8.2f}   {ratios}"
        )
    return "\n".join([*lines, f"  must: {TARGET:.2f} of bare"])

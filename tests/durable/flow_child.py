"""Runs the flows of FILE until it is killed: twenty steps that each leave a line in LOG, a wait, and a last step."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from atomic.durable.dbos_flows import DbosFlows
from atomic.protocols import Steps
from atomic.records.flow import Json

STEPS = 20


async def main(file: Path, log: Path) -> None:
    """Start f1 (or go on with it), and never end."""

    def trace(name: str) -> None:
        with log.open("a") as lines:
            lines.write(f"{name}\n")

    async def body(steps: Steps, argument: Json) -> Json:
        total = 0
        for number in range(STEPS):

            async def one(number: int = number) -> Json:
                trace(f"{number}")
                await asyncio.sleep(0.02)
                return number

            result = await steps.step(f"{number}", one)
            assert isinstance(result, int)
            total += result
        said = await steps.wait("go", seconds=3_600.0)
        return [total, said]

    async with await DbosFlows.open(file, {"count": body}) as flows:
        await flows.start("count", "f1", {"id": 7})
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))

"""A soak: an even load on `atomic serve` with bidders that fail, dawdle and lie; memory stays, and no error is ours."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.server.processes import served
from tests.serving import serving

RATE = 100.0
WARM_UP = 0.2  # of the time
CONFIG = """
[market]
ledger = "atomic.db"
per_day = "$1000"
"""
BIDDER = """
[bidders.{name}]
kind = "http"
url = "{url}/{name}/v1"
model = "{name}"
price = {{ input = "${price}", output = "${price}", as_of = "2026-11-01" }}
concurrency = 200
right = {right}
"""


class Upstream:
    """Four hosted models: one is well, one fails every other call, one dawdles, and one lies of what it used."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._turn = itertools.count()

    async def chat(self, request: Request) -> Response:
        streams = (await request.json()).get("stream")
        name = request.path_params["name"]
        self.asked[name] += 1
        if name == "failing" and next(self._turn) % 2:
            return JSONResponse({"error": {"type": "server_error", "message": "no"}}, 500)
        if name == "slow":
            await asyncio.sleep(3.0)
        used = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
        if name == "lying":
            used |= {"completion_tokens": 900_000, "total_tokens": 900_020}
        said = {"role": "assistant", "content": "It is warm."}
        choice = {"index": 0, "delta" if streams else "message": said, "finish_reason": "stop"}
        told = {"model": name, "choices": [choice], "usage": used}
        if streams:
            return Response(f"data: {json.dumps(told)}\n\ndata: [DONE]\n\n", media_type="text/event-stream")
        return JSONResponse(told)


async def soaked(folder: Path, seconds: float) -> tuple[Counter[int], list[float], Counter[str]]:
    """Statuses, megabytes of the server in the order of time after its warm-up, and who was asked how often."""
    upstream = Upstream()
    app = Starlette(routes=[Route("/{name}/v1/chat/completions", upstream.chat, methods=["POST"])])
    async with serving(app) as url:
        told = (("well", 1, 0.9), ("failing", 0.5, 0.9), ("slow", 0.5, 0.9), ("lying", 0.5, 0.9))
        config = [BIDDER.format(name=name, url=url, price=price, right=right) for name, price, right in told]
        (folder / "atomic.toml").write_text(CONFIG + "".join(config))
        async with served(folder) as (process, base):
            statuses, sizes = await _loaded(base, process.pid, seconds)
    return statuses, sizes, upstream.asked


async def _loaded(base: str, process: int, seconds: float) -> tuple[Counter[int], list[float]]:
    statuses: Counter[int] = Counter()
    sizes: list[float] = []
    under_way: set[asyncio.Task[None]] = set()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0)  # shorter than the server keeps them
    async with aiohttp.ClientSession(base, connector=connector) as client:

        async def ask(number: int) -> None:
            body: Any = {"model": "atomic/auto", "messages": [{"role": "user", "content": f"How warm is it? {number}"}]}
            body["stream"] = number % 10 == 0
            async with client.post("/v1/chat/completions", json=body) as response:
                said = await response.read()
                cut = body["stream"] and response.status == 200 and b"[DONE]" not in said
                statuses[599 if cut else response.status] += 1

        began, count = time.perf_counter(), int(RATE * seconds)
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            task = asyncio.create_task(ask(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            if number >= WARM_UP * count and number % RATE == 0:
                sizes.append(_megabytes(process))
        await asyncio.gather(*under_way)
    return statuses, sizes


def _megabytes(process: int) -> float:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def check(statuses: Counter[int], sizes: list[float], asked: Counter[str], *, most: float) -> float:
    """What a soak must show. Whoever is well answers what others fail at, so that nothing at all fails.

    The share by which memory grew, `most` at most.
    """
    fifth = max(1, len(sizes) // 5)
    first, last = statistics.median(sizes[:fifth]), statistics.median(sizes[-fifth:])
    print(f"{dict(statuses)}; {first:.1f} MB after the warm-up, {last:.1f} MB at the end; asked: {dict(asked)}")

    assert {200} == set(statuses), statuses
    assert {"well", "failing", "slow", "lying"} == set(asked)
    assert last <= (1.0 + most) * first, sizes
    return last / first - 1.0


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_under_an_even_load_nothing_fails_and_memory_stays(tmp_path: Path) -> None:
    check(*await soaked(tmp_path, 20.0), most=0.15)  # it is still warming up


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
async def test_under_ten_minutes_of_load_nothing_fails_and_memory_stays(tmp_path: Path) -> None:
    grown = check(*await soaked(tmp_path, 600.0), most=0.5)
    if grown > 0.05:
        pytest.xfail(f"memory grew by {grown:.0%}: docs/decisions/0140-others-and-a-soak.md")

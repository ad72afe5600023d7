"""What the pages cost: each page's calls with many requests stored while more come in, viewers, and an audit bundle.

The server is a process of its own; what its pages ask for is asked for as a browser does, all at once.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import aiohttp

import atomic
from atomic.audit import check, write_bundle
from atomic.errors import OperatorError

TASKS = '''
from typing import Literal
import atomic

@atomic.microtask(worth="$0.01", explore=False)
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer of this text feel?"""
    raise NotImplementedError
'''
CONFIG = """
[market]
ledger = "atomic.db"
per_day = "$1000"
[serve]
tasks = ["tasks.py"]
[bidders.house]
kind = "rules"
rules = [{ task = "mood", when = { text = "." }, answer = "friendly" }]
"""
AT_ONCE, RATE, ROUNDS, VIEWERS, WATCH_SECONDS = 64, 100.0, 40, 10, 20.0
MOST_UNDER_WAY = 200
DECISIONS = 10_000
PAGES = {
    "now": ("/overview", "/bidders"),
    "requests": ("/requests?limit=50", "/overview"),
    "requests, searched": ("/requests?limit=50&search=77", "/overview"),
    "request": ("/requests/r77/explain?bodies=true",),
    "bidders": ("/bidders", "/overview/bidders", "/overview"),
    "requests, none found": ("/requests?limit=50&search=nowhere", "/overview"),
    "requests, filtered": ("/requests?limit=50&status=refused", "/overview"),
    "tasks": ("/overview", "/tasks", "/objectives", "/modes"),
    "a task": (
        *("/overview", "/tasks", "/objectives", "/modes"),
        *("/overview/tactics?task=mood", "/overview/cases?task=mood"),
    ),
    "budgets": ("/budgets", "/objectives"),
    "review": ("/review",),
    "inbox": ("/inbox?limit=30",),
    "ledger": ("/ledger/head", "/ledger/events?after=1000&limit=50"),
    "access": ("/access/me", "/access/keys"),
}


@atomic.microtask(worth="$0.01", explore=False)
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer of this text feel?"""
    raise NotImplementedError


def run(requests: int = 100_000) -> dict[str, Any]:
    """Milliseconds of each page's calls (p50, p95), a viewer's share of a core, the server's memory, and seconds of an
    audit bundle. One request in ten is a mail's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tasks.py").write_text(TASKS)
        (folder / "atomic.toml").write_text(CONFIG)
        asyncio.run(_fill(folder / "atomic.db", min(requests, DECISIONS), 0))
        bundle = asyncio.run(_bundle(folder))
        asyncio.run(_fill(folder / "atomic.db", requests, DECISIONS))
        return {"requests": requests, **asyncio.run(_served(folder)), "audit": bundle}


async def _fill(ledger: Path, requests: int, begin: int) -> None:
    """That many requests of a real market."""
    bidders = [atomic.FunctionBidder(name, lambda text: "friendly", tasks=["mood"], price=5_000) for name in "abc"]
    async with atomic.open({"market": {"ledger": str(ledger), "per_day": "$100000"}}, bidders=bidders) as market:
        numbers = iter(range(begin, requests))

        async def worker() -> None:
            for number in numbers:
                name = f"r{number}" if number % 10 else f"mail{number}/mood"
                await market.buy(mood(f"a text {number}"), atomic.Trade(request_id=name))

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def _bundle(folder: Path) -> dict[str, float]:
    """An audit bundle of what is there, written, and checked as an outsider does."""
    began = time.perf_counter()
    made = await write_bundle(folder / "atomic.db", folder / "bundle", bodies=True)
    written = time.perf_counter()
    command = (sys.executable, "-I", "-S", str(check.__file__), str(folder / "bundle"), "--key", made.public_key)
    found = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    return {
        "decisions": made.decisions,
        "written_s": written - began,
        "checked_s": time.perf_counter() - written,
        "verified": float(found.returncode == 0),
    }


async def _served(folder: Path) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "atomic", "serve", "--port", "0"), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().split()[2] + "/api/v1"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            ready = await _ready(client, url)
            async with _load(client, url):
                pages = {name: await _page(client, url, paths) for name, paths in PAGES.items()}
                alone = await _busy(process.pid)
                async with _viewers(client, url):
                    watched = await _busy(process.pid)
                memory = _memory_bytes(process.pid)
        return {
            "pages": pages,
            "viewer_core_share": (watched - alone) / VIEWERS,
            "core_share_alone": alone,
            "memory_bytes": memory,
            "ready_s": ready,
        }
    finally:
        process.terminate()
        await process.wait()


async def _ready(client: aiohttp.ClientSession, url: str) -> float:
    """Seconds until the server answers and has read the past."""
    began = time.perf_counter()
    while True:
        with suppress(aiohttp.ClientError):
            async with client.get(f"{url}/overview") as reply:
                if reply.status == 200 and (await reply.json())["ready"]:
                    return time.perf_counter() - began
        await asyncio.sleep(0.1)


async def _page(client: aiohttp.ClientSession, url: str, paths: tuple[str, ...]) -> dict[str, float]:
    async def one(path: str) -> None:
        async with client.get(url + path) as reply:
            await reply.read()
            if reply.status != 200:
                raise OperatorError(f"{path} answered {reply.status}", hint="is the machine busy with something else?")

    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await asyncio.gather(*map(one, paths))
        times.append((time.perf_counter() - began) * 1e3)
    return {"ms_p50": statistics.median(times), "ms_p95": sorted(times)[int(0.95 * len(times))]}


@asynccontextmanager
async def _load(client: aiohttp.ClientSession, url: str) -> AsyncIterator[None]:
    """Requests at an even rate until the block ends."""
    under_way: set[asyncio.Task[None]] = set()

    async def one(number: int) -> None:
        with suppress(aiohttp.ClientError):  # a server that is told to stop hangs up
            async with client.post(f"{url}/tasks/mood/run", json={"input": f"a live text {number}"}) as reply:
                await reply.read()

    async def steady() -> None:
        begin, number = time.perf_counter(), 0
        while True:
            if len(under_way) < MOST_UNDER_WAY:  # else it is the machine that cannot keep up
                task = asyncio.create_task(one(number))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            number += 1
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))

    running = asyncio.create_task(steady())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, *under_way, return_exceptions=True)


@asynccontextmanager
async def _viewers(client: aiohttp.ClientSession, url: str) -> AsyncIterator[None]:
    async def view() -> None:
        async with client.get(f"{url}/overview/live", timeout=aiohttp.ClientTimeout(total=None)) as reply:
            async for _ in reply.content:
                pass

    viewers = [asyncio.create_task(view()) for _ in range(VIEWERS)]
    await asyncio.sleep(1.0)
    try:
        yield
    finally:
        for one in viewers:
            one.cancel()
        await asyncio.gather(*viewers, return_exceptions=True)


async def _busy(pid: int) -> float:
    """The share of a core that a process takes."""
    before = _cpu_seconds(pid)
    await asyncio.sleep(WATCH_SECONDS)
    return (_cpu_seconds(pid) - before) / WATCH_SECONDS


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_bytes(pid: int) -> int:
    """What a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

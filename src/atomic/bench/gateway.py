"""What `atomic serve` adds to calling a model directly, and what it lets through, beside others in the same run.

The model is a mock in a process of its own, the same for everybody, and everybody takes turns. On is what a server has
on: auction, ledger, budget, key. Each server has one core and the load comes from the other.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import orjson

from atomic.bench.gateway_servers import Running, atomic_server, bare_proxy, peer, upstream_mock

RATE, TURN_SECONDS, TURNS = 50.0, 4.0, 5
CONNECTIONS = 16
_CHAT = {"model": "mock", "messages": [{"role": "user", "content": "How warm is it in Rome today?"}]}
Figures = dict[str, float]


def run(against: Sequence[str] = ("direct", "bare"), turns: int = TURNS) -> dict[str, Figures]:
    """For each, by name: milliseconds added, requests a second on a core, first token, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), ("atomic", *against), turns))


async def _measured(folder: Path, names: Sequence[str], turns: int) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    async with AsyncExitStack() as stack:
        mock = await stack.enter_async_context(upstream_mock())
        servers = {"direct": mock}
        for name in dict.fromkeys(names):
            if name == "atomic":
                servers[name] = await stack.enter_async_context(atomic_server(folder, mock.url))
            elif name == "bare":
                servers[name] = await stack.enter_async_context(bare_proxy(mock.url))
            elif name != "direct":
                servers[name] = await stack.enter_async_context(peer(name, folder, mock.url))
        rss = {name: one.rss_mb for name, one in servers.items()}
        taken: dict[str, list[float]] = {name: [] for name in servers}
        first: dict[str, list[float]] = {name: [] for name in servers}
        between: dict[str, list[float]] = {name: [] for name in servers}
        rates: dict[str, list[float]] = {name: [] for name in servers}
        cpu: dict[str, list[float]] = {name: [] for name in servers}
        for turn in range(turns + 1):
            for name, one in servers.items():
                async with _client(one) as client:
                    times = await _paced(lambda client=client, one=one: _asked(client, one))  # type: ignore[misc]
                    streams = [await _streamed(client, one) for _ in range(20)]
                    before = one.cpu_seconds
                    rate = await _at_once(client, one)
                    worked = 1e3 * (one.cpu_seconds - before) / max(1.0, rate * TURN_SECONDS)
                if turn:  # the first is to warm up
                    taken[name] += times
                    first[name] += [begin for begin, _ in streams]
                    between[name] += [gap for _, gap in streams]
                    rates[name].append(rate)
                    cpu[name].append(worked)
        for name, one in servers.items():
            found[name] = {
                "added_ms_p50": _percentile(taken[name], 50) - _percentile(taken["direct"], 50),
                "added_ms_p99": _percentile(taken[name], 99) - _percentile(taken["direct"], 99),
                "rps_core": statistics.median(rates[name]),
                "cpu_ms": statistics.median(cpu[name]),  # of one request; does not depend on who else works here
                "first_token_ms": statistics.median(first[name]) - statistics.median(first["direct"]),
                "between_tokens_ms": statistics.median(between[name]) - statistics.median(between["direct"]),
                "rss_mb": rss[name],
                "rss_mb_after": one.rss_mb,
                "start_s": one.start_seconds,
            }
    return found


@asynccontextmanager
async def _client(one: Running) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=one.headers) as client:
        yield client


async def _asked(client: aiohttp.ClientSession, one: Running) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    async with client.post(f"{one.url}/chat/completions", json=_CHAT) as response:
        body = await response.read()
    if response.status != 200:
        raise RuntimeError(f"{one.url}: status {response.status}: {body[:200].decode(errors='replace')}")
    return time.perf_counter() - began


async def _paced(call: Callable[[], Awaitable[float]]) -> list[float]:
    """Seconds of calls that begin at an even rate, whatever becomes of those before."""
    count, began = int(RATE * TURN_SECONDS), time.perf_counter()
    running = []
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        running.append(asyncio.ensure_future(call()))
    return list(await asyncio.gather(*running))


async def _at_once(client: aiohttp.ClientSession, one: Running) -> float:
    """Requests a second with so many connections, each asking again as soon as it has its answer."""
    done, until = 0, time.perf_counter() + TURN_SECONDS

    async def connection() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await _asked(client, one)
            done += 1

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return done / TURN_SECONDS


async def _streamed(client: aiohttp.ClientSession, one: Running) -> tuple[float, float]:
    """Milliseconds to the first word of a stream, and the mean between words; no numbers where no words come."""
    began = time.perf_counter()
    came: list[float] = []
    asked = {**_CHAT, "stream": True, "stream_options": {"include_usage": True}}
    async with client.post(f"{one.url}/chat/completions", json=asked) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                choices = orjson.loads(line[6:])["choices"]
                if choices and choices[0]["delta"].get("content"):
                    came.append(time.perf_counter())
    if len(came) < 2:
        return math.nan, math.nan
    return 1e3 * (came[0] - began), 1e3 * (came[-1] - came[0]) / (len(came) - 1)


def _percentile(seconds: Sequence[float], percent: int) -> float:
    return 1e3 * statistics.quantiles(seconds, n=100)[percent - 1]

"""The processes of `atomic bench gateway`: a mock of a model, a bare proxy, and the server itself."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

_SERVER_CORE, _OTHER_CORE = 0, 1
_PATIENCE_SECONDS = 60.0
_CONFIG = """
[market]
ledger = "gateway.db"
per_day = "$1000"
[bidders.mock]
kind = "http"
url = "{url}"
model = "mock"
price = {{ input = "$1", output = "$4", as_of = "2026-11-01" }}
concurrency = 256
stream = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that serves at `url`, up to and with /v1."""

    url: str
    process: asyncio.subprocess.Process
    start_seconds: float
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def rss_mb(self) -> float:
        """The memory that it holds now, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def upstream_mock() -> AsyncIterator[Running]:
    """The model: answers at once, and streams a word every 5 ms."""
    async with _running(sys.executable, "-m", "atomic.bench.gateway_mock", core=_OTHER_CORE) as one:
        yield one


@asynccontextmanager
async def bare_proxy(upstream: str) -> AsyncIterator[Running]:
    """A proxy on the same web framework and server that does nothing but pass on."""
    async with _running(sys.executable, "-m", "atomic.bench.gateway_bare", upstream, core=_SERVER_CORE) as one:
        yield one


@asynccontextmanager
async def atomic_server(folder: Path, upstream: str) -> AsyncIterator[Running]:
    """`atomic serve` with a key."""
    (folder / "atomic.toml").write_text(_CONFIG.format(url=upstream))
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "atomic", "keys", "create", cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await made.communicate()
    key = told.decode().split()[-1]
    command = (sys.executable, "-m", "atomic", "serve", "--port", "0")
    async with _running(*command, core=_SERVER_CORE, folder=folder, key=key) as one:
        yield one


@asynccontextmanager
async def _running(*command: str, core: int, folder: Path | None = None, key: str = "") -> AsyncIterator[Running]:
    """A process that prints where it serves, once its first answer has come."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=asyncio.subprocess.PIPE)
    try:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, {cores[core]})
        assert process.stdout is not None
        while b"http://" not in (line := await process.stdout.readline()):
            if not line:
                raise RuntimeError(f"{' '.join(command)} has ended")
        url = next(word for word in line.decode().split() if word.startswith("http://"))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        await _answers(f"{url}/v1", headers)
        seconds = time.perf_counter() - began
        yield Running(url=f"{url}/v1", process=process, start_seconds=seconds, headers=headers)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(url: str, headers: dict[str, str]) -> None:
    asked = {"model": "mock", "messages": [{"role": "user", "content": "Hello?"}]}
    async with asyncio.timeout(_PATIENCE_SECONDS), aiohttp.ClientSession(headers=headers) as client:
        while True:
            try:
                async with client.post(f"{url}/chat/completions", json=asked) as response:
                    if response.status == 200:
                        return
                    if response.status != 503:
                        raise RuntimeError(f"{url}: status {response.status}: {await response.text()}")
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.02)

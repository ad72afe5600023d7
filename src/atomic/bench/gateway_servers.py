"""The processes of `atomic bench gateway`: a mock of a model, a bare proxy, and the server itself."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import aiohttp

from atomic.errors import OperatorError

_SERVER_CORE, _OTHER_CORE = 0, 1
_PATIENCE_SECONDS = 120.0
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
stream = "heard"
"""
_LITELLM = """
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_base: "{url}", api_key: none}}
general_settings: {{master_key: sk-bench}}
"""
# Portkey's gateway listens on all addresses and has no option to do otherwise.
_ON_LOOPBACK = "data:text/javascript," + quote(
    "import net from 'node:net'; const listen = net.Server.prototype.listen;"
    "net.Server.prototype.listen = function (port, host, ...rest) {"
    "return listen.call(this, port, '127.0.0.1', ...rest) }"
)
_PEERS = {"litellm": "litellm/bin/litellm", "portkey": "node/node_modules/@portkey-ai/gateway/build/start-server.js"}


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

    @property
    def cpu_seconds(self) -> float:
        """The processor's time that it has taken so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
async def peer(name: str, folder: Path, upstream: str) -> AsyncIterator[Running]:
    """Another gateway, from an environment of its own under .others/ of the folder where the bench is run.

    Raises OperatorError where it is not there.
    """
    if name not in _PEERS:
        raise OperatorError(f"there is no gateway {name!r} to measure", hint=f"one of {', '.join(_PEERS)}")
    program = Path(".others", _PEERS[name]).resolve()  # noqa: ASYNC240 - before anything is timed
    if not program.is_file():
        raise OperatorError(f"{name} is not at hand", hint="scripts/others.sh litellm node")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command: tuple[str, ...]
    if name == "litellm":
        (folder / "litellm.yaml").write_text(_LITELLM.format(url=upstream))
        options = ("--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port))
        command, headers = (str(program), *options), {}
    else:
        command = ("node", "--import", _ON_LOOPBACK, str(program), "--headless", f"--port={port}")
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream}
    async with _running(*command, core=_SERVER_CORE, port=port, key="sk-bench", headers=headers) as one:
        yield one


@asynccontextmanager
async def _running(
    *command: str,
    core: int,
    folder: Path | None = None,
    key: str = "",
    port: int = 0,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Running]:
    """A process on a port, or one that prints where it serves, once its first answer has come."""
    began = time.perf_counter()
    output = asyncio.subprocess.DEVNULL if port else asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=output, stderr=output if port else None)
    try:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, {cores[core]})
        url = f"http://127.0.0.1:{port}" if port else await _told(process)
        headers = {**(headers or {}), **({"authorization": f"Bearer {key}"} if key else {})}
        await _answers(f"{url}/v1", headers)
        seconds = time.perf_counter() - began
        yield Running(url=f"{url}/v1", process=process, start_seconds=seconds, headers=headers)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _told(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if "http://" in line:
            return next(word for word in line.split() if word.startswith("http://"))
    raise RuntimeError("a server has ended before it said where it is")


async def _answers(url: str, headers: Mapping[str, str]) -> None:
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

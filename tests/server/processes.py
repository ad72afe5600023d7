"""`atomic serve` as its users run it: processes of their own, started and stopped by the tests."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

ATOMIC = (sys.executable, "-m", "atomic")
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
per_day = "{per_day}"
[serve]
tasks = ["tasks.py"]
{serve}
[bidders.mini]
kind = "http"
url = "{upstream}"
model = "whole"
price = {{ input = "$1", output = "$1", call = "$0.001", as_of = "2026-11-01" }}
concurrency = 2000
"""


def written(folder: Path, upstream: str, *, per_day: str = "$5", serve: str = "") -> Path:
    """A configuration with one hosted model."""
    (folder / "tasks.py").write_text(TASKS)
    (folder / "atomic.toml").write_text(CONFIG.format(upstream=upstream, per_day=per_day, serve=serve))
    return folder / "atomic.toml"


async def ran(folder: Path, *command: str) -> tuple[int, str]:
    """A command of the program: its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *ATOMIC, *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


@asynccontextmanager
async def served(folder: Path, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A running `atomic serve` on a free port, and its URL."""
    process = await asyncio.create_subprocess_exec(
        *ATOMIC, "serve", "--port", "0", *options, cwd=folder, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        url = line.split()[2]
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"{url}/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.returncode is None, "it has ended"
                await asyncio.sleep(0.05)
        yield process, url
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


def workers_of(process: asyncio.subprocess.Process) -> list[int]:
    """The worker processes of a server."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    told = {int(one): Path(f"/proc/{one}/cmdline").read_bytes() for one in children}
    return [one for one, command in told.items() if b"spawn_main" in command and os.getpid() != one]

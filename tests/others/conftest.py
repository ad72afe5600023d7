"""Other projects' programs, where `scripts/others.sh` has installed them, and a running `atomic serve` for them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.others.upstream import app
from tests.server.processes import served, written
from tests.serving import serving

Others = Callable[[str], Path]
Run = Callable[..., Awaitable[Any]]
_PROGRAMS = Path(__file__).parent / "programs"
# No framework calls home from a test, nor leaves anything in the user's folders.
_QUIET = {"OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false"}
_QUIET |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DO_NOT_TRACK": "1"}


@pytest.fixture(scope="session")
def others(pytestconfig: pytest.Config) -> Others:
    """The folder of a name; without it the test says so and is skipped, and under CI it fails."""

    def folder(name: str) -> Path:
        found = pytestconfig.rootpath / ".others" / name
        if (found / ".done").exists():
            return found
        absent = f"`scripts/others.sh {name}` has not installed what this test runs"
        return pytest.fail(absent) if os.environ.get("CI") else pytest.skip(absent)

    return folder


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A running `atomic serve` with one hosted model."""
    async with serving(app) as upstream:
        written(tmp_path, f"{upstream}/v1")
        async with served(tmp_path) as (_, found):
            yield found


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program of the folder `programs`: what it printed last, which is JSON."""

    async def ran(program: str, *command: str) -> Any:
        home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        process = await asyncio.create_subprocess_exec(
            command[0],
            str(_PROGRAMS / program),
            *command[1:],
            cwd=tmp_path,
            env={**os.environ, **_QUIET, **home},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            told, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert 0 == process.returncode, errors.decode()[-3_000:]
        return json.loads(told.decode().strip().splitlines()[-1])

    return ran

"""The native API as it documents itself: whatever is sent, nothing crashes and nothing undocumented comes back."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Literal

import pytest

from atomic.client import AsyncClient
from atomic.protocols import Profile
from atomic.records.microtask import Ask, microtask
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@microtask(worth="$0.01")
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


def script(ask: Ask) -> Line | object:
    return Line(answer="friendly", price=1_000)


def teller(name: str) -> ScriptedBidder:
    return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted"))


async def cases_of(folder: Path, examples: int) -> tuple[int, int, str]:
    """Exit code, how many cases there were, and what the program told of a run against a server that has a past."""
    config = {"market": {"ledger": str(folder / "atomic.db"), "per_day": "$1000"}}
    async with serving(config, bidders=[teller("a"), teller("b")], tasks=[mood]) as url:
        async with AsyncClient(url) as client:
            for number in range(5):
                await client.run("mood", f"mail {number}", request_id=f"mail-{number}")
        ran = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("run", f"{url}/api/v1/openapi.json", "--no-color", "--seed", "7"),
            *("--exclude-path", "/events", "--exclude-path", "/overview/live"),  # which have no end
            *("--max-examples", str(examples), "--checks", ",".join(CHECKS)),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await ran.communicate()
    told = output.decode()
    found = re.search(r"([\d,]+) generated", told)
    assert ran.returncode is not None
    return ran.returncode, int(found.group(1).replace(",", "")) if found else 0, told


@pytest.mark.timeout(600)
async def test_nothing_that_is_sent_breaks_it(tmp_path: Path) -> None:
    code, cases, told = await cases_of(tmp_path, 60)

    assert 0 == code, told
    assert cases >= 3_000


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_nothing_of_twenty_thousand_cases_breaks_it(tmp_path: Path) -> None:
    code, cases, told = await cases_of(tmp_path, 520)

    assert 0 == code, told
    assert cases >= 20_000

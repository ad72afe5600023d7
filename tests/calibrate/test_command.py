"""`atomic calibrate` as a user starts it: a process of its own, hosted models, killed in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.calibrate.shop import hash_of, truth

from atomic.ledger import LedgerReader
from atomic.records import AttemptFinished, OutcomeSettled
from atomic.testing import ModelServer
from atomic.testing.model_plays import Play
from atomic.testing.model_server import Asked
from atomic.testing.model_voices import Voice

RIGHT = {"small": 0.6, "middle": 0.8, "large": 0.95}
TASK = '''
from typing import Literal
import atomic

@atomic.microtask(worth="$0.01")
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError
'''
BIDDER = """
[bidders.{name}]
kind = "http"
model = "{name}"
url = "{url}/v1"
price = {{ input = "{price}", output = "{price}", as_of = "2026-11-01" }}
"""


class Models(ModelServer):
    """Three models that are right as often as `RIGHT` says."""

    def chosen(self, asked: Asked, voice: Voice) -> Play:
        name = str(asked.body["model"])
        text = next(f"mail {word}" for word in str(asked.body["messages"][-1]["content"]).split() if word.isdecimal())
        said = truth(text)
        right = hash_of(text, name) < RIGHT[name]
        return Play(shows="an answer", text=said if right else "ham" if said == "spam" else "spam", pause=0.01)


@asynccontextmanager
async def models() -> AsyncIterator[Models]:
    served = Models()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    served.url = f"http://{host}:{port}"
    try:
        yield served
    finally:
        server.close()
        await server.wait_closed()


def prepared(folder: Path, url: str, count: int) -> None:
    (folder / "mine.py").write_text(TASK)
    prices = {"small": "$0.1", "middle": "$0.5", "large": "$5"}
    bidders = "".join(BIDDER.format(name=name, url=url, price=price) for name, price in prices.items())
    (folder / "atomic.toml").write_text(f'[market]\nper_day = "$1"\n{bidders}')
    lines = [{"text": f"mail {n}", "truth": truth(f"mail {n}")} for n in range(count)]
    (folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


async def started(folder: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "atomic", "calibrate", "in.jsonl", "--task", "mine:kind", "--budget", "$0.5", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    )


@pytest.mark.timeout(120)
async def test_killed_in_the_middle_it_buys_only_the_rest_and_draws_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    async with models() as server:
        prepared(tmp_path, server.url, 60)
        first = await started(tmp_path, "--yes")
        while len(server.asked) < 60:  # noqa: ASYNC110 - a cut at a chosen place
            await asyncio.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        cut = len(server.asked)

        again = await started(tmp_path, "--yes", "--picture", "frontier.html")
        output, errors = await again.communicate()

    assert 0 == again.returncode, errors.decode()
    said = output.decode()
    assert "inputs were bought before, for $" in said
    assert "Recommended: worth=$" in said
    assert "<svg" in (tmp_path / "frontier.html").read_text()
    assert 60 <= cut < 180
    with LedgerReader.open(tmp_path / "atomic.db") as ledger:
        outcomes = [one for one in ledger.read() if isinstance(one.payload, OutcomeSettled)]
        answers = [
            one for one in ledger.read() if isinstance(one.payload, AttemptFinished) and one.payload.group is not None
        ]
    assert (60, 60) == (len(outcomes), len({one.request_id for one in outcomes}))
    assert len(answers) == len(
        {(one.request_id, one.payload.key) for one in answers if isinstance(one.payload, AttemptFinished)}
    )


async def test_what_the_days_cap_does_not_leave_waits_for_another_day(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    async with models() as server:
        prepared(tmp_path, server.url, 30)
        config = tmp_path / "atomic.toml"
        config.write_text(config.read_text().replace('per_day = "$1"', 'per_day = "$0.004"'))
        run = await started(tmp_path, "--yes")
        output, errors = await run.communicate()
    assert 0 == run.returncode, errors.decode()
    assert "of the caps per day $0.004 is left: what does not fit waits for another day" in output.decode()
    with LedgerReader.open(tmp_path / "atomic.db") as ledger:
        outcomes = [one.payload for one in ledger.read() if isinstance(one.payload, OutcomeSettled)]
    assert {"answered"} == {one.status for one in outcomes}
    assert 5 < len(outcomes) < 30


async def test_a_dry_run_says_the_price_and_buys_nothing(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    async with models() as server:
        prepared(tmp_path, server.url, 5)
        run = await started(tmp_path, "--dry-run")
        output, errors = await run.communicate()
    assert (0, []) == (run.returncode, server.asked), errors.decode()
    assert output.decode().startswith("5 inputs from 3 bidders (large, middle, small): about $")

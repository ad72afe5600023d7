"""What only a durable runner can show: kill -9, other processes, and what its file looks like."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("dbos", reason="the extra `flows` is not installed")

from tests.durable.flow_child import STEPS
from typer.testing import CliRunner

from atomic.cli import app
from atomic.durable.dbos_file import FlowsFile
from atomic.durable.dbos_flows import DbosFlows
from atomic.errors import NotFound, OperatorError
from atomic.protocols import Steps
from atomic.records.flow import Json
from atomic.testing.flows import until

ROOT = Path(__file__).parents[2]
Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process that runs the flows in `flows.db`; returns when it does."""
    children: list[subprocess.Popen[str]] = []

    def go() -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.durable.flow_child", str(tmp_path / "flows.db"), str(tmp_path / "log")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stdout is not None
        assert "ready\n" == child.stdout.readline()
        return child

    yield go
    for child in children:
        child.kill()
        child.wait(10)
        assert child.stdout is not None
        child.stdout.close()


async def test_after_a_kill_it_goes_on_where_it_was(tmp_path: Path, start: Start, slow: bool) -> None:
    draws, kills = random.Random(7), 0
    for _ in range(20 if slow else 3):
        child = start()
        await asyncio.sleep(draws.uniform(0.0, 0.2))
        child.send_signal(signal.SIGKILL)
        assert -signal.SIGKILL == child.wait(10)
        kills += 1
    start()
    flows = FlowsFile(tmp_path / "flows.db")
    try:
        await until(flows, "f1", "waiting")
        await flows.signal("f1", "go", "now")  # told by another process
        state = await until(flows, "f1", "done")
    finally:
        await flows.close()

    assert [sum(range(STEPS)), "now"] == state.result
    assert tuple(str(number) for number in range(STEPS)) == state.steps
    done = Counter((tmp_path / "log").read_text().split())
    assert {str(number) for number in range(STEPS)} == set(done)
    assert sum(done.values()) <= STEPS + kills  # only the step that was cut is done again


async def test_another_process_pauses_resumes_and_cancels(tmp_path: Path, start: Start) -> None:
    start()
    flows = FlowsFile(tmp_path / "flows.db")
    try:
        await until(flows, "f1", "waiting")
        await flows.cancel("f1", pause=True)
        await until(flows, "f1", "paused")
        await flows.resume("f1")
        await until(flows, "f1", "waiting", "running")
        await flows.cancel("f1")
        assert "cancelled" == (await until(flows, "f1", "cancelled")).status
        with pytest.raises(NotFound, match="no flow 'f2'"):
            await flows.cancel("f2")
    finally:
        await flows.close()


async def test_a_second_runner_of_a_file_is_refused(tmp_path: Path, start: Start) -> None:
    start()

    with pytest.raises(OperatorError, match="another runner"):
        await DbosFlows.open(tmp_path / "flows.db", {})


async def test_what_was_done_or_cancelled_long_ago_is_removed_and_what_a_person_may_need_stays(tmp_path: Path) -> None:
    async def fine(steps: Steps, argument: Json) -> Json:
        return await steps.step("one", lambda: _value(1))

    async def poison(steps: Steps, argument: Json) -> Json:
        raise ValueError

    async def waits(steps: Steps, argument: Json) -> Json:
        return await steps.wait("go", seconds=3_600.0)

    bodies = {"fine": fine, "poison": poison, "waits": waits}
    async with await DbosFlows.open(tmp_path / "flows.db", bodies, keep=timedelta(0)) as flows:
        for kind, name in (("fine", "done"), ("poison", "parked"), ("poison", "given up")):
            await flows.start(kind, name, None)
        for name in ("waiting", "paused", "cancelled"):
            await flows.start("waits", name, None)
            await until(flows, name, "waiting")
        await until(flows, "done", "done")
        await until(flows, "parked", "parked")
        await until(flows, "given up", "parked")
        await flows.cancel("paused", pause=True)
        await flows.cancel("cancelled")
        await flows.cancel("given up")

        assert 3 == await flows.prune(datetime.now(UTC) + timedelta(seconds=1))

        assert {"parked", "waiting", "paused"} == {one.id for one in await flows.query()}
        await flows.start("fine", "done", None)  # begins anew
        assert 1 == (await until(flows, "done", "done")).result
    async with await DbosFlows.open(tmp_path / "flows.db", bodies, keep=timedelta(0)) as flows:
        await flows.start("fine", "next", None)  # the first start after an opening removes what is old
        assert {"parked", "waiting", "paused", "next"} == {one.id for one in await flows.query()}


async def test_its_file_is_json_with_a_write_ahead_log_and_holds_no_body(tmp_path: Path) -> None:
    async def poison() -> Json:
        raise ValueError("Dear Ann, this is a canary")

    async def body(steps: Steps, argument: Json) -> Json:
        await steps.step("fine", lambda: _value({"id": "é"}))
        return await steps.step("poison", poison, attempts=2, pause=0.0)

    path = tmp_path / "flows.db"
    async with await DbosFlows.open(path, {"kind": body}) as flows:
        await flows.start("kind", "f1", {"mail": "abc"})
        await until(flows, "f1", "parked")

    mode, cells = contents(path)
    assert "wal" == mode
    assert {'{"id":"é"}', '{"__parked__":"ValueError (tried 2 times)"}', "atomic_json"} <= cells
    assert not any("canary" in cell or cell.startswith("gA") for cell in cells)  # gA: how a pickle begins in base64


def contents(path: Path) -> tuple[str, set[str]]:
    """How a database keeps its log, and every text in it."""
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in connection.execute(f'SELECT * FROM "{table}"')]
        return connection.execute("PRAGMA journal_mode").fetchone()[0], {
            cell for row in rows for cell in row if isinstance(cell, str)
        }
    finally:
        connection.close()


async def _value(value: Json) -> Json:
    return value


def test_a_person_tells_a_waiting_flow_what_it_waits_for(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    monkeypatch.chdir(tmp_path)
    Path("atomic.db").touch()

    def flow(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["flow", *arguments, "--ledger", "atomic.db"], prog_name="atomic")
        assert code == result.exit_code, result.output
        return result.output

    wait_until(lambda: "waits for  go" in flow("show", "f1"))
    assert "f1: told another; it waits for go now\n" == flow("signal", "f1", "another", "0")
    assert "f1: told go\n" == flow("signal", "f", "go", '{"approved": true}')

    wait_until(lambda: json.loads(flow("show", "f1", "--json"))["status"] == "done")
    assert [190, {"approved": True}] == json.loads(flow("show", "f1", "--json"))["result"]
    assert "f1 is done: it hears nothing any more" in flow("signal", "f1", "go", code=1)
    assert "no flow 'f2'" in flow("signal", "f2", "go", code=1)


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until it does; the test's time limit bounds it."""
    while not holds():
        time.sleep(0.05)


def test_a_runner_listens_nowhere(start: Start) -> None:
    child = start()

    links = [str(link.readlink()) for link in Path(f"/proc/{child.pid}/fd").iterdir()]
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}
    listening = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{child.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    assert set() == inodes & listening


def test_flows_of_a_file_that_is_not_there_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no flows"):
        FlowsFile(tmp_path / "flows.db")

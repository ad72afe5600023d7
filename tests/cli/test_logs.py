"""Logs go to stderr: as JSON for machines, in a terminal for people, and never with what a body holds."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

CANARY = "the-canary-that-no-log-holds"
FEEDBACK = ("feedback", "r1", "--value", "1")


def logged(folder: Path, *, terminal: bool) -> str:
    """What `atomic --verbose feedback` says on stderr, of a request that a market made."""
    command = [sys.executable, "-m", "atomic", "--verbose", *FEEDBACK, "--ledger", str(folder / "a.db")]
    if not terminal:
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # how a terminal says that nobody writes any more
                break
            if not piece:
                break
            said += piece
        assert 0 == process.wait()
    os.close(ours)
    return said.decode()


def bought(folder: Path) -> None:
    script = f'''
import asyncio, atomic
from typing import Literal
from atomic.testing import ScriptedBidder
from atomic.trade import Trade

@atomic.microtask(worth="$0.002")
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is it spam?"""

async def main():
    config = {{"market": {{"ledger": {str(folder / "a.db")!r}}}}}
    async with atomic.open(config, bidders=[ScriptedBidder("a", ["spam"])]) as m:
        await m.buy(spam({CANARY!r}), Trade(request_id="r1"))

asyncio.run(main())
'''
    subprocess.run([sys.executable, "-c", script], check=True)


def test_into_a_file_they_are_json_a_line_each(tmp_path: Path) -> None:
    bought(tmp_path)
    lines = [json.loads(line) for line in logged(tmp_path, terminal=False).splitlines()]

    assert {"feedback", "lessons"} <= {one["event"] for one in lines}
    assert {"r1"} >= {one["request_id"] for one in lines if one["request_id"]}
    assert CANARY not in json.dumps(lines)


def test_in_a_terminal_they_are_for_people(tmp_path: Path) -> None:
    bought(tmp_path)
    said = logged(tmp_path, terminal=True)

    assert "feedback" in said
    assert not said.lstrip().startswith("{")
    assert CANARY not in said

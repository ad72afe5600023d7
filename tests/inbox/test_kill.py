"""kill -9 in the middle of an inbox: what the next run leaves behind is what one quiet run would have."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from tests.inbox.markets import maildir_of, names, raw

from atomic.inbox.book import Book
from atomic.inbox.handler import request_id
from atomic.inbox.mail import parse
from atomic.ledger import SqliteLedger, verify
from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.bid import Reason

ROOT = Path(__file__).parents[2]
MAILS = {
    f"{number:02d}": raw(
        ["You are a winner", "The invoice is attached", "It does not work, can you help?"][number % 3] + f" ({number})",
        subject=f"Mail {number}",
    )
    for number in range(9)
}
KILLS = 2  # per mailbox, so that a run that resumes is killed, too


class Runner:
    """The process that forks runs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("kill_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        )

    def run(self, folder: Path, *, kill_after: float | None = None) -> tuple[int, float]:
        """One run: how it ended, and how long it took in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        began = time.monotonic()
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()), time.monotonic() - began

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


def mailbox(folder: Path) -> Path:
    maildir_of(folder / "mail", MAILS)
    return folder


@pytest.mark.timeout(1_800)
def test_after_a_kill_the_next_run_leaves_what_a_quiet_run_leaves(tmp_path: Path, runner: Runner, slow: bool) -> None:
    draws = random.Random(7)
    ended, whole = runner.run(mailbox(tmp_path / "quiet"))
    assert 0 == ended
    assert_as_it_should_be(tmp_path / "quiet")
    wanted, cut, number = (200 if slow else 20), 0, 0
    while cut < wanted:  # a run that had ended before it was to be killed does not count
        number += 1
        folder = mailbox(tmp_path / f"{number}")
        for _ in range(KILLS):
            ended, took = runner.run(folder, kill_after=draws.uniform(0.0, whole))
            cut += ended == -signal.SIGKILL
            whole = min(whole, took) if ended == 0 else whole
        assert (0, number) == (runner.run(folder)[0], number)
        assert_as_it_should_be(folder)
        assert number < 10 * wanted


def assert_as_it_should_be(folder: Path) -> None:
    found = verify(folder / "atomic.db")
    assert () == found.problems
    assert_filed(folder)
    assert_drafted_once(folder)
    ledger = SqliteLedger.open(folder / "atomic.db")
    try:
        assert_bought_once(ledger)
        book = Book()
        book.fold(ledger.read())
        assert [] == [what for page in book.pages.values() for what in page.unfinished]
        assert [] == list(ledger.read(kinds=("feedback",)))  # nobody said anything: no move was taken for the owner's
    finally:
        asyncio.run(ledger.close())


def assert_filed(folder: Path) -> None:
    mail = folder / "mail"
    assert [] == names(mail / "new") + names(mail / "cur")
    for index, place in enumerate(("Junk", "Billing", "Support")):
        expected = [name for number, name in enumerate(MAILS) if number % 3 == index]
        assert expected == names(mail / f".{place}" / "new")
    tags = {json.loads(path.read_bytes())["sha256"]: json.loads(path.read_bytes())["tags"] for path in sidecars(folder)}
    kinds = (["spam"], ["billing"], ["support"])
    assert {parse(content).sha256: kinds[number % 3] for number, content in enumerate(MAILS.values())} == tags


def sidecars(folder: Path) -> list[Path]:
    return [folder / "out" / "Tags" / name for name in names(folder / "out" / "Tags")]


def assert_drafted_once(folder: Path) -> None:
    drafts = [
        message_from_bytes((folder / "out" / "Outbox" / name).read_bytes()) for name in names(folder / "out" / "Outbox")
    ]
    assert 6 == len(drafts)  # three forwards, three replies
    assert 6 == len({draft["Message-ID"] for draft in drafts})
    assert {"accounts@example.com": 3, "Ann <ann@example.org>": 3} == Counter(draft["To"] for draft in drafts)


def assert_bought_once(ledger: SqliteLedger) -> None:
    """What was answered is not asked again; what was cut in the middle may be."""
    started: Counter[tuple[str, str]] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    answered: Counter[tuple[str, str]] = Counter()
    for event in ledger.read(kinds=("started", "finished")):
        if isinstance(event.payload, AttemptStarted):
            started[event.request_id, f"{event.payload.bidder}+{event.payload.tactic}"] += 1
        elif isinstance(event.payload, AttemptFinished):
            ended[event.request_id, event.payload.key] += 1
            answered[event.request_id, event.payload.key] += event.payload.reason is None
            assert event.payload.reason in {None, Reason.INTERRUPTED}
    assert started == ended
    assert {1} == set(answered.values()) - {0}
    outcomes = Counter(event.request_id for event in ledger.read(kinds=("outcome",)))
    assert {1} == set(outcomes.values())
    assert {request_id(parse(content).sha256, "spam") for content in MAILS.values()} <= set(outcomes)

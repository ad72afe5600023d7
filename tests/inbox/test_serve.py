"""A mailbox that is watched, with real processes: mail as it comes, moves that teach, one runner, a graceful end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.inbox.markets import Seen, folder_of, maildir_of, market, names, policy, raw, sure, words_decide

from atomic.bidders.function import FunctionBidder
from atomic.inbox.run import Run
from atomic.inbox.serve import TRIES, serve_inbox
from atomic.inbox.tasks import Letter
from atomic.ledger import SqliteLedger, verify
from atomic.protocols import Profile
from atomic.records.lesson import FeedbackGiven

CONFIG = """
[market]
ledger = "atomic.db"

[bidders.words]
kind = "rules"
rules = [
    { task = "spam", when = { text = "winner" }, answer = "spam" },
    { task = "spam", when = { text = "" }, answer = "ham" },
    { task = "category", when = { text = "invoice" }, answer = "billing" },
    { task = "category", when = { text = "" }, answer = "support" },
]

[inbox]
folder = "out"
ask = ["spam", "category"]
autonomy = { tag = 0.1, move = 0.1 }
rules = [
    { when = { spam = "spam" }, do = { move = "Junk", tag = "spam" } },
    { when = { category = "billing" }, do = { move = "Billing", tag = "billing" } },
    { when = { category = "support" }, do = { move = "Support", tag = "support" } },
]
"""
PATIENCE_S = 60.0


class Server:
    """`atomic inbox serve` in a process of its own."""

    def __init__(self, folder: Path, mailbox: str = "mail", command: str = "serve") -> None:
        (folder / "atomic.toml").write_text(CONFIG)
        self.folder = folder
        self.log = folder / f"{command}-{time.monotonic_ns()}.log"
        options = ["--interval", "0.1"] if command == "serve" else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "atomic", "inbox", command, mailbox, *options],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "COLUMNS": "150"},
            )

    def until(self, what: Callable[[], bool]) -> None:
        """Wait until something holds; fails when the process ends before, or after a minute."""
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def until_ready(self) -> Server:
        self.until(lambda: "serving" in self.log.read_text())
        return self

    def end(self, *, by: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(**options: str) -> Server:
        servers.append(Server(tmp_path, **options))
        return servers[-1]

    yield start
    for one in servers:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)


def deliver(maildir: Path, name: str, content: bytes) -> None:
    (maildir / "tmp" / name).write_bytes(content)
    (maildir / "tmp" / name).rename(maildir / "new" / name)


def said(folder: Path) -> list[str]:
    """The requests that people said something of."""
    ledger = SqliteLedger.open(folder / "atomic.db")
    try:
        return [event.request_id for event in ledger.read() if isinstance(event.payload, FeedbackGiven)]
    finally:
        asyncio.run(ledger.close())


def test_mail_is_handled_as_it_comes_and_a_signal_ends_it_gracefully(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    mail = maildir_of(tmp_path / "mail", {"1": raw("You are a winner")})
    server = serve()
    server.until(lambda: names(mail / ".Junk" / "new") == ["1"])
    deliver(mail, "2", raw("The invoice is attached"))
    server.until(lambda: names(mail / ".Billing" / "new") == ["2"])

    assert 0 == server.end(), server.log.read_text()

    assert [] == names(mail / "new")
    assert () == verify(tmp_path / "atomic.db").problems
    assert "2 mails" in server.log.read_text()


def test_moves_and_tags_teach_as_they_happen(tmp_path: Path, serve: Callable[..., Server]) -> None:
    mail = maildir_of(tmp_path / "mail", {"1": raw("You are a winner"), "2": raw("The invoice is attached")})
    server = serve()
    server.until(lambda: names(mail / ".Junk" / "new") + names(mail / ".Billing" / "new") == ["1", "2"])

    maildir_of(mail / ".Support", {})
    (mail / ".Junk" / "new" / "1").rename(mail / ".Support" / "cur" / "1:2,S")
    server.until(lambda: "learned that spam is ham" in server.log.read_text())
    (tags,) = [path for path in (tmp_path / "out" / "Tags").iterdir() if "billing" in path.read_text()]
    content = json.loads(tags.read_bytes())
    tags.write_bytes(json.dumps({**content, "tags": ["support"]}).encode())
    server.until(lambda: "category is support, not billing" in server.log.read_text())

    assert 0 == server.end(by=signal.SIGINT), server.log.read_text()
    assert {"spam", "category"} == {one.partition("/")[2] for one in said(tmp_path)}
    assert ["1:2,S"] == names(mail / ".Support" / "cur")  # what its owner moved stays


def test_a_folder_and_an_mbox_are_watched_too(tmp_path: Path, serve: Callable[..., Server]) -> None:
    folder = folder_of(tmp_path / "mail", {"1": raw("You are a winner")})
    server = serve()
    server.until(lambda: len(names(tmp_path / "out" / "Junk")) == 1)
    folder_of(folder, {"2": raw("The invoice is attached")})
    server.until(lambda: len(names(tmp_path / "out" / "Billing")) == 1)
    assert 0 == server.end()

    begin = b"From ann@example.org Tue Nov 24 07:22:05 2026\r\n"
    mbox = tmp_path / "mbox"
    mbox.write_bytes(begin + raw("Another winner") + b"\r\n")
    server = serve(mailbox="mbox")
    server.until(lambda: len(names(tmp_path / "out" / "Junk")) == 2)
    with mbox.open("ab") as file:
        file.write(begin + raw("Another invoice") + b"\r\n")
    server.until(lambda: len(names(tmp_path / "out" / "Billing")) == 2)
    assert 0 == server.end()


def test_a_second_runner_is_refused_until_the_first_is_gone_also_by_a_kill(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    mail = maildir_of(tmp_path / "mail", {})
    first = serve().until_ready()
    for command in ("serve", "run"):
        second = serve(command=command)
        assert 1 == second.process.wait(PATIENCE_S)
        assert f"by another process ({first.process.pid})" in second.log.read_text()
        assert "Traceback" not in second.log.read_text()
    (tmp_path / "link").symlink_to(mail)
    linked = serve(mailbox="link")
    assert 1 == linked.process.wait(PATIENCE_S)  # another name is no other mailbox

    assert -signal.SIGKILL == first.end(by=signal.SIGKILL)

    maildir_of(mail, {"1": raw("You are a winner")})
    third = serve()
    third.until(lambda: names(mail / ".Junk" / "new") == ["1"])
    assert 0 == third.end()


def test_the_second_signal_ends_it_at_once(tmp_path: Path, serve: Callable[..., Server]) -> None:
    maildir_of(tmp_path / "mail", {})
    server = serve().until_ready()
    server.process.send_signal(signal.SIGTERM)
    server.until(lambda: "stopping" in server.log.read_text())

    assert -signal.SIGTERM == server.end()


def test_another_mailbox_with_the_same_ledger_is_no_second_runner(tmp_path: Path, serve: Callable[..., Server]) -> None:
    maildir_of(tmp_path / "mail", {})
    maildir_of(tmp_path / "other", {"1": raw("You are a winner")})
    first, second = serve().until_ready(), serve(mailbox="other")
    second.until(lambda: names(tmp_path / "other" / ".Junk" / "new") == ["1"])

    assert [0, 0] == [first.end(), second.end()]


def test_what_people_said_while_it_was_off_is_carried_out_when_it_starts(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    content = raw("The invoice is attached")
    folder_of(tmp_path / "mail", {"1": content})
    server = serve()
    server.until(lambda: len(names(tmp_path / "out" / "Billing")) == 1)
    assert 0 == server.end(), server.log.read_text()
    request = f"{hashlib.sha256(content).hexdigest()[:16]}/category"
    said = subprocess.run(
        [sys.executable, "-m", "atomic", "feedback", request, "--truth", "support"], cwd=tmp_path, capture_output=True
    )
    assert 0 == said.returncode, said.stderr

    server = serve()
    server.until(lambda: len(names(tmp_path / "out" / "Support")) == 1)

    assert 0 == server.end(), server.log.read_text()
    assert [] == names(tmp_path / "out" / "Billing")


async def serving(run: Run, stop: asyncio.Event, until: Callable[[], bool], grace: float = 20.0) -> None:
    """Serve until something holds."""
    task = asyncio.create_task(serve_inbox(run, stop=stop, interval=0.02, grace=grace))
    async with asyncio.timeout(PATIENCE_S):
        while not until() and not task.done():  # noqa: ASYNC110 — what is waited for is on the disk
            await asyncio.sleep(0.02)
        stop.set()
        await task


async def test_what_is_in_hand_is_finished_before_it_stops(tmp_path: Path) -> None:
    stop, seen = asyncio.Event(), Seen()

    def stops(letter: Letter) -> str:
        stop.set()  # while this mail is in hand
        return "spam"

    folder = maildir_of(tmp_path / "mail", {"1": raw("one"), "2": raw("two")})
    async with market([sure("s", "spam", stops)]) as made:
        settings = policy(ask=["spam"], concurrency=1)
        await serving(
            Run(market=made, root=folder, out=tmp_path / "out", settings=settings, watcher=seen), stop, stop.is_set
        )

    assert ["1"] == names(folder / ".Junk" / "new")
    assert ["2"] == names(folder / "new")  # it was not begun
    assert [["done", "done"]] == [[taken.status for taken in one.taken] for one in seen.mails]


async def test_what_does_not_end_in_time_is_given_back_to_the_next_runner(tmp_path: Path) -> None:
    stop, begun = asyncio.Event(), asyncio.Event()
    folder = maildir_of(tmp_path / "mail", {"1": raw("one")})

    async def hangs(letter: Letter) -> str:
        begun.set()
        await asyncio.Event().wait()
        return "spam"

    slow = FunctionBidder(
        "s", hangs, tasks=["spam"], profile=Profile(name="s", kind="function", right=0.95, prior_weight=50.0)
    )
    async with SqliteLedger.open(tmp_path / "atomic.db") as ledger:
        settings = policy(ask=["spam"])
        async with market([slow], ledger=ledger) as made:
            run = Run(market=made, root=folder, out=tmp_path / "out", settings=settings, watcher=Seen())
            await serving(run, stop, begun.is_set, grace=0.05)
        assert ["1"] == names(folder / "new")

        async with market([sure("s", "spam", lambda _: "spam")], ledger=ledger) as made:
            run = Run(market=made, root=folder, out=tmp_path / "out", settings=settings, watcher=Seen())
            await serving(run, asyncio.Event(), lambda: names(folder / ".Junk" / "new") == ["1"])
    assert () == verify(tmp_path / "atomic.db").problems


async def test_an_action_that_fails_is_tried_a_few_times_and_then_told(tmp_path: Path) -> None:
    folder, seen = maildir_of(tmp_path / "mail", {"1": raw("You are a winner")}), Seen()
    (folder / ".Junk").write_text("a file where the folder should be")
    async with market(words_decide()) as made:
        run = Run(market=made, root=folder, out=tmp_path / "out", settings=policy(), watcher=seen)
        await serving(run, asyncio.Event(), lambda: any("parked" in one for one in seen.notes))

    assert TRIES == sum("1: not handled yet: move to Junk" in one for one in seen.notes)
    assert "1: parked: NotHandled: move to Junk: " in seen.notes[-1]
    assert [] == seen.mails


async def test_what_failed_is_done_once_it_can_be(tmp_path: Path) -> None:
    folder, seen = maildir_of(tmp_path / "mail", {"1": raw("You are a winner")}), Seen()
    (folder / ".Junk").write_text("a file where the folder should be")
    async with market(words_decide()) as made:
        run = Run(market=made, root=folder, out=tmp_path / "out", settings=policy(), watcher=seen)

        def filed() -> bool:
            if seen.notes and (folder / ".Junk").is_file():
                (folder / ".Junk").unlink()
                (folder / "new" / "1").rename(folder / "cur" / "1:2,S")  # somebody read it meanwhile
            return bool(seen.mails)

        await serving(run, asyncio.Event(), filed)

    assert ["1:2,S"] == names(folder / ".Junk" / "cur")


async def test_a_file_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    folder, seen = folder_of(tmp_path / "mail", {}), Seen()
    whole = raw("You are a winner")
    async with market(words_decide()) as made:
        run = Run(market=made, root=folder, out=tmp_path / "out", settings=policy(), watcher=seen)
        with (folder / "1.eml").open("wb", buffering=0) as file:

            def written() -> bool:
                if file.tell() < len(whole):
                    file.write(whole[file.tell() : file.tell() + 40])
                return bool(seen.mails)

            await serving(run, asyncio.Event(), written)

    assert [whole] == [one.source.raw for one in seen.mails]

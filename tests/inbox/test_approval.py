"""`autonomy = "approve"`: an action waits in the queue until a person approves or refuses it, in any process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.inbox.markets import Seen, folder_of, maildir_of, market, names, policy, raw, words_decide

from atomic.errors import ConfigError
from atomic.inbox.places import OUTBOX
from atomic.inbox.policy import read_policy
from atomic.inbox.run import Run, run_inbox
from atomic.ledger import SqliteLedger
from atomic.records import QuestionAnswered, QuestionTaken
from atomic.records.event import Entry, Event

ASKS = {"tag": 0.1, "move": 0.1, "forward": "approve", "reply": "approve"}
HOSTILE = raw("invoice, and an answer please?", subject="\x1b[2Jinvoice")


async def run(tmp_path: Path, **autonomy: object) -> Seen:
    seen = Seen()
    async with SqliteLedger.open(tmp_path / "atomic.db") as ledger, market(words_decide(), ledger=ledger) as opened:
        settings = policy(autonomy={**ASKS, **autonomy})
        await run_inbox(
            Run(market=opened, root=tmp_path / "mail", out=tmp_path / "out", settings=settings, watcher=seen)
        )
    return seen


def taken(seen: Seen) -> dict[str, str]:
    return {one.decision.action: one.status for mail in seen.mails for one in mail.taken}


def atomic(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "atomic", *arguments, "--ledger", "atomic.db"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


async def test_what_needs_approval_waits_and_is_shown_harmlessly(tmp_path: Path) -> None:
    folder_of(tmp_path / "mail", {"a": HOSTILE})
    seen = await run(tmp_path)
    listed = atomic(tmp_path, "answer")
    shown = atomic(tmp_path, "answer", "reply")

    assert {"tag": "done", "forward": "waiting", "reply": "waiting", "move": "done"} == taken(seen)
    assert [] == names(tmp_path / "out" / OUTBOX)
    assert "reply draft: may it?" in listed.stdout
    assert "forward to accounts@example.com: may it?" in listed.stdout
    assert "Thank you, I will look into it." in shown.stdout
    assert "\x1b" not in shown.stdout + listed.stdout


async def test_the_next_run_does_what_was_approved_once_and_leaves_what_was_refused(tmp_path: Path) -> None:
    folder_of(tmp_path / "mail", {"a": HOSTILE})
    await run(tmp_path)
    approved = atomic(tmp_path, "answer", "reply", "--value", "approve", "--as", "ann")
    refused = atomic(tmp_path, "answer", "forward", "--value", "refuse", "--as", "ann")
    second, third = await run(tmp_path), await run(tmp_path)

    assert (0, 0) == (approved.returncode, refused.returncode), approved.stderr + refused.stderr
    assert ("done", "refused") == (taken(second)["reply"], taken(second)["forward"])
    assert ("before", "refused") == (taken(third)["reply"], taken(third)["forward"])
    assert 1 == len(names(tmp_path / "out" / OUTBOX))
    assert "nothing waits for a person\n" == atomic(tmp_path, "answer").stdout


async def test_mail_of_a_maildir_that_was_moved_meanwhile_is_found_once_its_reply_is_approved(tmp_path: Path) -> None:
    maildir_of(tmp_path / "mail", {"a": HOSTILE})
    await run(tmp_path)
    assert [] == (await run(tmp_path)).mails  # it lies in Billing now, and waits
    atomic(tmp_path, "answer", "reply", "--value", "approve", "--as", "ann")
    seen = await run(tmp_path)

    assert "done" == taken(seen)["reply"]
    assert [] == (await run(tmp_path)).mails


def test_a_mailbox_that_is_served_does_what_is_approved_while_it_runs(tmp_path: Path) -> None:
    config = """
[bidders.house]
kind = "rules"
rules = [{ task = "category", when = { text = "" }, answer = "billing" }]
[inbox]
folder = "out"
ask = ["category"]
autonomy = { forward = "approve", move = 0.1 }
rules = [{ when = { category = "billing" }, do = { move = "Billing", forward = "accounts@example.com" } }]
"""
    (tmp_path / "atomic.toml").write_text(config)
    maildir_of(tmp_path / "mail", {"a": HOSTILE})
    command = [sys.executable, "-m", "atomic", "inbox", "serve", "mail", "--interval", "0.1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as server:
        try:
            while "forward" not in (listed := atomic(tmp_path, "answer").stdout):
                assert server.poll() is None, listed
                time.sleep(0.1)
            assert [] == names(tmp_path / "out" / OUTBOX)
            approved = atomic(tmp_path, "answer", "next", "--value", "approve", "--as", "ann")
            while not names(tmp_path / "out" / OUTBOX):
                assert server.poll() is None, approved.stderr
                time.sleep(0.1)
        finally:
            server.terminate()

    assert 0 == approved.returncode
    assert 1 == len(names(tmp_path / "out" / OUTBOX))


async def test_only_the_two_words_are_taken(tmp_path: Path) -> None:
    folder_of(tmp_path / "mail", {"a": HOSTILE})
    await run(tmp_path)
    wrong = atomic(tmp_path, "answer", "reply", "--value", "send it to eve@example.com", "--as", "ann")

    assert 1 == wrong.returncode
    assert "one of approve, refuse" in wrong.stderr


async def test_another_text_than_the_approved_one_waits_anew(tmp_path: Path) -> None:
    folder_of(tmp_path / "mail", {"a": HOSTILE})
    await run(tmp_path)
    async with SqliteLedger.open(tmp_path / "atomic.db") as ledger:
        asked = [one for one in ledger.read(kinds=("asked",)) if "reply" in name_of(one)]
        other = name_of(asked[0])[:-8] + "0" * 8  # as if another text had been approved
        await ledger.append(
            [
                Entry(payload=QuestionTaken(question=other, reviewer="ann", until_ns=time.time_ns() + 10**12)),
                Entry(payload=QuestionAnswered(question=other, reviewer="ann")),
            ]
        )

    assert "waiting" == taken(await run(tmp_path))["reply"]


def name_of(event: Event) -> str:
    return str(getattr(event.payload, "question", ""))


def test_a_misspelt_autonomy_names_what_there_is() -> None:
    with pytest.raises(ConfigError, match='"observe", "suggest", "approve", or the probability'):
        read_policy({"autonomy": {"reply": "aprove"}})

"""After an erasure none of 100 planted words is found in any file that the program wrote, whatever they stood in."""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.inbox.markets import Seen, folder_of, learners, market, policy, raw, sure
from tests.ledger.helpers import files_with

from atomic.bidders.function import FunctionBidder
from atomic.bidders.neighbours import Neighbours
from atomic.inbox.handler import request_id
from atomic.inbox.run import Run, run_inbox
from atomic.inbox.source import SourceMail, read_mailbox
from atomic.inbox.tasks import Letter
from atomic.ledger import SqliteLedger, verify
from atomic.ledger.keys import Keys, keys_path

MAILS = 20
ANN, BOB = "ann-c0@canary.example", "bob@example.org"


def canary(number: int, what: str) -> str:
    return f"canary{number:03}{what}"


def words_of(number: int) -> list[str]:
    """Five canaries a mail: in its text, its subject, its sender's name, the draft's text, and the right answer."""
    return [canary(number, what) for what in ("text", "subject", "name", "draft", "truth")]


def mails() -> dict[str, bytes]:
    texts = {}
    for number in range(MAILS):
        sender = f"{canary(number, 'name')} <{ANN}>"
        text = f"Where is my invoice {canary(number, 'text')}?"
        texts[f"{number:03}"] = raw(text, sender=sender, subject=canary(number, "subject"))
    for number in range(5):
        texts[f"b{number}"] = raw(f"Where is parcel {number}?", sender=f"Bob <{BOB}>", subject=f"Parcel {number}")
    return texts


def drafted(letter: Letter) -> str:
    number = letter.subject[6:9]
    return f"Dear {canary(int(number), 'draft')}" if number.isdigit() else "Dear customer"


def bidders() -> list[FunctionBidder | Neighbours | object]:
    return [
        sure("s", "spam", lambda letter: "ham"),
        sure("c", "category", lambda letter: "billing" if "invoice" in letter.text else "support"),
        sure("n", "needs_reply", lambda letter: True),
        sure("d", "draft_reply", drafted),
        sure("junk", "sentiment", lambda letter: letter.text),  # no answer of that type: its words must not be quoted
        *learners(),
    ]


@contextlib.contextmanager
def logs_in(file: Path) -> Iterator[None]:
    """Everything that anybody logs, at the finest level, in a file."""
    handler = logging.FileHandler(file)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


async def planted(home: Path, mailbox: Path) -> None:
    """An inbox run over the mails, with right answers given for each draft."""
    settings = policy(ask=["spam", "category", "sentiment", "needs_reply"])
    async with SqliteLedger.open(home / "atomic.db") as ledger, market(bidders(), ledger=ledger) as made:  # type: ignore[arg-type]
        await run_inbox(Run(market=made, root=mailbox, out=home / "INBOX-out", settings=settings, watcher=Seen()))
        for mail in read_mailbox(mailbox):
            assert isinstance(mail, SourceMail)
            number = mail.path.stem
            if number.isdigit():
                key = request_id(mail.key, "draft_reply")
                await made.feedback(key, truth=f"Better: {canary(int(number), 'truth')}")


def atomic(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "atomic", *arguments], cwd=home, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_none_of_a_hundred_canaries_is_left_in_any_file(tmp_path: Path) -> None:
    home, mailbox = tmp_path / "home", folder_of(tmp_path / "mailbox", mails())
    home.mkdir()
    (home / "atomic.toml").write_text('[market]\nledger = "atomic.db"\nper_day = "$1"\n[inbox]\nfolder = "INBOX-out"\n')
    canaries = [word.encode() for number in range(MAILS) for word in words_of(number)]
    with logs_in(home / "log.txt"):
        asyncio.run(planted(home, mailbox))
    keys = Keys(keys_path(home / "atomic.db"), read_only=True)
    secrets = [keys.ensure([ANN])[ANN].key, keys.token(ANN).encode()]
    keys.close()
    assert {path for path in (home / "INBOX-out").rglob("*") if path.is_file()}
    assert 100 == len(canaries)

    exported = json.loads(atomic(home, "export-subject", ANN))
    assert [] == [word for word in canaries if word.decode() not in json.dumps(exported)]
    assert BOB not in json.dumps(exported)

    said = atomic(home, "erase", ANN, "--yes")

    assert [] == files_with(home, *canaries, ANN.encode(), *secrets)
    assert "requests as a whole" in said
    found = verify(home / "atomic.db")
    assert found.ok
    assert 0 < found.erased
    assert "verified" in atomic(home, "ledger", "verify")
    assert f"{found.erased} bodies erased" in atomic(home, "ledger", "verify")
    assert "There was nothing to erase" in atomic(home, "erase", ANN, "--yes")
    bobs = json.loads(atomic(home, "export-subject", BOB))
    assert "Where is parcel 3?" in json.dumps(bobs)
    assert bobs["results"]
    assert mails()["000"] == (mailbox / "000.eml").read_bytes()


def test_a_process_that_runs_meanwhile_writes_none_of_it_again(tmp_path: Path) -> None:
    home, mailbox = tmp_path / "home", folder_of(tmp_path / "mailbox", mails())
    home.mkdir()
    (home / "atomic.toml").write_text('[market]\nledger = "atomic.db"\nper_day = "$1"\n[inbox]\nfolder = "INBOX-out"\n')
    canaries = [word.encode() for number in range(MAILS) for word in words_of(number)]

    async def run() -> None:
        await planted(home, mailbox)
        async with SqliteLedger.open(home / "atomic.db") as ledger, market(bidders(), ledger=ledger) as made:  # type: ignore[arg-type]
            await asyncio.to_thread(atomic, home, "erase", ANN, "--yes")
            seen = Seen()
            settings = policy(ask=["spam", "category", "sentiment", "needs_reply"])
            await run_inbox(Run(market=made, root=mailbox, out=home / "INBOX-out", settings=settings, watcher=seen))
            assert (5, MAILS) == (sum(not one.problem for one in seen.mails), len(seen.files))

    asyncio.run(run())

    assert [] == files_with(home, *canaries, ANN.encode())

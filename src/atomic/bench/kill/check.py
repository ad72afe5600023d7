"""What a folder of the battery shows once it came to rest: everything once, nothing in doubt that is not listed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path

from atomic.bench.kill.world import ACCOUNTS, FOLDERS, HOOK, OWN
from atomic.inbox.book import Book
from atomic.inbox.leaving import idempotency_key
from atomic.inbox.loops import sent_id
from atomic.inbox.mail import parse
from atomic.inbox.places import DIGITS, OUTBOX, Tags
from atomic.inbox.source import SourceMail, read_mailbox
from atomic.ledger import LedgerReader, verify
from atomic.records.attempt import AttemptFinished, AttemptStarted

SENDS: dict[str, list[str]] = {
    "spam": [],
    "billing": [f"send/{ACCOUNTS}", f"webhook/{HOOK}"],
    "support": ["send/reply"],
}
_DRAFTS: dict[str, list[str]] = {"spam": [], "billing": ["forward"], "support": ["reply"]}


@dataclass(slots=True)
class Found:
    """What was found, in words: `lost`, `doubled`, and `unlisted` what is in doubt without a question to a person."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def count(self, what: str, times: int) -> None:
        """Something that is to be there once."""
        if times != 1:
            (self.doubled if times else self.lost).append(f"{what}: {times} times")


def names_outside(key: str) -> str:
    """What an action's key is known by to those outside."""
    return sent_id(key, OWN) if "/send/" in key else idempotency_key(key)


def names_of(contents: Collection[bytes]) -> Iterator[str]:
    """The Message-IDs of mails that a server took."""
    for content in contents:
        yield str(BytesHeaderParser().parsebytes(content)["Message-ID"])


def uncertain(folder: Path) -> tuple[set[str], list[str]]:
    """The keys that nobody knows about, and those that no question lists, as well as intents without any end."""
    with LedgerReader.open(folder / "atomic.db") as ledger:
        book = Book()
        book.read(ledger)
    listed = {one.asked.about for one in book.questions.waiting(time.time_ns())}
    states = {f"{sha256}/{what}": status for sha256, page in book.pages.items() for what, status in page.status.items()}
    found = {key for key, status in states.items() if status == "uncertain"}
    open_ends = [f"{key}: {status}" for key, status in states.items() if status in {"intended", "failed"}]
    return found, [*sorted(found - listed), *open_ends]


def check(folder: Path, mails: dict[bytes, str], outside: Counter[str]) -> Found:
    """Compare a folder, and what arrived outside, with what a quiet run would have left; `mails` with their kinds."""
    found = Found()
    lying = Counter((one.key, one.folder) for one in read_mailbox(folder / "mail") if isinstance(one, SourceMail))
    tags = Counter((key, tag) for key, given in Tags(folder / "out").all() for tag in given)
    drafts = Counter(path.name.rpartition("-")[2] for path in (folder / "out" / OUTBOX).glob("*.eml"))
    for content, kind in mails.items():
        sha256 = parse(content).sha256
        found.count(f"{kind} {sha256[:DIGITS]} filed", sum(n for (key, _), n in lying.items() if key == sha256))
        found.count(f"{kind} {sha256[:DIGITS]} in its folder", lying[sha256, FOLDERS[kind]])
        found.count(f"{kind} {sha256[:DIGITS]} tagged", tags[sha256, kind])
        for action in _DRAFTS[kind]:
            found.count(f"{kind} {sha256[:DIGITS]} {action} drafted", drafts[f"{sha256[:DIGITS]}.{action}.eml"])
        for what in SENDS[kind]:
            found.count(f"{kind} {sha256[:DIGITS]} {what}", outside[names_outside(f"{sha256}/{what}")])
    _check_ledger(folder / "atomic.db", found)
    return found


def _check_ledger(path: Path, found: Found) -> None:
    """The chain holds; every attempt has an end, what was answered was bought once, every request has one outcome."""
    found.lost += [f"ledger: {what}" for _, what in verify(path).problems]
    answered: Counter[tuple[str, str]] = Counter()
    open_ends: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    with LedgerReader.open(path) as ledger:
        for event in ledger.read(kinds=("started", "finished", "outcome")):
            if isinstance(event.payload, AttemptFinished):
                answered[event.request_id, event.payload.key] += event.payload.reason is None
                open_ends[event.request_id] -= 1
            elif isinstance(event.payload, AttemptStarted):
                open_ends[event.request_id] += 1
            else:
                outcomes[event.request_id] += 1
        learned = sum(1 for _ in ledger.read(kinds=("feedback",)))
    found.lost += [
        f"{request}: {attempts} attempts without an end" for request, attempts in open_ends.items() if attempts
    ]
    found.doubled += [f"{request} answered by {who}" for (request, who), times in answered.items() if times > 1]
    found.doubled += [f"{request} settled" for request, times in outcomes.items() if times > 1]
    found.doubled += ["a move of ours was taken for its owner's"] * learned

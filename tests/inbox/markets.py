"""Small markets and mailboxes for the tests of the inbox: cheap bidders of our own kinds, nothing patched."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atomic.belief.examples import ExampleStore
from atomic.bidders.cache import ExactCache
from atomic.bidders.function import FunctionBidder
from atomic.bidders.specialist import Specialist
from atomic.inbox.handler import Handled
from atomic.inbox.policy import read_policy
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.source import Skipped
from atomic.inbox.tasks import Letter
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.market import Market
from atomic.protocols import Bidder, Profile
from atomic.tactics import Plain

POLICY: Mapping[str, Any] = {
    "own_addresses": ["me@example.com"],
    "autonomy": {"tag": 0.1, "move": 0.1, "forward": 0.1, "reply": 0.1},
    "rules": [
        {"when": {"spam": "spam"}, "do": {"move": "Junk", "tag": "spam"}},
        {
            "when": {"category": "billing"},
            "do": {"move": "Billing", "tag": "billing", "forward": "accounts@example.com"},
        },
        {"when": {"category": "support"}, "do": {"move": "Support", "tag": "support"}},
        {"when": {"needs_reply": True}, "do": {"reply": "draft"}},
    ],
}


def policy(**changes: Any) -> InboxSettings:
    """The usual policy, with other keys than usual."""
    return read_policy({**POLICY, **changes})


def sure(
    name: str, task: str, answer: Callable[[Letter], Any], *, right: float = 0.95, price: int = 0, weight: float = 50.0
) -> Bidder:
    """A bidder for one task that is believed from the start."""
    profile = Profile(name=name, kind="function", right=right, prior_weight=weight)
    return FunctionBidder(name, lambda letter: answer(letter), price=price, tasks=[task], profile=profile)


def words_decide() -> list[Bidder]:
    """Bidders that look for words in the text: "winner" is spam, "invoice" billing, "?" wants a reply."""
    return [
        sure("s", "spam", lambda letter: "spam" if "winner" in letter.text else "ham"),
        sure("c", "category", lambda letter: "billing" if "invoice" in letter.text else "support"),
        sure("f", "sentiment", lambda _: "neutral"),
        sure("p", "priority", lambda _: "normal"),
        sure("n", "needs_reply", lambda letter: "?" in letter.text),
        sure("d", "draft_reply", lambda _: "Thank you, I will look into it."),
    ]


def learners() -> list[Bidder]:
    """Bidders that know nothing but what they are taught."""
    return [Specialist("words"), ExactCache("cache")]


@asynccontextmanager
async def market(
    bidders: Sequence[Bidder], *, ledger: MemoryLedger | SqliteLedger | None = None, per_day: int | None = None
) -> AsyncIterator[Market]:
    """A running market; a ledger that is given stays open."""
    kept = ledger or MemoryLedger()
    made = Market(
        ledger=kept,
        bidders=bidders,
        tactics=[Plain()],
        examples=ExampleStore(),
        per_day=per_day,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.close()
        if ledger is None:
            await kept.close()


@dataclass
class Seen:
    """A watcher that remembers."""

    mails: list[Handled] = field(default_factory=list)
    files: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def handled(self, one: Handled) -> None:
        self.mails.append(one)

    def skipped(self, one: Skipped) -> None:
        self.files.append(one)

    def note(self, words: str) -> None:
        self.notes.append(words)

    def by_name(self) -> dict[str, Handled]:
        return {one.source.path.name: one for one in self.mails}


def raw(
    text: str, *, sender: str = "Ann <ann@example.org>", subject: str = "Hello", headers: Sequence[str] = ()
) -> bytes:
    """The bytes of a mail."""
    ident = f"Message-ID: <{hashlib.sha256((text + subject).encode()).hexdigest()[:16]}@example.org>"
    lines = [f"From: {sender}", "To: me@example.com", f"Subject: {subject}", ident, *headers, "", text, ""]
    return "\r\n".join(lines).encode()


def folder_of(root: Path, mails: Mapping[str, bytes]) -> Path:
    """A folder of `.eml` files."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in mails.items():
        (root / f"{name}.eml").write_bytes(content)
    return root


def maildir_of(root: Path, mails: Mapping[str, bytes]) -> Path:
    """A Maildir with unread mail."""
    for part in ("new", "cur", "tmp"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for name, content in mails.items():
        (root / "new" / name).write_bytes(content)
    return root


def names(folder: Path) -> list[str]:
    """What lies in a folder, without what is hidden."""
    return sorted(one.name for one in folder.iterdir() if not one.name.startswith(".")) if folder.is_dir() else []

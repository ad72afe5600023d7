"""What the battery's processes work on: three kinds of mail, rules that use every action, bidders that are sure."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from atomic.bidders.function import FunctionBidder
from atomic.inbox.policy import read_policy
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.tasks import Letter
from atomic.protocols import Bidder, Profile

Mode = Literal["run", "serve", "flows"]  # one-shot; served with plain flows; served with durable ones
MODES: tuple[Mode, ...] = ("run", "serve", "flows")
KINDS = ("spam", "billing", "support")
FOLDERS = {"spam": "Junk", "billing": "Billing", "support": "Support"}
OWN, ACCOUNTS, HOOK = "me@example.com", "accounts@example.com", "crm"
_TEXTS = {"spam": "You are a winner", "billing": "The invoice is attached", "support": "It is broken, can you help?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a process: on which folder, how, and by which event or attempt it kills itself (kind, which one)."""

    folder: str
    mode: Mode
    smtp: int
    hook: int
    asks: bool  # whether those outside can be asked what arrived
    event: tuple[str, int] | None = None
    attempt: int = 0


def mail(name: str, kind: str) -> bytes:
    """A mail of a kind, unlike any other."""
    who = f"writer{name}@example.org"
    head = [f"From: Ann <{who}>", f"To: {OWN}", f"Subject: Mail {name}", f"Message-ID: <{name}@example.org>"]
    return "\r\n".join([*head, "", f"{_TEXTS[kind]} ({name})", ""]).encode()


def settings_for(job: Job) -> InboxSettings:
    """The rules: each kind is tagged and moved, one is passed on and told, one is answered; drafts beside."""
    smtp: dict[str, Any] = {"host": "127.0.0.1", "port": job.smtp, "security": "none", "timeout": 30}
    hook: dict[str, Any] = {"url": f"http://127.0.0.1:{job.hook}/told", "timeout": 30}
    if job.asks:
        smtp["sent"] = str(sent_folder(Path(job.folder)))
        hook["ask"] = f"http://127.0.0.1:{job.hook}/keys/{{key}}"
    moves = [{"when": _when(kind), "do": {"move": FOLDERS[kind], "tag": kind}} for kind in KINDS]
    moves[1]["do"] |= {"forward": ACCOUNTS, "send": ACCOUNTS, "webhook": HOOK}
    answers = {"when": {"needs_reply": True}, "do": {"reply": "draft", "send": "reply"}}
    table = {
        "own_addresses": [OWN],
        "ask": ["spam", "category", "needs_reply"],
        "autonomy": dict.fromkeys(["tag", "move", "forward", "reply", "send", "webhook"], 0.1),
        "rules": [*moves, answers],
        "smtp": {**smtp, "per_recipient": 10_000},
        "webhooks": {HOOK: hook},
    }
    return read_policy(table)


def _when(kind: str) -> dict[str, str]:
    return {"spam": "spam"} if kind == "spam" else {"category": kind}


def sent_folder(folder: Path) -> Path:
    """Where the mail server files what it took."""
    return folder / "Sent"


def bidders(die_at_attempt: int) -> list[Bidder]:
    """Five of each that say the same, so that one is enough; with a number, that attempt is the process's last.

    Of two, both were cut off twice in a mailbox that was killed six times, and then the market asks nobody any more.
    """
    attempts = 0

    def counted(answer: Callable[[Letter], Any]) -> Callable[[Letter], Any]:
        def answered(letter: Letter) -> Any:
            nonlocal attempts
            attempts += 1
            if attempts == die_at_attempt:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer(letter)

        return answered

    says: dict[str, Callable[[Letter], Any]] = {
        "spam": lambda letter: "spam" if "winner" in letter.text else "ham",
        "category": lambda letter: "billing" if "invoice" in letter.text else "support",
        "needs_reply": lambda letter: "?" in letter.text,
        "draft_reply": lambda _: "Thank you.",
    }
    return [
        FunctionBidder(
            f"{task}{number}",
            counted(answer),
            price=20_000 + number,
            tasks=[task],
            profile=Profile(name=f"{task}{number}", kind="function", right=0.95, prior_weight=50.0),
        )
        for task, answer in says.items()
        for number in range(5)
    ]

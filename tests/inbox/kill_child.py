"""Runs inboxes in processes that can be killed: imports once, then forks for each line "FOLDER" on its input."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.inbox.markets import Seen, market, policy, sure

from atomic.inbox.run import Run, run_inbox
from atomic.inbox.tasks import Letter
from atomic.ledger import SqliteLedger
from atomic.protocols import Bidder

COPIES = 2  # of each bidder, so that some answers are bought in pairs


def bidders() -> list[Bidder]:
    """Several of a kind that say the same, at a price, so that one is enough."""
    made = []
    for number in range(COPIES):
        price = 20_000 + number
        made += [
            sure(f"s{number}", "spam", lambda letter: "spam" if "winner" in letter.text else "ham", price=price),
            sure(f"c{number}", "category", _category, price=price),
            sure(f"n{number}", "needs_reply", lambda letter: "?" in letter.text, price=price),
            sure(f"d{number}", "draft_reply", lambda _: "Thank you.", price=price),
        ]
    return made


def _category(letter: Letter) -> str:
    return "billing" if "invoice" in letter.text else "support"


async def work(folder: Path) -> None:
    """One run."""
    async with (
        SqliteLedger.open(folder / "atomic.db", seal_every=20) as ledger,
        market(bidders(), ledger=ledger) as made,
    ):
        settings, seen = policy(ask=["spam", "category", "needs_reply"]), Seen()
        await run_inbox(Run(market=made, root=folder / "mail", out=folder / "out", settings=settings, watcher=seen))
        problems = [one.problem for one in seen.mails if one.problem]
        if problems:
            raise RuntimeError(problems[0])


def main() -> None:
    """Fork for each line; answer with the process id, and after another line with how it ended."""
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            status = 1
            try:
                asyncio.run(work(Path(line.strip())))
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        print(child, flush=True)
        sys.stdin.readline()  # until then nobody else can get the number, so that it is safe to kill
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

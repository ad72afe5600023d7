"""The processes that are killed: imports once, then forks for each job on its input, a line of JSON.

Answers with the process id; when the process has ended, with an empty line; and after a line of the parent with its
status. Until then nobody else can get the number, so that it is safe to kill.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from atomic.belief.examples import ExampleStore
from atomic.bench.kill.world import Job, bidders, settings_for
from atomic.durable import PlainFlows
from atomic.durable.dbos_flows import DbosFlows
from atomic.inbox.book import Book
from atomic.inbox.handler import Handled
from atomic.inbox.run import Run, run_inbox
from atomic.inbox.serve import Runner, serve_inbox
from atomic.inbox.source import Skipped, SourceMail, read_mailbox
from atomic.ledger import SqliteLedger
from atomic.market import Market
from atomic.protocols import FlowBody, Flows, Follower
from atomic.records.event import Event
from atomic.tactics import Plain

INTERVAL_S = 0.05


class _Problems:
    """A watcher that keeps what could not be handled."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def handled(self, one: Handled) -> None:
        """See `Watcher`."""
        self.found += [one.problem] if one.problem else []

    def skipped(self, one: Skipped) -> None:
        """See `Watcher`."""

    def note(self, words: str) -> None:
        """See `Watcher`."""


async def work(job: Job) -> None:
    """One run, to its end or its death."""
    folder, problems = Path(job.folder), _Problems()
    async with SqliteLedger.open(folder / "atomic.db", seal_every=20) as ledger:
        if job.event is not None:
            ledger.follow(_killing(*job.event))
        examples = ExampleStore()
        market = Market(ledger=ledger, bidders=bidders(job.attempt), tactics=[Plain()], examples=examples)
        await market.start()
        run = Run(market=market, root=folder / "mail", out=folder / "out", settings=settings_for(job), watcher=problems)
        if job.mode == "run":
            await run_inbox(run)
        else:
            await _serve(run, ledger, PlainFlows if job.mode == "serve" else _durable(folder / "flows.db"))
        await market.close()
    if problems.found:
        raise RuntimeError(problems.found[0])


def _killing(kind: str, number: int) -> Follower:
    seen = 0

    def follow(events: Sequence[Event]) -> None:
        nonlocal seen
        for event in events:
            seen += event.kind == kind
            if event.kind == kind and seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    return follow


async def _serve(run: Run, ledger: SqliteLedger, runner: Runner) -> None:
    """Serve until every mail has come to its end."""
    stop, book = asyncio.Event(), Book()
    mails = [one.key for one in read_mailbox(run.root) if isinstance(one, SourceMail)]
    book.read(ledger)
    unfollow = ledger.follow(book.fold)
    serving = asyncio.create_task(serve_inbox(run, stop=stop, interval=INTERVAL_S, runner=runner))
    try:
        while not serving.done() and not all(_is_over(book, key) for key in mails):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    finally:
        stop.set()
        await serving
        unfollow()


def _is_over(book: Book, key: str) -> bool:
    """Whether a mail was moved, and nothing of it is open but what waits for a person."""
    page = book.page(key)
    asked = {one.asked.about.partition("/")[2] for one in book.questions.waiting(time.time_ns())}
    open_ends = [what for what in page.unfinished if page.status.get(what) != "uncertain" or what not in asked]
    return bool(page.folder) and not open_ends


def _durable(file: Path) -> Runner:
    @asynccontextmanager
    async def runner(bodies: Mapping[str, FlowBody]) -> AsyncIterator[Flows]:
        async with await DbosFlows.open(file, bodies) as flows:
            yield flows

    return runner


def main() -> None:
    """Fork for each line."""
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            status = 1
            try:
                asyncio.run(work(Job(**orjson.loads(line))))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        print(child, flush=True)  # noqa: T201 - the parent reads it
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        print(flush=True)  # noqa: T201 - as above
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()

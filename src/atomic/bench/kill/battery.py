"""The parent of those that are killed: forks them, has the sinks outside, kills, and plays the person who is asked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from atomic.bench.kill.check import names_of, names_outside
from atomic.bench.kill.points import Point
from atomic.bench.kill.world import Job, Mode, sent_folder
from atomic.config import open_to_judge, read_config
from atomic.inbox.book import Book
from atomic.records.event import Entry
from atomic.records.question import QuestionAnswered, QuestionTaken
from atomic.testing.smtp_sink import SmtpSink, Stage, smtp_sink
from atomic.testing.webhook_sink import WebhookSink, WebhookStage, webhook_sink

_PERSON = "somebody who looked"
_LEASE_NS = 10**12
PATIENCE_S = 180.0  # for a run


@dataclass(slots=True)
class Battery:
    """Runs jobs, one at a time, and kills them."""

    smtp: SmtpSink
    webhook: WebhookSink
    forker: asyncio.subprocess.Process
    quiet_s: float = 1.0  # about what a run takes that nobody kills
    _child: int = 0
    _point: Point = field(default_factory=Point)
    _folder: Path = field(default_factory=Path)

    async def run(self, folder: Path, mode: Mode, point: Point | None, *, asks: bool) -> bool:
        """One run on a folder; whether it was killed. Raises RuntimeError when it ends badly in any other way."""
        self._point, self._folder = point or Point(), folder
        job = Job(
            folder=str(folder),
            mode=mode,
            smtp=self.smtp.port,
            hook=self.webhook.port,
            asks=asks,
            event=self._point.event,
            attempt=self._point.attempt,
        )
        began = time.monotonic()
        self._child = int(await self._say(orjson.dumps(job)))
        late = asyncio.create_task(self._kill_later(self._point.share)) if self._point.share else None
        try:
            await asyncio.wait_for(self._said(), PATIENCE_S)  # then it has ended, and its number is still its own
        except TimeoutError:
            self._kill()
            raise RuntimeError(f"it did not end in {PATIENCE_S:g} s: {folder}, {mode}, {self._point.name}") from None
        self._child = 0
        if late is not None:
            late.cancel()
        status = int(await self._say(b""))
        while self.smtp.open or self.webhook.open:  # noqa: ASYNC110 - what was on the wire still arrives
            await asyncio.sleep(0.005)
        if status not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"a process of the battery ended with {status}: {folder}, {mode}, {self._point.name}")
        if status == 0 and point is None:
            self.quiet_s = time.monotonic() - began
        return status != 0

    async def at_smtp(self, stage: Stage) -> None:
        """The mail server's hook: it files what it took, and strikes."""
        if stage == "data":
            folder = sent_folder(self._folder) / "new"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / str(len(self.smtp.received))).write_bytes(self.smtp.received[-1].content)
        if stage == self._point.smtp:
            self._kill()

    async def at_webhook(self, stage: WebhookStage) -> None:
        """The receiver's hook."""
        if stage == self._point.webhook:
            self._kill()

    async def _kill_later(self, share: float) -> None:
        await asyncio.sleep(share * self.quiet_s)
        self._kill()

    def _kill(self) -> None:
        if self._child:
            os.kill(self._child, signal.SIGKILL)

    async def _say(self, line: bytes) -> bytes:
        assert self.forker.stdin is not None
        self.forker.stdin.write(line + b"\n")
        return await self._said()

    async def _said(self) -> bytes:
        assert self.forker.stdout is not None
        line = await self.forker.stdout.readline()
        if not line:
            raise RuntimeError("the forking process of the battery has ended")
        return line.strip()

    def arrived(self, mails_before: int, hooks_before: int) -> Counter[str]:
        """How often each thing arrived outside, of all but the first ones."""
        mails = [one.content for one in self.smtp.received[mails_before:]]
        return Counter([*names_of(mails), *(one.key for one in self.webhook.received[hooks_before:])])


async def answer(ledger: Path, arrived: Collection[str]) -> int:
    """What a person does who looks outside: refuse where it arrived, approve once more where not. Returns how many."""
    async with open_to_judge(read_config({"market": {"ledger": str(ledger)}})) as market:
        book = Book()
        book.read(market.ledger)
        waiting = book.questions.waiting(time.time_ns())
        for one in waiting:
            name, declined = one.asked.question, names_outside(one.asked.about) in arrived
            until_ns = time.time_ns() + _LEASE_NS
            said = (
                QuestionTaken(question=name, reviewer=_PERSON, until_ns=until_ns),
                QuestionAnswered(question=name, reviewer=_PERSON, declined=declined),
            )
            await market.record([Entry(payload=word, request_id=one.event.request_id) for word in said])
    return len(waiting)


@asynccontextmanager
async def battery() -> AsyncIterator[Battery]:
    """A battery with its sinks, until the block ends."""
    async with smtp_sink() as smtp, webhook_sink() as webhook:
        forker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "atomic.bench.kill.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        made = Battery(smtp, webhook, forker)
        smtp.hook, webhook.hook = made.at_smtp, made.at_webhook
        try:
            yield made
        finally:
            assert forker.stdin is not None
            forker.stdin.close()
            await forker.wait()

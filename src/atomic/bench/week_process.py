"""One process of the simulated week: handles its part of the mails, says how far it is, ends or is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from atomic.belief.examples import ExampleStore
from atomic.bench.memory import resident_mb
from atomic.errors import OperatorError
from atomic.inbox.handler import request_id
from atomic.inbox.mail import Mail, parse, subjects_of
from atomic.inbox.tasks import Letter, spam
from atomic.ledger import SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import Profile
from atomic.records.bid import Reason
from atomic.records.microtask import Ask
from atomic.tactics import Plain
from atomic.testing import Line, ScriptedBidder

AT_ONCE = 50
PRICE = 3_000  # nano-USD of an answer of the dear bidder, whose ceiling is a third more
_BEGAN_NS = 1_795_000_000 * 1_000_000_000
_HOUR_NS = 3_600_000_000_000
_WEEK_NS = 7 * 24 * _HOUR_NS
_JUMPS = ((0.25, -3 * _HOUR_NS), (0.5, 5 * _HOUR_NS), (0.75, -26 * _HOUR_NS))  # from this part of the week on
_SENDERS = 500
_FEEDBACK_EVERY = 9  # of spam, too
_ROOM = 150_000  # bytes that a file may still grow by before the disk is full
_WORDS = "invoice order meeting offer parcel price winner report contract team holiday refund account question".split()

_DEAR = Line(price=PRICE, ceiling=PRICE * 4 // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Mails `first` to `last` (exclusive) of `total`. With `full` the disk is full soon, and later has room again."""

    path: str
    cap: int
    first: int
    last: int
    total: int
    full: bool = False


class WeekClock:
    """The calendar goes with the mails, and jumps; the stopwatch is the machine's."""

    def __init__(self, total: int) -> None:
        self._total = total
        self.at = 0

    def time_ns(self) -> int:
        """When mail `at` comes."""
        part = self.at / self._total
        return _BEGAN_NS + int(part * _WEEK_NS) + sum(jump for begins, jump in _JUMPS if part >= begins)

    def monotonic_ns(self) -> int:
        """Nanoseconds."""
        return time.monotonic_ns()


def mail(number: int) -> Mail:
    """A mail of the week, always the same; one in five is spam."""
    draw = random.Random(number)
    words = " ".join(draw.choices(_WORDS, k=40))
    sender = f"Person {number % _SENDERS} <person{number % _SENDERS}@example.org>"
    lines = [f"From: {sender}", "To: me@example.com", f"Subject: {words[:40]}", f"Message-ID: <{number}@example.org>"]
    return parse("\r\n".join([*lines, "", f"Mail {number}: {words}", ""]).encode())


def truth(number: int) -> str:
    """What is right of a mail."""
    return "spam" if number % 5 == 0 else "ham"


def bidders() -> list[ScriptedBidder]:
    """A dear one that is mostly right and now and then fails, crashes or answers junk, and a free one that guesses."""

    def dear(ask: Ask) -> Line:
        draw = int(ask.request_id[:8], 16) % 200
        if draw == 0:
            return replace(_DEAR, raises=RuntimeError("down"))
        if draw < 5:
            return replace(_DEAR, reason=Reason.FAILED, billed=0)
        # Right, so that it stays worth its price however much is learned, and the cap is what ends it.
        number = int(ask.arguments["letter"].text.split()[1].rstrip(":"))
        return replace(_DEAR, answer="no such label" if draw < 8 else truth(number))

    return [
        ScriptedBidder("dear", dear, profile=Profile(name="dear", kind="scripted", right=0.95, prior_weight=1e6)),
        ScriptedBidder("free", [Line(answer="ham")], profile=Profile(name="free", kind="scripted", right=0.7)),
    ]


async def work(part: Part) -> None:
    """Handle the part in blocks; a line of JSON after each says how far it is."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # what cannot be sealed on a full disk
    clock, team = WeekClock(part.total), bidders()
    ledger = SqliteLedger.open(Path(part.path), clock=clock)
    try:
        market = Market(
            ledger=ledger, bidders=team, tactics=(Plain(),), examples=ExampleStore(), per_day=part.cap, clock=clock
        )
        clock.at = part.first
        await market.start()
        with _full_disk(part) if part.full else contextlib.nullcontext():
            for first in range(part.first, part.last, AT_ONCE):
                clock.at = first
                await _block(market, range(first, min(part.last, first + AT_ONCE)))
                for one in team:
                    one.attempts.clear()  # a double remembers what was asked of it; the market must not
                _say({"done": min(part.last, first + AT_ONCE), "mb": resident_mb()})
        await market.close()
    finally:
        await ledger.close()


async def _block(market: Market, numbers: Sequence[int]) -> None:
    """Every mail of a block; those that a full disk kept from being handled once more, when there is room again."""
    left = list(numbers)
    while left:
        ended = await asyncio.gather(*(_one(market, number) for number in left), return_exceptions=True)
        failed = [error for error in ended if isinstance(error, BaseException)]
        for error in failed:
            if not isinstance(error, OperatorError):
                raise error
        left = [number for number, one in zip(left, ended, strict=True) if one is not None]
        if failed:
            _say({"full": len(failed)})
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


async def _one(market: Market, number: int) -> None:
    one = mail(number)
    key = request_id(one.sha256, "spam")
    await market.buy(spam(Letter.of(one)), Trade(request_id=key, subjects=subjects_of(one)))
    if number % _FEEDBACK_EVERY == 0:
        await market.feedback(key, truth=truth(number))


@contextlib.contextmanager
def _full_disk(part: Part) -> Iterator[None]:
    """No file may grow by much more, until the limit is lifted. (A file system of its own would need root.)"""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(one.stat().st_size for one in Path(part.path).parent.iterdir() if one.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + _ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _say(what: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def command(part: Part) -> list[str]:
    """What starts the process."""
    return [sys.executable, "-m", "atomic.bench.week_process", json.dumps(asdict(part))]


if __name__ == "__main__":
    asyncio.run(work(Part(**json.loads(sys.argv[1]))))

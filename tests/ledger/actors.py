"""What another process does to a ledger, told by its first argument; it speaks in lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from atomic.errors import AtomicError, CallerError
from atomic.ledger import SqliteLedger, verify
from atomic.protocols import Spend
from atomic.records import AttemptStarted, Body, Entry, Event, FeedbackGiven, MarketOpened


def say(thing: object) -> None:
    sys.stdout.write(json.dumps(thing) + "\n")
    sys.stdout.flush()


def wait() -> str:
    return sys.stdin.readline()


def entry(words: str, size: int = 0) -> Entry:
    body = Body(name="input", content=words.encode() + b"x" * size, subjects=(f"{words[:3]}@x",))
    return Entry(payload=MarketOpened(version="1", rules_version="1", config=words), request_id=words, bodies=(body,))


async def flood(path: str) -> None:
    """Append without end, eight at a time; say what was acknowledged."""
    async with SqliteLedger.open(path, seal_every=50) as ledger:

        async def one(number: int) -> None:
            turn = 0
            while True:
                words = [f"{os.getpid()}-{number}-{turn}-{index}" for index in range(3)]
                events = await ledger.append([entry(one) for one in words], power_durable=turn % 20 == 19)
                say([[event.seq, word] for event, word in zip(events, words, strict=True)])
                turn += 1

        await asyncio.gather(*(one(number) for number in range(8)))


async def append(path: str, count: str) -> None:
    """Append so many events when told to, then say what the follower saw."""
    seen: list[int] = []

    def follow(events: Sequence[Event]) -> None:
        seen.extend(event.seq for event in events)

    async with SqliteLedger.open(path, seal_every=100) as ledger:
        ledger.follow(follow, after=0)
        say("ready")
        wait()
        own = await asyncio.gather(*(ledger.append([entry(f"{os.getpid()}-{n}")]) for n in range(int(count))))
        say([events[0].seq for events in own])
        wait()
        await ledger.append([])
        say(seen)


async def spend(path: str, change: str, cap: str) -> None:
    """Spend until the cap says no; say how often it was allowed."""
    allowed = 0
    async with SqliteLedger.open(path) as ledger:
        say("ready")
        wait()
        started = Entry(payload=AttemptStarted(bidder="b", tactic="plain", reserved=int(change)))
        while await ledger.append([started], spend=Spend(day="2026-11-24", change=int(change), cap=int(cap))):
            allowed += 1
    say(allowed)


async def claim(path: str, request_id: str) -> None:
    """Claim a request, say how it stands, and hold it until told."""
    async with SqliteLedger.open(path) as ledger:
        say(await ledger.claim("", request_id, "f"))
        await asyncio.to_thread(wait)


async def claim_and_fork(path: str, request_id: str) -> None:
    """Claim, then fork a child that goes on living; say its pid, and what the ledger says to it."""
    ledger = SqliteLedger.open(path)
    await ledger.claim("", request_id, "f")
    child = os.fork()
    if child:
        await asyncio.to_thread(wait)
        return
    live_on(ledger)


def live_on(ledger: SqliteLedger) -> None:
    """As a forked child: say what the inherited ledger says, and stay."""
    try:
        asyncio.run(ledger.append([entry("child")]))
    except CallerError as error:
        say([os.getpid(), error.message])
    time.sleep(60)
    os._exit(0)


async def fill(path: str, room: str) -> None:
    """Append until the disk is full, then beside one that is too large, then when there is room again."""
    ballast = Path(path).with_name("ballast")
    if room == "disk":
        ballast.write_bytes(bytes(1 << 20))
    async with SqliteLedger.open(path) as ledger:
        acknowledged: list[int] = []
        if room == "limit":
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
        try:
            while True:
                acknowledged += [event.seq for event in await ledger.append([entry("first", 20_000)])]
        except AtomicError as error:
            say([type(error).__name__, error.message, len(acknowledged)])
        if room == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, hard))
        else:
            ballast.unlink()
        mixed = [ledger.append([entry(f"second-{n}", 5 << 20 if n == 2 else 10)]) for n in range(5)]
        found = await asyncio.gather(*mixed, return_exceptions=True)
        say([type(one).__name__ for one in found])
        acknowledged += [event.seq for events in found if isinstance(events, tuple) for event in events]
        feedback = Entry(payload=FeedbackGiven(source="person", value=1.0))
        acknowledged += [event.seq for event in await ledger.append([feedback], power_durable=True)]
        say(acknowledged)
        verified = verify(path)
        say([verified.events, verified.problems])


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))

"""How fast the ledger is, with the bare database and the bare sums measured in the same run.

`python -m atomic.bench.ledger` prints a table. Times are the best of several short runs, since what a busy machine
adds to them is not ours; the medians are printed beside them.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from atomic.ledger import SqliteLedger, verify
from atomic.ledger.schema import MIGRATIONS
from atomic.records import (
    AttemptFinished,
    Award,
    Bid,
    Body,
    Entry,
    Event,
    Evidence,
    Offer,
    Position,
    Scored,
    Slate,
    State,
    Table,
    Terms,
    Usage,
)
from atomic.records.canonical import content_id
from atomic.records.event import encode

BIDS = 20
CALLERS = 64  # concurrent appenders
GROUP = 8  # entries in one append: about what one step of a request records, times a few
_TABLE = encode(Table(alternatives=3))


def small(number: int) -> Entry:
    """An event of about 300 bytes, with a body of as many and a commitment to it."""
    return Entry(
        payload=AttemptFinished(
            bidder="local",
            tactic="nearest-examples",
            group=1,
            probability=0.5 + number * 1e-9,
            confidence=0.75,
            usage=Usage(prompt_tokens=100, completion_tokens=3, seconds=0.25),
            price=10_000,
            expected_price=1_200,
            latency_ns=123_456_789,
        ),
        request_id=f"01890000-0000-7000-8000-{number // 8:012d}",
        time_ns=1_700_000_000_000_000_000 + number,
        bodies=(Body(name="answer", content=f'{{"priority":{number},"text":"{"x" * 270}"}}'.encode()),),
    )


def award(number: int) -> Entry:
    """An award among 20 bids, with its own slate of about 7 KB; encoded anew each time."""
    slate = encode(Slate(bids=(_bid(number, 0), *_OTHERS), no_bids=()))
    payload = Award(
        position=Position(
            terms=Terms(worth=2_000_000, max_price=2_000_000), state=State(), round=0, spent=0, elapsed_ns=0
        ),
        slate=content_id(slate),
        table=content_id(_TABLE),
        draw=0.25,
        beliefs_seq=number,
        rules_version="1",
        capacity=_CAPACITY,
        standing=0.0,
        standing_group=0,
        considered=_NAMES[:5],
        candidates=(Scored(action=(_NAMES[0],), score=number, propensity=0.9), *_CANDIDATES),
        chosen=_NAMES[:1],
        propensity=0.9,
    )
    return Entry(
        payload=payload,
        request_id=f"01890000-0000-7000-8000-{number // 8:012d}",
        time_ns=1_700_000_000_000_000_000 + number,
        blobs=(slate, _TABLE),
    )


def _bid(number: int, index: int) -> Bid:
    evidence = Evidence(
        prior=0.5,
        prior_weight=4.0,
        chance=0.0,
        domain_count=10.5,
        domain_right=8.25,
        task_count=3.0,
        task_right=2.0,
        last_ns=1_700_000_000_000_000_000,
        lessons=(number, 2, 3, 4, 5),
    )
    return Bid(
        offer=Offer(bidder=f"bidder-{index}", tactic="plain", claim=0.5, price=100 * index, ceiling=200 * index),
        probability=0.5 + (number * 31 + index) % 1_000_003 * 1e-7,
        spread=0.1,
        price=100 * index,
        latency_ns=1_000_000,
        latency_high_ns=2_000_000,
        evidence=evidence,
    )


# All but the first are the same each time: making twenty bids is the auction's work, encoding them is ours.
_OTHERS = tuple(_bid(0, index) for index in range(1, BIDS))
_NAMES = tuple(f"bidder-{index}+plain" for index in range(BIDS))
_CANDIDATES = tuple(Scored(action=(name,), score=1_000, propensity=0.005) for name in _NAMES[1:])
_CAPACITY = tuple((f"bidder-{index}", 64) for index in range(BIDS))


def mixed(number: int) -> Entry:
    """Five small events, then an award."""
    return award(number) if number % 6 == 5 else small(number)


async def _appended(folder: Path, make: Callable[[int], Entry], events: int) -> float:
    """Events per second, encoding and followers included."""
    seen = 0

    def follow(new: Sequence[Event]) -> None:
        nonlocal seen
        seen += len(new)

    starts = iter(range(0, events, GROUP))

    async def caller(ledger: SqliteLedger) -> None:
        for start in starts:
            await ledger.append([make(number) for number in range(start, min(start + GROUP, events))])

    async with SqliteLedger.open(folder / "ledger.db") as ledger:
        ledger.follow(follow)
        begin = time.perf_counter()
        await asyncio.gather(*(caller(ledger) for _ in range(CALLERS)))
        seconds = time.perf_counter() - begin
    if seen != events:
        raise AssertionError(f"followers saw {seen} of {events} events")
    return events / seconds


async def _power_durable(folder: Path, singles: int, figures: _Figures) -> None:
    """Power-durable appends one at a time, in turns with bare SQLite: what else the disk does hits both alike."""
    (folder / "bare").mkdir()
    ours, bare, turn = 0.0, 0.0, 10
    control = _Bare(folder / "bare", "FULL")
    async with SqliteLedger.open(folder / "ledger.db", seal_every=singles + turn) as ledger:
        await ledger.append([small(0)], power_durable=True)
        control.append(1)
        for start in range(0, singles, turn):
            begin = time.perf_counter()
            for number in range(start, start + turn):
                await ledger.append([small(number)], power_durable=True)
            middle = time.perf_counter()
            for _ in range(turn):
                control.append(1)
            ours, bare = ours + middle - begin, bare + time.perf_counter() - middle
    control.close()
    figures.note("full_s", singles / ours)
    figures.note("bare_full_s", singles / bare)
    figures.note("full_ratio", bare / ours)


class _Bare:
    """The control: the same two rows per event in the same tables by SQLite alone, encoded beforehand, not chained."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        self._connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {synchronous}")
        MIGRATIONS[0](self._connection)
        entry = small(1)
        payload, self._content = encode(entry.payload), entry.bodies[0].content
        name, time_ns = entry.request_id, entry.time_ns
        self._row = ("finished", 1, "", "internal", name, 0, time_ns, payload, bytes(90), bytes(32))
        self._events = 0

    def append(self, count: int) -> None:
        """So many events in one commit."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        for _ in range(count):
            self._events += 1
            run("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (self._events, *self._row))
            run("INSERT INTO body VALUES (?, '1', 'none', ?)", (self._events, self._content))
        run("COMMIT")

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


def _bare_in_groups(folder: Path, events: int) -> float:
    control, group = _Bare(folder, "NORMAL"), CALLERS * GROUP
    begin = time.perf_counter()
    for _ in range(0, events, group):
        control.append(group)
    seconds = time.perf_counter() - begin
    control.close()
    return events / seconds


def _verified(folder: Path, events: int, *, bodies: bool) -> float:
    begin = time.perf_counter()
    found = verify(folder / "ledger.db", bodies=bodies)
    seconds = time.perf_counter() - begin
    if not found.ok or found.events != events:
        raise AssertionError(f"a sound ledger did not verify: {found}")
    return events / seconds


def _hashed(events: int) -> float:
    """The control of verify: the hashing alone."""
    content, digest = bytes(500), bytes(32)
    begin = time.perf_counter()
    for _ in range(events):
        digest = hashlib.sha256(digest + content).digest()
    return events / (time.perf_counter() - begin)


def _read(folder: Path, events: int) -> float:
    async def read() -> float:
        async with SqliteLedger.open(folder / "ledger.db") as ledger:
            begin = time.perf_counter()
            count = sum(1 for _ in ledger.read())
            seconds = time.perf_counter() - begin
        if count != events:
            raise AssertionError(f"read {count} of {events} events")
        return events / seconds

    return asyncio.run(read())


class _Figures:
    """Every figure's runs: the best counts, the median is told beside it."""

    def __init__(self) -> None:
        self.runs: dict[str, list[float]] = {}

    def note(self, name: str, value: float) -> None:
        self.runs.setdefault(name, []).append(value)

    def best(self, name: str) -> float:
        return max(self.runs[name])

    def median(self, name: str) -> float:
        return statistics.median(self.runs[name])


def run(*, events: int = 30_000, singles: int = 200, rounds: int = 5, folder: Path | None = None) -> dict[str, Any]:
    """Measure. Rates are per second; `full_ratio` is power-durable appends over bare SQLite at FULL, side by side.

    `events_s` are 300-byte events with body and commitment, `mix_s` five of them to one award among 20 bids, both
    process-durable in groups; `verify_s` with bodies and contents. Raises AssertionError when a ledger is not sound.
    """
    figures = _Figures()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            _round(Path(name), figures, events, singles)
    return {
        "events_s": figures.best("events_s"),
        "mix_s": figures.best("mix_s"),
        "full_ratio": figures.median("full_ratio"),
        "verify_s": figures.best("verify_s"),
        "controls": {name: figures.best(name) for name in sorted(figures.runs) if name not in _FIGURES},
        "medians": {name: figures.median(name) for name in sorted(figures.runs)},
        "rounds": rounds,
        "events": events,
    }


_FIGURES = ("events_s", "mix_s", "full_ratio", "verify_s")


def _round(folder: Path, figures: _Figures, events: int, singles: int) -> None:
    for name in ("small", "mixed", "single", "bare"):
        (folder / name).mkdir()
    figures.note("events_s", asyncio.run(_appended(folder / "small", small, events)))
    figures.note("bare_normal_s", _bare_in_groups(folder / "bare", events))
    figures.note("mix_s", asyncio.run(_appended(folder / "mixed", mixed, events)))
    asyncio.run(_power_durable(folder / "single", singles, figures))
    figures.note("verify_s", _verified(folder / "small", events, bodies=True))
    figures.note("verify_chain_s", _verified(folder / "small", events, bodies=False))
    figures.note("verify_mix_s", _verified(folder / "mixed", events, bodies=True))
    figures.note("hash_s", _hashed(events))
    figures.note("read_s", _read(folder / "small", events))


_LINES = (
    ("events_s", "300-byte events with body, in groups", "15,000 / 25,000"),
    ("bare_normal_s", "  control: bare SQLite, the same rows", ""),
    ("mix_s", "five of them to one award of 20 bids", "4,000 / 10,000"),
    ("full_s", "power-durable, one at a time", ""),
    ("bare_full_s", "  control: bare SQLite at FULL", ""),
    ("full_ratio", "  their ratio", "0.80"),
    ("verify_s", "verify, bodies included", "50,000 / 150,000"),
    ("verify_chain_s", "verify, the chain alone", ""),
    ("verify_mix_s", "verify, awards and contents included", ""),
    ("hash_s", "  control: hashing alone", ""),
    ("read_s", "read and decode", ""),
)


def main() -> None:
    """Print the figures as a table."""
    found = run()
    write = sys.stdout.write
    write(f"{'':42}{'best':>12}{'median':>12}   must / aim\n")
    for name, words, wanted in _LINES:
        best = found["controls"].get(name, found.get(name))
        digits = 2 if name == "full_ratio" else 0
        write(f"{words:42}{best:12,.{digits}f}{found['medians'][name]:12,.{digits}f}   {wanted}\n")
    free = shutil.disk_usage(tempfile.gettempdir()).free >> 30
    write(f"Best of {found['rounds']} runs of {found['events']:,} events; {free} GiB free; other jobs may have run.\n")


if __name__ == "__main__":
    main()

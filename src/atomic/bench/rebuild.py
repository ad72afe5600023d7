"""How fast beliefs are rebuilt from a ledger in a file.

`python -m atomic.bench.rebuild` prints a table. A lesson is one piece of evidence (`records.Lesson`); the ledger holds
them as the market writes them, a few to an event, among the awards and attempts that they came from.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from atomic.belief import Beliefs
from atomic.ledger import SqliteLedger
from atomic.records import AttemptFinished, Entry, Lesson, LessonsLearned, OutcomeSettled, Payload, RequestOpened, Terms
from atomic.records.lesson import Source

TARGET = (10_000, 30_000)  # lessons a second: must, aim
_CHUNK = 1_000
_BIDDERS = 8


def run(requests: int = 4_000) -> dict[str, float]:
    """Lessons folded in a second, reading and decoding included; and the fold alone, as a control."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder) / "market.db", requests))


async def _measured(path: Path, requests: int) -> dict[str, float]:
    ledger = SqliteLedger.open(path)
    try:
        for first in range(0, requests, 200):
            await ledger.append([entry for number in range(first, first + 200) for entry in _request(number)])
        best, fold_best = 0.0, 0.0
        for _ in range(3):
            beliefs, lessons, chunk = Beliefs(), 0, []
            started = time.perf_counter()
            for event in ledger.read():
                chunk.append(event)
                lessons += len(event.payload.lessons) if isinstance(event.payload, LessonsLearned) else 0
                if len(chunk) == _CHUNK:
                    beliefs.fold(chunk)
                    chunk = []
            beliefs.fold(chunk)
            best = max(best, lessons / (time.perf_counter() - started))
        events = list(ledger.read())
        for _ in range(3):
            again = Beliefs()
            started = time.perf_counter()
            again.fold(events)
            fold_best = max(fold_best, lessons / (time.perf_counter() - started))
        if again.digest() != beliefs.digest():
            raise AssertionError("a rebuild gave other beliefs")
        return {"rebuild_s": best, "fold_s": fold_best}
    finally:
        await ledger.close()


def _request(number: int) -> list[Entry]:
    """What one request and its feedback leave behind, as far as beliefs read it."""
    name, other = f"bidder-{number % _BIDDERS}", f"bidder-{(number + 1) % _BIDDERS}"
    key, right = f"{name}+plain", float(number % 10 < 8)
    features = (0.7 + 0.01 * (number % 20), 0.8)
    lessons = (
        Lesson(kind="right", key=key, target=right, weight=1.0, features=features),
        Lesson(kind="right", key=f"{other}+plain", target=1.0 - right, weight=1.0, features=features),
        Lesson(kind="answer", key=key, target=right, weight=1.0, features=features),
        Lesson(kind="settle", key="", target=right, weight=1.0, features=(1.0, 0.8)),
        Lesson(kind="settle", key="", target=right, weight=1.0, features=(2.0, 0.9)),
    )
    agreed = Lesson(
        kind="agree", key="|".join(sorted((key, f"{other}+plain"))), target=right, weight=1.0, features=(0.6,)
    )
    opened = RequestOpened(
        task="spam", task_version="1", domain="", labels=("a", "b"), terms=Terms(worth=1, max_price=1)
    )
    payloads: list[Payload] = [
        opened,
        *(
            AttemptFinished(
                bidder=one, tactic="plain", group=0, price=10, expected_price=11, latency_ns=1_000_000 + number
            )
            for one in (name, other)
        ),
        OutcomeSettled(task="spam", status="answered"),
        _learned("agreement", (agreed,)),
        _learned("person", lessons),
    ]
    return [Entry(payload=payload, request_id=str(number), time_ns=1 + number) for payload in payloads]


def _learned(source: Source, lessons: tuple[Lesson, ...]) -> LessonsLearned:
    return LessonsLearned(task="spam", domain="", source=source, cause=0, alternatives=2, lessons=lessons)


def main() -> None:
    """Print the figures as a table."""
    found = run()
    must, aim = TARGET
    sys.stdout.write(f"{'lessons a second':40}{'best':>10}   must / aim\n")
    sys.stdout.write(f"{'beliefs rebuilt from the file':40}{found['rebuild_s']:10,.0f}   {must:,} / {aim:,}\n")
    sys.stdout.write(f"{'  control: the fold alone':40}{found['fold_s']:10,.0f}\n")


if __name__ == "__main__":
    main()

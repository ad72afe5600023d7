"""A week in minutes: mails through scripted bidders and one ledger, with everything that happens in a week.

`atomic bench week` prints a table. In the first third the process ends and is started anew, every second time by
SIGKILL, and once the disk is full for a while; one process does the other two thirds, and its memory is watched. The
calendar jumps back three hours, on five, and back over a midnight. Then the ledger is verified and read: no mail may be
lost or handled twice, and no UTC day may have cost more than its cap, which three mails in five would use up.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from atomic.bench.week_process import AT_ONCE, PRICE, Part, command
from atomic.errors import Bug
from atomic.ledger import LedgerReader, verify
from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.outcome import OutcomeSettled

MAILS = 100_000
_RESTARTS = 8
_LEAST_PART = 5 * AT_ONCE
_POINTS = 20  # of memory that are told


def run(mails: int = MAILS) -> dict[str, Any]:
    """What was lost, doubled, over its cap; whether the chain verifies; memory over the last process's life."""
    with tempfile.TemporaryDirectory() as folder:
        return _Week(Path(folder) / "week.db", mails).run()


class _Week:
    def __init__(self, path: Path, mails: int) -> None:
        self._path = path
        self._mails = mails
        self._cap = int(0.6 * PRICE * mails / 7)
        self._draws = random.Random(mails)
        self._done = 0
        self._kills = self._full = 0

    def run(self) -> dict[str, Any]:
        began = time.monotonic()
        restarts = max(2, min(_RESTARTS, self._mails // 3 // _LEAST_PART))
        size = self._mails // 3 // restarts
        for number in range(restarts):
            self._part((number + 1) * size, kill=number % 2 == 1, full=number == restarts // 2)
        memory = self._part(self._mails)
        worked = time.monotonic() - began
        verified = verify(self._path)
        return {
            "mails": self._mails,
            "seconds": worked,
            "kills": self._kills,
            "restarts": restarts,
            "full_disk": self._full,
            "chain_valid": not verified.problems,
            "events": verified.events,
            **self._read(),
            **_of_memory(memory),
        }

    def _part(self, last: int, *, kill: bool = False, full: bool = False) -> list[float]:
        """Have a process handle the mails up to `last`, or some, if it is to be killed. Memory after each block."""
        part = Part(path=str(self._path), cap=self._cap, first=self._done, last=last, total=self._mails, full=full)
        until = self._draws.randrange(self._done + AT_ONCE, last) if kill else last + 1
        memory: list[float] = []
        with subprocess.Popen(command(part), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said = orjson.loads(line)
                self._full += "full" in said
                if "done" in said:
                    self._done = said["done"]
                    memory.append(said["mb"])
                if self._done >= until:
                    time.sleep(self._draws.uniform(0.0, 0.2))  # into the next block
                    process.kill()
                    break
        self._kills += kill
        if not kill and (process.returncode or self._done != last):
            raise Bug(f"a process of the week ended with {process.returncode} at mail {self._done}")
        return memory

    def _read(self) -> dict[str, Any]:
        """What the ledger itself says."""
        outcomes: Counter[str] = Counter()
        days: Counter[str] = Counter()
        begun: dict[tuple[str, str], tuple[str, int]] = {}
        with LedgerReader.open(self._path) as ledger:
            for event in ledger.read(kinds=("outcome", "started", "finished")):
                payload = event.payload
                if isinstance(payload, OutcomeSettled):
                    outcomes[event.request_id] += 1
                elif isinstance(payload, AttemptStarted):
                    day = f"{datetime.fromtimestamp(event.time_ns / 1e9, UTC):%Y-%m-%d}"
                    begun[event.request_id, f"{payload.bidder}+{payload.tactic}"] = day, payload.reserved
                elif isinstance(payload, AttemptFinished):
                    day, _ = begun.pop((event.request_id, payload.key))
                    days[day] += payload.price
        for day, reserved in begun.values():  # never finished: it counts in full
            days[day] += reserved
        return {
            "lost": self._mails - len(outcomes),
            "doubled": sum(count > 1 for count in outcomes.values()),
            "days": len(days),
            "days_at_cap": sum(nano > self._cap - 2 * PRICE for nano in days.values()),
            "days_over_cap": sum(nano > self._cap for nano in days.values()),
            "dearest_day_of_cap": max(days.values()) / self._cap,
        }


def _of_memory(megabytes: Sequence[float]) -> dict[str, Any]:
    """The last quarter against the second, when all is warm."""
    quarter = max(1, len(megabytes) // 4)
    warm, last = statistics.median(megabytes[quarter : 2 * quarter]), max(megabytes[-quarter:])
    step = max(1, len(megabytes) // _POINTS)
    return {
        "mb": [round(one, 1) for one in megabytes[step - 1 :: step]],
        "mb_warm": warm,
        "mb_last_quarter": last,
        "memory_growth": last / warm - 1.0,
    }


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    return "\n".join(f"  {line}" for line in _lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    rate = found["mails"] / found["seconds"]
    yield f"{found['mails']:,} mails of a week in {found['seconds']:.0f} s ({rate:.0f} a second)"
    yield f"{found['restarts']} restarts, {found['kills']} after a kill; the disk was full {found['full_disk']} time(s)"
    yield f"lost {found['lost']}, doubled {found['doubled']} (must: 0)"
    yield f"{found['events']:,} events; the chain is {'valid' if found['chain_valid'] else 'BROKEN'}"
    yield (
        f"{found['days']} days, {found['days_at_cap']} at their cap, {found['days_over_cap']} over it (must: 0); "
        f"the dearest cost {found['dearest_day_of_cap']:.3%} of it"
    )
    yield f"memory, MB: {' '.join(f'{one:g}' for one in found['mb'])}"
    yield (
        f"last quarter {found['mb_last_quarter']:.1f} MB, warm {found['mb_warm']:.1f}: {found['memory_growth']:+.1%} "
        f"(must: at most +5 %)"
    )

"""Many processes spend from one ledger and are killed at random: no cap is ever exceeded, and the books are exact."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.ledger.helpers import sound
from tests.money.spending_child import DAY, MAX_PRICE, PURSE, PURSE_CAP

from atomic.ledger import LedgerReader
from atomic.records import AttemptFinished, AttemptStarted, Award, NoBid, Reason, Slate, decode

CHILD = Path(__file__).with_name("spending_child.py")
PROCESSES = 4


def ended(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def size(folder: Path) -> int:
    """How much the provider has billed by now."""
    meter = folder / "meter"
    return meter.stat().st_size if meter.exists() else 0


def wait_for_calls(folder: Path, seconds: float = 5.0) -> None:
    """Until somebody calls; not for ever, since where the caps are spent nobody does."""
    called, end = size(folder), time.monotonic() + seconds
    while size(folder) == called and time.monotonic() < end:
        time.sleep(0.01)


def end_all(children: list[subprocess.Popen[str]]) -> None:
    for child in children:
        ended(child)


@dataclass(frozen=True)
class Run:
    """How many calls are bought at once, how often somebody is killed meanwhile, and what the caps are."""

    calls: int
    kills: int
    per_day: int
    per_task: int

    def started(self, folder: Path, which: int) -> subprocess.Popen[str]:
        share = self.calls // PROCESSES
        numbers = (which * share, (which + 1) * share, self.per_day, self.per_task)
        command = [sys.executable, str(CHILD), str(folder / "ledger.db"), str(folder / "meter"), *map(str, numbers)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def carried_out(self, folder: Path) -> None:
        """Every call is settled, although `kills` processes were killed on the way."""
        chance, left = random.Random(self.calls), self.kills
        with contextlib.ExitStack() as stack:
            running = [self.started(folder, which) for which in range(PROCESSES)]
            stack.callback(end_all, running)
            while left:
                which = chance.randrange(PROCESSES)
                if (child := running[which]).stdout is None or child.stdout.readline() != "ready\n":
                    break
                wait_for_calls(folder)
                time.sleep(chance.uniform(0.0, 0.4))  # into the middle of its calls
                ended(child)
                left -= 1
                running[which] = self.started(folder, which)
            assert [0] * PROCESSES == [child.wait() for child in running]
        assert 0 == left


@dataclass(frozen=True)
class Books:
    """What the provider billed, by request, and what the ledger says."""

    billed: Counter[str]
    charged: Counter[str]  # settled attempts by their price, cut ones by their reservation
    by_task: Counter[str]
    cut: int  # reservations of attempts that were under way when their process was killed
    calls: int
    cuts: int


def metered(folder: Path) -> Iterator[tuple[str, int]]:
    for line in (folder / "meter").read_text().splitlines():
        request, _, price = line.split()
        yield request, int(price)


def books(folder: Path, ledger: LedgerReader) -> Books:
    billed: Counter[str] = Counter()
    for request, price in metered(folder):
        billed[request] += price
    charged: Counter[str] = Counter()
    task_of = {one.request_id: one.payload.task for one in ledger.read(kinds=("request",))}  # type: ignore[union-attr]
    open_now: dict[tuple[str, str], int] = {}
    cut, cuts = 0, 0
    for event in ledger.read(kinds=("started", "finished")):
        payload = event.payload
        assert isinstance(payload, AttemptStarted | AttemptFinished)
        name = (event.request_id, payload.bidder)
        if isinstance(payload, AttemptStarted):
            assert name not in open_now
            open_now[name] = payload.reserved
            continue
        del open_now[name]
        charged[event.request_id] += payload.price
        if payload.reason is Reason.INTERRUPTED:
            cut, cuts = cut + payload.price, cuts + 1
    for (request, _), reserved in open_now.items():
        charged[request] += reserved
        cut, cuts = cut + reserved, cuts + 1
    by_task: Counter[str] = Counter()
    for request, price in charged.items():
        by_task[task_of[request]] += price
    return Books(billed, charged, by_task, cut, len(list(metered(folder))), cuts)


def no_bids(ledger: LedgerReader) -> Iterator[NoBid]:
    for event in ledger.read(kinds=("award",)):
        if isinstance(event.payload, Award):
            yield from decode(Slate, ledger.blob(event.payload.slate)).no_bids


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(Run(calls=300, kills=4, per_day=300_000, per_task=60_000), id="300 calls, 4 kills"),
        pytest.param(
            Run(calls=2_000, kills=25, per_day=3_000_000, per_task=600_000),
            id="2,000 calls, 25 kills",
            marks=[pytest.mark.slow, pytest.mark.timeout(600)],
        ),
    ],
)
def test_nothing_is_overspent_and_a_killed_call_stays_charged_with_what_was_reserved_for_it(
    run: Run, tmp_path: Path
) -> None:
    run.carried_out(tmp_path)

    with LedgerReader.open(tmp_path / "ledger.db") as ledger:
        found = books(tmp_path, ledger)
        spent, on_drafts = ledger.spent(DAY), ledger.spent(DAY, "draft")
        on_team = ledger.spent(DAY, PURSE)
        refused = any(one.reason is Reason.DAILY_BUDGET for one in no_bids(ledger))
    billed = sum(found.billed.values())
    print(
        f"{run.calls} calls wanted, {found.calls} billed {billed}; {run.kills} kills cut {found.cuts} calls; charged "
        f"{spent} of {run.per_day} (drafts {on_drafts} of {run.per_task}); overspent {max(0, billed - run.per_day)}"
    )

    assert billed <= spent <= run.per_day
    assert on_drafts <= run.per_task
    assert (spent, on_drafts) == (sum(found.charged.values()), found.by_task["draft"])
    teams = [name for name in found.charged if name.startswith("call-") and int(name[5:]) % 4 == 1]
    assert sum(found.charged[name] for name in teams) == on_team <= PURSE_CAP
    assert 0 <= spent - billed <= found.cut
    assert all(price <= found.charged[request] <= MAX_PRICE for request, price in found.billed.items())
    assert found.cuts
    assert refused  # the caps were in the way, or this shows nothing
    sound(tmp_path / "ledger.db")

"""`atomic bench kill`: processes of an inbox killed (SIGKILL) at every step, with a mail server and a webhook outside.

Real processes, real sockets. A process kills itself when an event of some kind is on disk, or in the middle of an
attempt; the sinks kill it at each step of a conversation, also between the end of a mail's content and their word on
it; and some are killed at any time. Each folder is then run to its end, a person answers what is in doubt (by looking
at what arrived), and everything must be there once.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomic.errors import MissingExtra

if TYPE_CHECKING:
    from atomic.bench.kill.battery import Battery
    from atomic.bench.kill.points import Point

KILLS = 300
_COUNTS = ("lost", "doubled", "unlisted")
_TRIES = 10  # runs for a kill, at most: one that ended before it was to be killed is none


def run(kills: int = KILLS, *, seed: int = 7) -> dict[str, Any]:
    """Kill that often; returns the counts `kills`, `lost`, `doubled`, `uncertain` and `unlisted`, and what they were.

    `uncertain` are those that a person was asked about; `unlisted` those that should have been and were not. Raises
    MissingExtra without the extras that it needs.
    """
    try:
        import aiosmtpd  # noqa: F401
        import dbos  # noqa: F401
        import httpx  # noqa: F401
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f"{missing.name} is not installed", hint="pip install 'atomic-market[flows,http,sink]'"
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder), kills, random.Random(seed)))


async def _run(folder: Path, kills: int, draws: random.Random) -> dict[str, Any]:
    from atomic.bench.kill.battery import battery
    from atomic.bench.kill.points import points
    from atomic.bench.kill.world import MODES

    began = time.monotonic()
    totals, at, by_mode = Counter[str](), Counter[str](), Counter[str]()
    problems: list[str] = []
    ways = {mode: points(draws) for mode in MODES}
    per_folder = 3 if kills <= 30 else 4  # each folder ends with two or three runs that nobody kills
    async with battery() as made:
        for number in count():
            mode = MODES[number % len(MODES)]
            wanted = min(per_folder, kills - totals["kills"])
            if wanted <= 0 or number > _TRIES * kills:
                break
            case = _Case(made, folder / f"{number}", asks=number // len(MODES) % 2 == 0)
            await case.run(mode, ways[mode], wanted)
            at.update(case.killed)
            by_mode[mode] += len(case.killed)
            totals.update(kills=len(case.killed), uncertain=case.uncertain)
            for what in _COUNTS:
                totals[what] += len(case.problems[what])
                problems += [f"{what}: {one} ({case.folder.name}, {mode})" for one in case.problems[what]]
    counts = {name: totals[name] for name in ("kills", "lost", "doubled", "uncertain", "unlisted")}
    details = {"by_process": dict(by_mode), "at": dict(sorted(at.items())), "seconds": time.monotonic() - began}
    return counts | details | {"problems": problems[:100]}


class _Case:
    """One mailbox: killed at some points, with new mail before each run, then run to its end and looked through."""

    def __init__(self, battery: Battery, folder: Path, *, asks: bool) -> None:
        self.folder = folder
        self.killed: list[str] = []
        self.uncertain = 0
        self.problems: dict[str, list[str]] = {what: [] for what in _COUNTS}
        self._battery = battery
        self._asks = asks
        self._mails: dict[bytes, str] = {}
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)

    async def run(self, mode: Any, ways: Iterator[Point], wanted: int) -> None:
        """Kill as often as wanted, or a little less; then let it end."""
        from atomic.bench.kill.battery import answer
        from atomic.bench.kill.check import check, uncertain

        made, path = self._battery, self.folder / "atomic.db"
        before = len(made.smtp.received), len(made.webhook.received)
        for point in islice(ways, wanted):
            self._deliver()
            if await made.run(self.folder, mode, point, asks=self._asks):
                self.killed.append(point.name)
        await made.run(self.folder, mode, None, asks=self._asks)
        doubtful, self.problems["unlisted"] = uncertain(self.folder)
        self.uncertain = len(doubtful)
        if doubtful:
            await answer(path, made.arrived(*before))
            await made.run(self.folder, mode, None, asks=self._asks)
            self.problems["unlisted"] += [f"{key}: still" for key in uncertain(self.folder)[0]]
        found = check(self.folder, self._mails, made.arrived(*before))
        self.problems |= {"lost": found.lost, "doubled": found.doubled}

    def _deliver(self) -> None:
        from atomic.bench.kill.world import KINDS, mail

        for kind in KINDS:
            name = f"{self.folder.name}-{len(self._mails)}"  # in no other folder: receivers know it by that
            content = mail(name, kind)
            self._mails[content] = kind
            (self.folder / "mail" / "tmp" / name).write_bytes(content)
            (self.folder / "mail" / "tmp" / name).rename(self.folder / "mail" / "new" / name)

"""Memory of a market that works for long: after 10,000 requests and after 100,000 it must be the same, within 10 %.

`python -m atomic.bench.memory` prints a table. The requests go through scripted bidders and a ledger in a file, with
feedback on every tenth, in a process of their own, so that nothing else is measured.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REQUESTS = 100_000
_AT_ONCE = 50
_FEEDBACK_EVERY = 10


def run(requests: int = REQUESTS) -> dict[str, float]:
    """Resident megabytes after a tenth of the requests and after all of them, and the seconds it took."""
    child = subprocess.run(
        [sys.executable, "-m", "atomic.bench.memory", "child", str(requests)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(child.stdout)
    return found


async def _worked(requests: int) -> dict[str, float]:
    from atomic.bench.overhead import category, scripted_market
    from atomic.market import Trade
    from atomic.testing import ScriptedBidder

    started = time.perf_counter()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with scripted_market(Path(folder) / "market.db") as market:
            for first in range(0, requests, _AT_ONCE):
                numbers = range(first, min(requests, first + _AT_ONCE))
                await asyncio.gather(
                    *(market.buy(category(f"mail {number}"), Trade(request_id=str(number))) for number in numbers)
                )
                for number in numbers:
                    if number % _FEEDBACK_EVERY == 0:
                        await market.feedback(str(number), truth="work" if number % 3 else "offer")
                for bidder in market.bidders.values():
                    if isinstance(bidder, ScriptedBidder):
                        bidder.attempts.clear()  # a double remembers what was asked of it; the market must not
                if numbers.stop == requests // 10:
                    found["mb_10k"] = resident_mb()
            found["mb_100k"] = resident_mb()
    found["seconds"] = time.perf_counter() - started
    return found


def resident_mb() -> float:
    """Megabytes of this process that lie in memory, after a collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    """Print the figures as a table."""
    if sys.argv[1:2] == ["child"]:
        sys.stdout.write(json.dumps(asyncio.run(_worked(int(sys.argv[2])))))
        return
    found = run()
    growth = found["mb_100k"] / found["mb_10k"] - 1.0
    sys.stdout.write(f"{'resident memory':36}{'MB':>8}\n")
    sys.stdout.write(f"{f'after {REQUESTS // 10:,} requests':36}{found['mb_10k']:8.1f}\n")
    sys.stdout.write(
        f"{f'after {REQUESTS:,} requests':36}{found['mb_100k']:8.1f}   {growth:+.1%} (must: at most 10 %)\n"
    )
    sys.stdout.write(f"{found['seconds']:.0f} seconds.\n")


if __name__ == "__main__":
    main()

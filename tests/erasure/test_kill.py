"""An erasure that is killed anywhere is completed by doing it again, and until then nothing is damaged."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.erasure.test_canaries import atomic
from tests.erasure.test_ledger import ANN, BOB, asked
from tests.ledger.helpers import files_with, sound

from atomic.ledger import SqliteLedger, verify
from atomic.ledger.keys import Keys, keys_path

KILLS = 5
REQUESTS = 400


async def write(path: Path) -> None:
    async with SqliteLedger.open(path) as ledger:
        for start in range(0, REQUESTS, 50):
            await ledger.append([asked(f"r{n}", ANN if n % 2 else BOB) for n in range(start, start + 50)])


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_erasure_is_completed_by_the_next(tmp_path: Path, kill: int) -> None:
    path = tmp_path / "atomic.db"
    (tmp_path / "atomic.toml").write_text('[market]\nledger = "atomic.db"\n')
    asyncio.run(write(path))
    keys = Keys(keys_path(path), read_only=True)
    secrets = [keys.ensure([ANN])[ANN].key, keys.token(ANN).encode()]
    keys.close()
    erasing = subprocess.Popen([sys.executable, "-m", "atomic", "erase", ANN, "--yes"], cwd=tmp_path)
    changed = path.stat().st_mtime_ns, keys_path(path).stat().st_mtime_ns
    while erasing.poll() is None and changed == (path.stat().st_mtime_ns, keys_path(path).stat().st_mtime_ns):
        time.sleep(0.0005)
    time.sleep(kill * 0.02)  # from when its first write is seen
    erasing.kill()
    erasing.wait()

    wrong = {what.partition(" cannot be read")[0].rstrip("0123456789") for _, what in verify(path).problems}
    assert wrong <= {"body "}
    atomic(tmp_path, "erase", ANN, "--yes")

    found = sound(path)
    assert (REQUESTS // 2, REQUESTS // 2) == (found.bodies, found.erased)
    assert [] == files_with(tmp_path, *secrets)

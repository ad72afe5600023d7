"""Several processes share one ledger, and any of them may die at any moment."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.helpers import opened, process, sound

from atomic.ledger import SqliteLedger, verify

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an actor; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        running.append(process("actors.py", *arguments))
        return running[-1]

    yield begin
    for one in running:
        one.kill()
        one.communicate()


def heard(actor: subprocess.Popen[str]) -> Any:
    assert actor.stdout is not None
    line = actor.stdout.readline()
    assert line, "the actor ended early"
    return json.loads(line)


def tell(actor: subprocess.Popen[str]) -> None:
    assert actor.stdin is not None
    actor.stdin.write("go\n")
    actor.stdin.flush()


@pytest.mark.timeout(900)  # a hundred processes with --slow
async def test_a_writer_killed_in_mid_append_loses_nothing_it_acknowledged(
    tmp_path: Path, start: Start, slow: bool
) -> None:
    path, acknowledged = tmp_path / "ledger.db", {}
    for kill in range(100 if slow else 5):
        actor = start("flood", path)
        for _ in range(5 + kill * 37 % 101):
            acknowledged.update(dict(heard(actor)))
        os.kill(actor.pid, signal.SIGKILL)
        rest, _ = actor.communicate()
        # What was said before the kill was acknowledged, too; a last line may be cut.
        for line in rest.splitlines(keepends=True):
            acknowledged.update(dict(json.loads(line)) if line.endswith("\n") else {})
        sound(path)

    async with SqliteLedger.open(path) as ledger:
        await ledger.append([opened()])
        kept = {event.seq: event.request_id for event in ledger.read()}
        bodies = [ledger.body(event.bodies[0]) for event in ledger.read() if event.bodies]

    assert acknowledged == {seq: kept.get(seq) for seq in acknowledged}
    assert list(range(1, len(kept) + 1)) == list(kept)
    assert [name.encode() for name in kept.values() if name] == bodies
    assert len(kept) == sound(path).sealed_to


def test_processes_that_append_at_once_make_one_chain_and_each_sees_it_all(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actors = [start("append", path, 150) for _ in range(4)]
    for actor in actors:
        assert "ready" == heard(actor)
    for actor in actors:
        tell(actor)
    own = [heard(actor) for actor in actors]
    for actor in actors:
        tell(actor)
    seen = [heard(actor) for actor in actors]
    for actor in actors:
        assert 0 == actor.wait(timeout=30)

    every = list(range(1, 601))
    assert every == sorted(seq for seqs in own for seq in seqs)
    assert [every] * 4 == seen
    assert (600, 600) == (sound(path).events, sound(path).sealed_to)


def test_verifying_beside_writers_sees_one_sound_moment(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actors = [start("flood", path) for _ in range(2)]
    for actor in actors:
        heard(actor)

    found = [verify(path) for _ in range(20)]

    assert [()] * 20 == [one.problems for one in found]
    assert found[0].events < found[-1].events


async def test_the_cap_is_exact_over_processes(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actors = [start("spend", path, 7, 1_000) for _ in range(4)]
    for actor in actors:
        assert "ready" == heard(actor)
    for actor in actors:
        tell(actor)

    allowed = sum(heard(actor) for actor in actors)

    assert 1_000 // 7 == allowed
    async with SqliteLedger.open(path) as ledger:
        assert 7 * allowed == ledger.spent("2026-11-24")
        assert allowed == ledger.head()


async def test_a_living_process_keeps_its_claim_and_a_dead_one_loses_it_at_once(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    async with SqliteLedger.open(path) as ledger:
        actor = start("claim", path, "r")
        assert "new" == heard(actor)
        assert "running" == await ledger.claim("", "r", "f")
        os.kill(actor.pid, signal.SIGKILL)
        actor.wait()

        assert "resumed" == await ledger.claim("", "r", "f")
        assert "running" == heard(start("claim", path, "r"))


async def test_a_process_that_closed_leaves_its_claim_to_be_resumed(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actor = start("claim", path, "r")
    assert "new" == heard(actor)
    tell(actor)
    assert 0 == actor.wait(timeout=30)

    assert "resumed" == heard(start("claim", path, "r"))


async def test_a_child_that_outlives_its_parent_does_not_keep_the_claim(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actor = start("claim_and_fork", path, "r")
    child, words = heard(actor)
    try:
        assert "before a fork" in words
        async with SqliteLedger.open(path) as ledger:
            assert "running" == await ledger.claim("", "r", "f")
            os.kill(actor.pid, signal.SIGKILL)
            await asyncio.to_thread(actor.wait)
            assert "resumed" == await ledger.claim("", "r", "f")
    finally:
        os.kill(child, signal.SIGKILL)


def test_files_of_dead_holders_are_cleared_away(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actor = start("claim", path, "r")
    heard(actor)
    os.kill(actor.pid, signal.SIGKILL)
    actor.wait()
    assert 1 == len(list((tmp_path / "ledger.db.holders").iterdir()))

    actor = start("claim", path, "q")
    heard(actor)

    assert [f"{actor.pid}-"] == [one.name[: len(f"{actor.pid}-")] for one in (tmp_path / "ledger.db.holders").iterdir()]


def test_a_full_disk_loses_nothing_acknowledged_and_the_ledger_goes_on_by_itself(tmp_path: Path) -> None:
    # A file system of 4 MiB of its own; the kernel takes it back with the process.
    inside = tmp_path / "disk"
    inside.mkdir()
    script = Path(__file__).with_name("actors.py")
    mount = 'mount -t tmpfs -o size=4m none "$1" && exec "$2" "$3" fill "$1/ledger.db" disk'
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*unshare, 'mount -t tmpfs none "$0"', str(inside)], capture_output=True).returncode:
        pytest.skip("may not mount a file system of its own here")
    actor = subprocess.Popen(
        [*unshare, mount, "sh", str(inside), sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        name, message, count = heard(actor)
        assert ("LedgerUnwritable", True) == (name, "the disk is full" in message)
        assert 10 < count
        assert ["tuple", "tuple", "LedgerUnwritable", "tuple", "tuple"] == heard(actor)
        acknowledged = heard(actor)
        assert [acknowledged[-1], []] == heard(actor)
        assert list(range(1, len(acknowledged) + 1)) == acknowledged
    finally:
        actor.kill()
        actor.communicate()


def test_a_quota_on_file_size_loses_nothing_acknowledged_either(tmp_path: Path, start: Start) -> None:
    actor = start("fill", tmp_path / "ledger.db", "limit")

    name, message, count = heard(actor)
    assert ("LedgerUnwritable", True) == (name, "cannot" in message)
    assert 10 < count
    assert ["tuple", "tuple", "LedgerUnwritable", "tuple", "tuple"] == heard(actor)
    acknowledged = heard(actor)

    assert [acknowledged[-1], []] == heard(actor)
    assert list(range(1, len(acknowledged) + 1)) == acknowledged


def test_a_crash_between_ledger_and_outside_is_healed_by_the_next_to_open(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "ledger.db"
    actor = start("flood", path)
    while heard(actor)[-1][0] < 300:
        pass
    os.kill(actor.pid, signal.SIGKILL)
    actor.wait()
    outside = tmp_path / "ledger.db.heads"
    whole = outside.read_bytes()
    sealed_to = sound(path).sealed_to
    outside.write_bytes(whole[:-300])
    assert sound(path).sealed_to < sealed_to

    actor = start("claim", path, "r")
    heard(actor)

    assert whole == outside.read_bytes()[: len(whole)]
    assert sealed_to <= sound(path).sealed_to

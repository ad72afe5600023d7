"""Audit bundles: an outsider finds them whole without Atomic, and finds every changed byte."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

import atomic
from atomic.audit import Bundled, check, write_bundle
from atomic.belief.examples import ExampleStore
from atomic.clock import FrozenClock
from atomic.errors import CallerError
from atomic.ledger import SqliteLedger
from atomic.tactics import Plain

DAY_NS = 86_400_000_000_000
START_NS = 20_000 * DAY_NS
FLIPS = 60  # bytes changed in each file, at places drawn once for all


@atomic.microtask(worth="$0.01", label="confidential")
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of three days with four requests a day."""
    path = tmp_path_factory.mktemp("audit") / "market.db"

    async def trade() -> None:
        clock = FrozenClock(time_ns=START_NS)
        bidders = [atomic.FunctionBidder(name, lambda text: "spam", tasks=["kind"], price=5_000) for name in ("a", "b")]
        async with SqliteLedger.open(path, clock=clock, seal_every=10) as opened:
            market = atomic.Market(
                ledger=opened, bidders=bidders, tactics=[Plain()], examples=ExampleStore(), clock=clock
            )
            await market.start()
            for day in range(3):
                for number in range(4):
                    await market.buy(kind(f"pills {number}"), atomic.Trade(request_id=f"day{day}-{number}"))
                clock.advance(DAY_NS)
            await market.close()

    asyncio.run(trade())
    return path


@pytest.fixture(scope="module")
def bundle(ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundled]:
    """All of it, with bodies."""
    folder = tmp_path_factory.mktemp("bundles") / "whole"
    return folder, asyncio.run(write_bundle(ledger, folder, bodies=True))


def checked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the check as an outsider does: isolated, so that Atomic cannot be imported, from another place."""
    program = Path(check.__file__).read_text()
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(folder), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def copied(bundle: tuple[Path, Bundled], folder: Path) -> Path:
    return shutil.copytree(bundle[0], folder / "copy")


def signed_again(folder: Path, change: Callable[[Path], None]) -> Path:
    """A bundle that was changed and has every digest made to fit: only its signature cannot be."""
    change(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "manifest.json").write_bytes(check.canonical(manifest))
    return folder


def test_an_outsider_verifies_a_bundle_offline_without_atomic(bundle: tuple[Path, Bundled]) -> None:
    folder, made = bundle
    found = checked(folder, "--key", made.public_key)
    assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "verified"), found.stdout


def test_the_check_is_short_enough_to_be_read() -> None:
    assert len(Path(check.__file__).read_text().splitlines()) <= 200


def test_every_request_that_ended_is_a_decision(bundle: tuple[Path, Bundled]) -> None:
    rows = list(check.lines(bundle[0] / "decisions.jsonl"))
    assert sorted(row["request_id"] for row in rows) == sorted(
        f"day{day}-{number}" for day in range(3) for number in range(4)
    )


def test_a_decision_says_who_was_bought_and_for_how_much(bundle: tuple[Path, Bundled]) -> None:
    row = next(check.lines(bundle[0] / "decisions.jsonl"))
    assert row["attempts"][0]["price"] == 5_000
    assert row["rounds"][0]["chosen"] == [f"{row['attempts'][0]['bidder']}+{row['attempts'][0]['tactic']}"]


@pytest.mark.parametrize("name", ["events.jsonl", "heads.jsonl", "contents.jsonl", "bodies.jsonl", "decisions.jsonl",
                                  "manifest.json", "manifest.sig", "README.txt", "check.py"])  # fmt: skip
def test_any_changed_byte_is_found(bundle: tuple[Path, Bundled], tmp_path: Path, name: str) -> None:
    folder, drawn = copied(bundle, tmp_path), random.Random(name)
    whole = (folder / name).read_bytes()
    for _ in range(FLIPS):
        place, other = drawn.randrange(len(whole)), drawn.randrange(1, 256)
        (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ other]) + whole[place + 1 :])
        assert check.main([str(folder)]) == 1, (name, place, other)


@pytest.mark.parametrize("added", [b" ", b"\n", b"0"])
def test_a_byte_more_in_the_signature_is_found(bundle: tuple[Path, Bundled], tmp_path: Path, added: bytes) -> None:
    folder = copied(bundle, tmp_path)
    with (folder / "manifest.sig").open("ab") as file:
        file.write(added)
    assert check.main([str(folder)]) == 1


def test_a_file_more_is_found(bundle: tuple[Path, Bundled], tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path)
    (folder / "note.txt").write_text("all is well")
    assert check.main([str(folder)]) == 1


def test_a_change_with_every_digest_made_to_fit_is_found(bundle: tuple[Path, Bundled], tmp_path: Path) -> None:
    def cheaper(folder: Path) -> None:
        path = folder / "events.jsonl"
        path.write_text(path.read_text().replace('\\"price\\":5000', '\\"price\\":4000'))

    folder = signed_again(copied(bundle, tmp_path), cheaper)
    assert "the event or its place was changed" in checked(folder).stdout


def test_a_bundle_signed_by_somebody_else_is_found_by_its_key(bundle: tuple[Path, Bundled]) -> None:
    found = checked(bundle[0], "--key", "00" * 32)
    assert (found.returncode, "not signed by your key" in found.stdout) == (1, True)


def test_a_stretch_of_days_holds_their_decisions_alone(ledger: Path, tmp_path: Path) -> None:
    since, until = START_NS + DAY_NS, START_NS + 2 * DAY_NS
    made = asyncio.run(write_bundle(ledger, tmp_path / "day", since_ns=since, until_ns=until))
    rows = list(check.lines(tmp_path / "day" / "decisions.jsonl"))
    assert {row["request_id"] for row in rows} == {f"day1-{number}" for number in range(4)}
    assert checked(tmp_path / "day", "--key", made.public_key).returncode == 0


def test_without_bodies_no_input_and_no_answer_leaves(ledger: Path, tmp_path: Path) -> None:
    asyncio.run(write_bundle(ledger, tmp_path / "bare"))
    assert not any(b"pills" in path.read_bytes() for path in (tmp_path / "bare").iterdir())


def test_a_time_without_events_is_refused(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="nothing happened"):
        asyncio.run(write_bundle(ledger, tmp_path / "none", since_ns=START_NS + 30 * DAY_NS))


def test_a_folder_that_is_there_is_left_alone(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="is there already"):
        asyncio.run(write_bundle(ledger, tmp_path))


@pytest.mark.parametrize(("message", "key", "signature"), [
    (b"", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    (b"\x72", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
])  # fmt: skip
def test_signatures_of_the_standard_are_taken(message: bytes, key: str, signature: str) -> None:
    """Test vectors 1 and 2 of RFC 8032, section 7.1."""
    assert check.signed_by(bytes.fromhex(key), message, bytes.fromhex(signature))
    assert not check.signed_by(bytes.fromhex(key), message + b"!", bytes.fromhex(signature))


def test_the_check_says_of_which_time_the_bundle_is(ledger: Path, tmp_path: Path) -> None:
    day = START_NS + DAY_NS
    bundled = asyncio.run(write_bundle(ledger, tmp_path / "second", since_ns=day, until_ns=day + DAY_NS))
    said = checked(tmp_path / "second", "--key", bundled.public_key).stdout
    assert "; 2024-10-05 00:00:00 to 2024-10-05 00:00:00 UTC" in said

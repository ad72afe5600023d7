"""kill -9 at every step of an inbox, with a mail server and a webhook outside: everything is there once in the end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd", reason="the extra `sink` is not installed")
pytest.importorskip("dbos", reason="the extra `flows` is not installed")
pytest.importorskip("httpx", reason="the extra `http` is not installed")

from tests.inbox.markets import maildir_of
from typer.testing import CliRunner

from atomic.bench.kill.check import SENDS, check, names_outside
from atomic.bench.kill.world import mail
from atomic.cli import app
from atomic.inbox.mail import parse
from atomic.ledger import SqliteLedger


@pytest.mark.timeout(3_000)
def test_whatever_is_killed_nothing_is_lost_or_doubled_and_every_doubt_is_listed(tmp_path: Path, slow: bool) -> None:
    wanted, file = (300 if slow else 20), tmp_path / "kill.json"
    result = CliRunner().invoke(app, ["bench", "kill", "--kills", str(wanted), "--json", str(file)])
    found = json.loads(file.read_bytes())
    counts = {name: found[name] for name in ("kills", "lost", "doubled", "unlisted")}
    assert {"kills": wanted, "lost": 0, "doubled": 0, "unlisted": 0} == counts, found["problems"]
    assert 0 == result.exit_code
    assert {"run", "serve", "flows"} == set(found["by_process"])
    assert {"smtp data", "smtp quit", "webhook taken", "event intended"} <= set(found["at"])
    assert found["uncertain"] > 0  # else no window was hit, and the battery proves nothing


async def test_the_battery_sees_what_is_lost_and_what_is_there_twice(tmp_path: Path) -> None:
    content = mail("one", "billing")
    maildir_of(tmp_path / "mail", {"a": content, "b": content})
    async with SqliteLedger.open(tmp_path / "atomic.db"):
        sha256 = parse(content).sha256
    arrived = Counter({names_outside(f"{sha256}/{what}"): 2 for what in SENDS["billing"][:1]})
    found = check(tmp_path, {content: "billing"}, arrived)
    assert ["filed: 2 times", f"{SENDS['billing'][0]}: 2 times"] == [one.split(" ", 2)[2] for one in found.doubled]
    lost = " ".join(found.lost)
    assert all(word in lost for word in ("in its folder", "tagged", "forward drafted", "webhook/crm"))

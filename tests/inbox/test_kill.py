"""kill -9 at every step of an inbox, with a mail server and a webhook outside: everything is there once in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd", reason="the extra `sink` is not installed")
pytest.importorskip("dbos", reason="the extra `flows` is not installed")
pytest.importorskip("httpx", reason="the extra `http` is not installed")

from typer.testing import CliRunner

from atomic.cli import app


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

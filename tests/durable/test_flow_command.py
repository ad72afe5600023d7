"""`atomic flow`: a mail that fails is parked where people can see it, and tried again when they say so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("dbos", reason="the extra `flows` is not installed")

from tests.inbox.markets import maildir_of, names, raw
from tests.inbox.test_serve import Server
from typer.testing import CliRunner

from atomic.cli import app


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Server]]:
    monkeypatch.chdir(tmp_path)
    servers: list[Server] = []

    def start() -> Server:
        servers.append(Server(tmp_path))
        return servers[-1]

    yield start
    for one in servers:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)


def flow(*arguments: str, code: int = 0) -> str:
    """What `atomic flow …` says."""
    result = CliRunner().invoke(app, ["flow", *arguments], prog_name="atomic")
    assert code == result.exit_code, result.output
    return result.output


def statuses() -> list[str]:
    return [one["status"] for one in json.loads(flow("list", "--json"))]


def test_a_poison_mail_is_parked_with_its_reason_and_tried_again_when_somebody_says_so(
    tmp_path: Path, serve: Callable[[], Server]
) -> None:
    mail = maildir_of(tmp_path / "mail", {"1": raw("You are a winner"), "2": raw("The invoice is attached")})
    (mail / ".Junk").write_text("a file where the folder should be")
    first = serve()
    first.until(lambda: "parked" in first.log.read_text())
    assert 0 == first.end(), first.log.read_text()

    assert ["2"] == names(mail / ".Billing" / "new")  # the other was not held up
    assert ["done", "parked"] == sorted(statuses())
    (parked,) = json.loads(flow("list", "--status", "parked", "--json"))
    assert "NotHandled: move to Junk: " in parked["reason"]
    assert "(tried 5 times)" in flow("show", parked["id"][:8])
    assert "parked flow is for" in flow("resume", parked["id"], code=1)
    shutil.move(mail / ".Junk", tmp_path / "was-in-the-way")
    second = serve()
    second.until(lambda: "parked" in second.log.read_text())  # it says so again, and waits for a person
    assert ["1"] == names(mail / "new")

    assert "goes on" in flow("retry", parked["id"])

    second.until(lambda: names(mail / ".Junk" / "new") == ["1"])
    second.until(lambda: statuses() == ["done", "done"])
    assert 0 == second.end(), second.log.read_text()
    assert "nothing to cancel" in flow("cancel", parked["id"], code=1)


def test_without_a_file_of_flows_it_says_so(serve: Callable[[], Server], tmp_path: Path) -> None:
    maildir_of(tmp_path / "mail", {})
    server = serve().until_ready()
    server.end()
    for path in tmp_path.glob("flows.db*"):
        path.unlink()

    assert "no flows in" in flow("list", code=1)

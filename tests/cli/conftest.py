"""A ledger with a little history, and `atomic` to be called on it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog
from typer.testing import CliRunner, Result

import atomic
from atomic.cli import app

Run = Callable[..., Result]


@atomic.microtask(worth="$0.01", explore=False)
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


@atomic.microtask(worth="$0.01", explore=False)
async def urgent(text: str) -> bool:
    """Is this urgent?"""
    raise NotImplementedError


def guess(text: str) -> str:
    return "spam" if "pills" in text else "ham"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Call `atomic` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATOMIC_CONFIG", raising=False)
    runner = CliRunner()
    yield lambda *arguments: runner.invoke(app, list(arguments), prog_name="atomic")
    structlog.reset_defaults()  # --verbose sent logs to a stream that is gone


@pytest.fixture
def market(run: Run) -> Path:
    """A folder with `atomic.toml` and a ledger of three requests: first-…, second-…, and one about urgency."""
    Path("atomic.toml").write_text('[bidders.seen]\nkind = "cache"\n[bidders.words]\nkind = "specialist"\n')

    async def trade() -> None:
        bidders = [
            atomic.FunctionBidder("guess", guess, tasks=["kind"], price=5_000),
            atomic.FunctionBidder("sure", lambda text: True, tasks=["urgent"]),
        ]
        async with atomic.open("atomic.toml", bidders=bidders) as opened:
            await opened.buy(kind("pills"), atomic.Trade(request_id="first-aaaaaaaaaaaa"))
            await opened.buy(kind("hello"), atomic.Trade(request_id="second-aaaaaaaaaaa"))
            await opened.buy(urgent("now"), atomic.Trade(request_id="0123456789abcdef/urgent"))

    asyncio.run(trade())
    return Path.cwd()

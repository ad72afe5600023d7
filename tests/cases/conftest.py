"""A folder with a task, a market of rules, and `atomic` to be called in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from atomic.cli import app

Run = Callable[..., Result]

TASKS = '''
from typing import Literal

import atomic
from pydantic import BaseModel


class Order(BaseModel):
    colour: Literal["red", "blue"]
    pieces: int
    note: str | None = None


@atomic.microtask(worth="$0.01")
async def order(mail: str) -> Order:
    """What does the writer order?"""
    raise NotImplementedError
'''
CONFIG = """
[market]
ledger = "atomic.db"

[bidders.known]
kind = "rules"

[[bidders.known.rules]]
task = "order"
when = { text = "(?i)blue" }
answer = { colour = "blue", pieces = 2 }
"""
CASES = """
task: {module}:order
cases:
  - name: two blue pens
    input: {{ mail: "Two blue pens, please" }}
    expect: {{ colour: blue, pieces: 2 }}
  - name: nobody knows
    input: Hello
    refuse: true
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with the task, of this test alone: a module is imported once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"orders_{abs(hash(tmp_path))}"
    Path(f"{name}.py").write_text(TASKS)
    Path("atomic.toml").write_text(CONFIG)
    Path("order.cases.yaml").write_text(CASES.format(module=name))
    return name


@pytest.fixture
def run(module: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call `atomic` there."""
    monkeypatch.delenv("ATOMIC_CONFIG", raising=False)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, list(arguments), prog_name="atomic")

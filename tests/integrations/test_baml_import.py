"""`atomic import FOLDER`: a folder of BAML files carried over, and used as a person would."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("baml_py")
pytest.importorskip("yaml")

from atomic.cli import app
from atomic.config import read_config
from atomic.integrations.baml_blocks import Env, blocks
from atomic.testing import model_server

FOLDER = Path(__file__).parent / "baml_src"
ANSWER = '```json\n{"kind": "new", "items": [{"article": "AB", "pieces": 2, "tags": []}]}\n```'
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call `atomic` in a folder with the files."""
    shutil.copytree(FOLDER, tmp_path / "baml_src")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOUSE_URL", "http://127.0.0.1:1/v1")
    return lambda *arguments: CliRunner().invoke(app, list(arguments), prog_name="atomic")


def give_a_price() -> None:
    price = '{ input = "$1", output = "$2", as_of = "2026-11-01" }'
    config = Path("atomic.toml").read_text().replace('price = "book"', f"price = {price}", 1)
    Path("atomic.toml").write_text(config)


async def atomic_test(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "atomic", "test", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=os.environ | {"PYTHONPATH": ""},
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def test_functions_clients_and_tests_become_microtasks_bidders_and_cases(run: Run) -> None:
    ran = run("import", "baml_src")

    assert 0 == ran.exit_code, ran.output
    assert "microtasks: Codes, Colour, KindOf, Notes, ReadOrder, Summary, Urgent\n" in ran.output
    assert "bidders: Fast, Claude, Gem, openai-gpt-4o-mini\n" in ran.output
    assert "cases: 3\n" in ran.output
    assert {"ReadOrder.cases.yaml", "Summary.cases.yaml"} == {one.name for one in Path("cases").iterdir()}


def test_what_is_left_behind_is_named_with_its_reason(run: Run) -> None:
    left = [line for line in run("import", "baml_src").output.splitlines() if line.startswith("not carried over: ")]

    assert any("function Look: takes Image" in line for line in left)
    assert any("function Shows: " in line for line in left)
    assert any("test Stale: Notes: the input does not fit" in line for line in left)
    assert any("client Cloud: no bidder speaks to the provider aws-bedrock" in line for line in left)
    assert any("client Both: the market chooses" in line for line in left)
    assert any("retry_policy Twice: asking again is a bid" in line for line in left)
    assert any("client Fast: temperature" in line for line in left)


def test_a_choice_of_texts_is_one_of_labels(run: Run) -> None:
    run("import", "baml_src")

    assert "async def Colour(mail: str) -> typing_extensions.Literal['red', 'dark blue']:" in (
        Path("baml_tasks.py").read_text()
    )


def test_a_key_in_a_file_is_never_copied(run: Run) -> None:
    ran = run("import", "baml_src")

    assert "put it into the variable CLAUDE_API_KEY" in ran.output
    assert "sk-not-to-be-copied" not in ran.output + Path("atomic.toml").read_text() + Path("baml_tasks.py").read_text()


def test_the_configuration_is_one_and_says_where_clients_are(run: Run) -> None:
    run("import", "baml_src")
    bidders = tomllib.loads(Path("atomic.toml").read_text())["bidders"]

    read_config("atomic.toml")
    assert {
        "kind": "http",
        "url": "http://127.0.0.1:1/v1",
        "model": "whole",
        "key_env": "HOUSE_KEY",
        "price": "book",
    } == (bidders["Fast"])
    assert "https://api.anthropic.com/v1" == bidders["Claude"]["url"]
    assert ("gpt-4o-mini", "openai") == tuple(bidders["openai-gpt-4o-mini"][one] for one in ("model", "dialect"))
    assert ("gemini", "GOOGLE_API_KEY") == tuple(bidders["Gem"][one] for one in ("dialect", "key_env"))


def test_a_configuration_that_is_there_keeps_its_lines(run: Run) -> None:
    kept = '[market]\nper_day = "$3"  # ours\n\n[bidders.Fast]\nkind = "specialist"\n'
    Path("atomic.toml").write_text(kept)
    ran = run("import", "baml_src")

    assert "bidders: Claude, Gem, openai-gpt-4o-mini\n" in ran.output
    assert Path("atomic.toml").read_text().startswith(kept)
    assert "specialist" == read_config("atomic.toml").settings.bidders["Fast"].kind


def test_a_module_that_is_there_is_written_over_only_when_asked(run: Run) -> None:
    run("import", "baml_src")
    again = run("import", "baml_src")

    assert 1 == again.exit_code
    assert "is there already" in again.output
    assert 0 == run("import", "baml_src", "--force").exit_code


def test_a_fault_in_the_files_is_told_and_nothing_written(run: Run) -> None:
    Path("baml_src/orders.baml").write_text("class A {\n  b nothing\n}\n")
    ran = run("import", "baml_src")

    assert 1 == ran.exit_code
    assert "orders.baml:2" in ran.output
    assert not Path("atomic.toml").exists()


async def test_cases_are_played_with_bamls_prompt_over_our_transport(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_server(answer=ANSWER, key="secret") as server:
        monkeypatch.setenv("HOUSE_URL", server.url)
        monkeypatch.setenv("HOUSE_KEY", "secret")
        run("import", "baml_src")
        give_a_price()
        code, output = await atomic_test("cases/ReadOrder.cases.yaml", "--max-cost", "$0.50")

    assert 0 == code, output
    assert "ok    ReadOrder.cases.yaml::Ordered (Fast+plain" in output
    assert "Be polite to everybody. Read the order." in server.asked[0].body["messages"][0]["content"]
    assert 'Two pens,\nplease: "AB" from Ann' == server.asked[0].body["messages"][1]["content"]


def test_blocks_are_read_with_every_form_of_value() -> None:
    text = """
    generator client { output_type "x" }
    class test { client string? }
    /// a comment { that opens nothing
    test T { // and one here
      functions [A, B]
      args {
        text "a \\"quoted\\" {word}"
        raw ##"with "# inside"##
        list [1, 2.5, true, null, "x", { k v }]
        words two words
        key env.KEY
      }
      @@assert(ok, {{ this == {"a": 1}["a"] }})
      @@check({{ this }})
    }
    """
    (found,) = blocks(text)
    assert found.values == {
        "functions": ["A", "B"],
        "args": {
            "text": 'a "quoted" {word}',
            "raw": 'with "# inside',
            "list": [1, 2.5, True, None, "x", {"k": "v"}],
            "words": "two words",
            "key": Env("KEY"),
        },
    }
    assert [("assert", "ok", 'this == {"a": 1}["a"]'), ("check", "", "this")] == [
        (one.kind, one.name, one.expression) for one in found.attributes
    ]

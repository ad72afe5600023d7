"""docs/coming-from/baml.md: the program before and after, as the page has them, against one model server."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("baml_py")
pytest.importorskip("yaml")

from atomic.testing import model_server

PAGE = (Path(__file__).parents[2] / "docs/coming-from/baml.md").read_text(encoding="utf-8")
BAML_CLI = "import baml_py; baml_py.invoke_runtime_cli()"
ANSWER = '```json\n{"kind": "new", "items": [{"article": "AB", "pieces": 2}]}\n```'


def fences(language: str) -> list[str]:
    return [one[1] for one in re.findall(rf"^(```|~~~){language}\n(.*?)^\1$", PAGE, re.MULTILINE | re.DOTALL)]


async def ran(folder: Path, url: str, *arguments: str) -> str:
    """What a program prints. Raises AssertionError with its words where it fails."""
    settings = {"LLM_URL": url, "LLM_KEY": "secret", "BAML_LOG": "off", "PYTHONPATH": ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert not process.returncode, output.decode()
    return output.decode()


def commands(block: str) -> list[list[str]]:
    return [shlex.split(line[2:])[1:] for line in block.splitlines() if line.startswith("$ atomic ")]


def laid_out(folder: Path) -> None:
    (files,), (before, after), (prices,) = fences("baml"), fences("python"), fences("toml")
    (folder / "baml_src").mkdir()
    installed = files.replace('version "0.226.3"', f'version "{version("baml-py")}"')
    (folder / "baml_src" / "orders.baml").write_text(installed)
    for name, text in (("before.py", before), ("after.py", after), ("prices.toml", prices)):
        (folder / name).write_text(text)


async def test_the_program_after_says_what_the_program_before_said(tmp_path: Path) -> None:
    laid_out(tmp_path)
    moving, pricing = fences("console")
    async with model_server(answer=ANSWER, key="secret") as server:
        await ran(tmp_path, server.url, "-c", BAML_CLI, "generate", "--from", "baml_src")
        before = await ran(tmp_path, server.url, "before.py")
        (importing,) = commands(moving)
        told = await ran(tmp_path, server.url, "-m", "atomic", *importing)
        for one in commands(pricing):
            tested = await ran(tmp_path, server.url, "-m", "atomic", *one)
        after = await ran(tmp_path, server.url, "after.py")
        explained = await ran(tmp_path, server.url, "-m", "atomic", "explain", "last")

    assert before == after == "new [('AB', 2)]\n"
    assert moving.partition("\n")[2] == told
    assert "1 passed, 0 failed" in tested
    assert server.asked[0].body["messages"] == server.asked[-1].body["messages"], "the same prompt, to the letter"
    assert "Attempt House+plain" in explained

"""What the page for those who come from LiteLLM shows as before, run with LiteLLM."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.others.conftest import Others, Run

from atomic.testing import model_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("others")]


async def test_what_stood_before_runs(
    others: Others, run: Run, pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (pytestconfig.rootpath / "docs" / "coming-from" / "litellm.md").read_text(encoding="utf-8")
    before = re.search(r"## Before\n```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert before is not None
    program = tmp_path / "before.py"
    said = before[1].replace("print(answer", "import json\nprint(json.dumps(answer").rstrip() + ")\n"
    program.write_text(said, encoding="utf-8")
    async with model_server(answer="Hello, what can I do for you?") as server:
        monkeypatch.setenv("MODELS_URL", server.url)
        monkeypatch.setenv("MODELS_KEY", "k")
        told = await run(str(program), str(others("frameworks") / "bin" / "python"))

    assert "Hello, what can I do for you?" == told
    assert ["mini"] == [one.model for one in server.asked]

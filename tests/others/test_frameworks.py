"""Frameworks against a running `atomic serve`, as their users write it, each in its own environment."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from tests.others.conftest import Others, Run
from tests.others.upstream import TALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("others")]


@pytest.fixture
def python(others: Others) -> str:
    return str(others("frameworks") / "bin" / "python")


async def test_llamaindex_completes_chats_streams_structures_and_runs_agents(url: str, run: Run, python: str) -> None:
    found = await run("llamaindex.py", python, url)

    assert [TALE] * 3 == [found["complete"], found["chat"], found["agent"]]
    assert TALE == "".join(found["stream"])
    assert len(found["stream"]) > 2
    assert {"city": "Rome", "warm": True} == found["structured"]


async def test_a_crew_does_its_tasks_with_and_without_a_tool(url: str, run: Run, python: str) -> None:
    found = await run("crew.py", python, url)

    assert [TALE, TALE] == found["tasks"]
    assert ["Rome"] == found["asked"]
    assert TALE == found["call"]


async def test_dspy_predicts_and_reasons(url: str, run: Run, python: str) -> None:
    found: Any = await run("dspy_lm.py", python, url)

    assert {"predict": TALE, "thought": [TALE, TALE]} == found


async def test_litellm_calls_it_as_openai_and_as_anthropic(url: str, run: Run, python: str) -> None:
    found = await run("litellm_sdk.py", python, url)

    assert [TALE, TALE] == [found["whole"], found["as_anthropic"]]
    assert TALE == "".join(found["pieces"])
    assert ["weather", '{"city": "Rome"}'] == found["called"]


async def test_clients_in_javascript_chat_stream_and_call_tools(url: str, run: Run, others: Others) -> None:
    node = shutil.which("node")
    folder = others("node")
    assert node is not None
    found = await run("javascript.mjs", node, str(folder), url)

    assert [TALE, TALE] == [found["whole"], found["response"]]
    assert ["weather", '{"city": "Rome"}'] == found["called"]
    assert found["pieces"] > 1
    assert TALE == "".join(found["langchain"]["stream"])
    assert [["weather", {"city": "Rome"}]] == found["langchain"]["called"]

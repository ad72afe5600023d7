"""What a caller may see and ask for: labels, tasks, methods, first keys, and what is not waited for any longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from atomic.protocols import Profile
from atomic.records.bid import Reason
from atomic.records.microtask import Ask, microtask
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

ADMIN: Any = {"name": "first", "roles": ["admin"]}
POLICY = """
forbid (principal, action == Action::"run", resource) when { context.label == "confidential" };
"""


@microtask(worth="$0.01")
async def vector(text: str) -> list[float]:
    """The text as a vector."""
    raise NotImplementedError


@microtask(worth="$0.01")
async def mood(text: str) -> str:
    """How does the writer feel?"""
    raise NotImplementedError


def teller(*lines: Line) -> ScriptedBidder:
    return ScriptedBidder("poet", lines, profile=Profile(name="poet", kind="scripted", converses=True))


async def test_embeddings_wait_for_no_other_text_once_one_has_failed() -> None:
    def script(ask: Ask) -> Line:
        return Line(reason=Reason.FAILED) if ask.arguments["text"] == "bad" else Line(hangs=True)

    slow = ScriptedBidder("slow", script, profile=Profile(name="slow", kind="scripted", concurrency=10))
    async with serving(bidders=[slow], tasks=[vector]) as url, httpx.AsyncClient(timeout=20) as client:
        found = await client.post(f"{url}/v1/embeddings", json={"model": "vector", "input": ["a", "bad", "b"]})

    assert 502 == found.status_code
    assert 2 == slow.cancelled


async def test_a_conversation_is_held_to_policies_by_the_label_that_its_caller_gives(tmp_path: Path) -> None:
    (tmp_path / "mine.cedar").write_text(POLICY)
    config = {"market": {"ledger": ":memory:"}, "govern": {"policies": [str(tmp_path / "mine.cedar")]}}
    poet = teller(Line(answer={"text": "Yes."}))
    asked: Any = {"model": "poet", "messages": [{"role": "user", "content": "Well?"}]}
    async with serving(config, bidders=[poet]) as url, httpx.AsyncClient(timeout=20) as client:
        plain = await client.post(f"{url}/v1/chat/completions", json=asked)
        labelled = {"x-atomic-label": "confidential"}
        secret = await client.post(f"{url}/v1/chat/completions", json=asked, headers=labelled)

    assert [200, 403] == [plain.status_code, secret.status_code]
    assert 1 == len(poet.attempts)


async def test_a_key_sees_the_tasks_alone_that_it_names(tmp_path: Path) -> None:
    config = {"market": {"ledger": str(tmp_path / "a.db")}}
    async with serving(config, tasks=[mood, vector]) as url, httpx.AsyncClient(base_url=f"{url}/api/v1/") as client:
        admin = (await client.post("access/keys", json=ADMIN)).json()["secret"]
        client.headers["authorization"] = f"Bearer {admin}"
        narrow = (await client.post("access/keys", json={"name": "narrow", "tasks": ["mood"]})).json()["secret"]
        client.headers["authorization"] = f"Bearer {narrow}"
        found = [(await client.get(f"tasks/{one}")).status_code for one in ("mood", "vector")]

    assert [200, 403] == found


async def test_the_first_key_that_is_made_over_http_may_make_others(tmp_path: Path) -> None:
    config = {"market": {"ledger": str(tmp_path / "a.db")}}
    async with serving(config) as url, httpx.AsyncClient(base_url=f"{url}/api/v1/") as client:
        refused = await client.post("access/keys", json={"name": "narrow"})
        made = await client.post("access/keys", json=ADMIN)

    assert [400, 201] == [refused.status_code, made.status_code]
    assert "admin" in refused.json()["hint"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/what-if", "/v1/messages"])
async def test_a_path_that_is_not_used_so_says_how_it_is_used(path: str) -> None:
    async with serving() as url, httpx.AsyncClient() as client:
        found = await client.get(f"{url}{path}")

    assert (405, "POST") == (found.status_code, found.headers.get("allow"))


async def test_a_turn_of_responses_with_a_text_and_calls_is_one_message() -> None:
    poet = teller(Line(answer={"text": "Warm."}))
    items: Any = [
        {"role": "user", "content": "How warm?"},
        {"role": "assistant", "content": "Let me look."},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "warm"},
        {"type": "function_call_output", "call_id": "c2", "output": "warm"},
    ]
    async with serving(bidders=[poet]) as url, httpx.AsyncClient() as client:
        found = await client.post(f"{url}/v1/responses", json={"model": "poet", "input": items})
    asked = poet.attempts[0][0].conversation

    assert 200 == found.status_code, found.text
    assert asked is not None
    assert ["user", "assistant", "tool", "tool"] == [one["role"] for one in asked.messages]
    assert ("Let me look.", 2) == (asked.messages[1]["content"], len(asked.messages[1]["tool_calls"]))  # type: ignore[arg-type]

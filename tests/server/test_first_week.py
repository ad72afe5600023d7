"""The first week of a team: one base URL is changed, calls go where they went, and savings are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI

from atomic.client import AsyncClient
from atomic.testing.model_server import model_server
from atomic.testing.serving import serving


def config(folder: Path, large: str, small: str, mode: dict[str, Any]) -> dict[str, Any]:
    def model(url: str, name: str, dollars: str) -> dict[str, Any]:
        price = {"input": dollars, "output": dollars, "as_of": "2026-11-01"}
        return {"kind": "http", "url": url, "model": name, "price": price, "right": 0.9}

    return {
        "market": {"ledger": str(folder / "atomic.db"), "per_day": "$5"},
        "task": {"chat": {"incumbent": "large", **mode}},
        "bidders": {"large": model(large, "gpt-6-luna", "$20"), "small": model(small, "tiny", "$1")},
    }


async def asked(url: str, model: str, count: int) -> list[Any]:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        return [
            await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": f"Question {number}?"}], max_tokens=20
            )
            for number in range(count)
        ]


async def test_on_day_one_the_model_that_is_asked_for_answers_everything_and_savings_are_measured(
    tmp_path: Path,
) -> None:
    async with model_server(answer="yes") as large, model_server(answer="yes") as small:
        mode = {"mode": "observe", "sample": 1.0, "shadow": "$1/day"}
        async with serving(config(tmp_path, large.url, small.url, mode)) as url:
            found = await asked(url, "gpt-6-luna", 6)
            async with AsyncClient(url) as client:
                rows = (await client.savings("large")).rows
                bought = (await client.requests(limit=100)).requests

    assert ["large"] * 6 == [one.model for one in found]
    assert 6 == len(large.asked)  # nobody was asked twice
    assert len(small.asked) > 0
    assert 6 == len(bought)  # what was bought beside them is not among the caller's requests
    (row,) = rows
    assert ("chat", "market") == (row["task"], row["arm"])
    assert row["pairs"] > 0
    assert row["saved"]["mean"] > 0.0
    assert row["gained"]["mean"] == 0.0  # they say the same


async def test_a_model_that_is_no_incumbent_is_asked_alone(tmp_path: Path) -> None:
    async with model_server(answer="yes") as large, model_server(answer="no") as small:
        mode = {"mode": "observe", "sample": 1.0, "shadow": "$1/day"}
        async with serving(config(tmp_path, large.url, small.url, mode)) as url:
            (found,) = await asked(url, "tiny", 1)

    assert ("small", "no") == (found.model, found.choices[0].message.content)
    assert [] == large.asked


async def test_on_day_five_the_market_answers_under_the_name_that_the_program_asks_for(tmp_path: Path) -> None:
    mode = {"mode": "market", "sample": 0.0}
    async with (
        model_server(answer="yes") as large,
        model_server(answer="yes") as small,
        serving(config(tmp_path, large.url, small.url, mode)) as url,
    ):
        found = await asked(url, "gpt-6-luna", 4)

    assert "small" in {one.model for one in found}


async def test_a_failing_incumbent_fails_as_before(tmp_path: Path) -> None:
    async with model_server(key="another") as large, model_server() as small:
        mode = {"mode": "observe", "sample": 0.0, "shadow": "$1/day"}
        async with serving(config(tmp_path, large.url, small.url, mode)) as url:
            with pytest.raises(APIStatusError) as caught:
                await asked(url, "gpt-6-luna", 1)

    assert 502 == caught.value.status_code
    assert [] == small.asked

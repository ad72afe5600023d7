"""`atomic serve` as processes: who may ask, what limits let through, how it stops, and what a kill leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest
from tests.server.processes import ran, served, workers_of, written

from atomic.ledger import LedgerReader
from atomic.records.outcome import OutcomeSettled
from atomic.shop import day_of
from atomic.testing.model_plays import Play
from atomic.testing.model_server import model_server

CALL = 1_000_000  # nano-USD of one call, and a little for its tokens
pytestmark = pytest.mark.timeout(300)


async def ask(client: httpx.AsyncClient, url: str, text: str, **headers: str) -> httpx.Response:
    return await client.post(f"{url}/api/v1/tasks/mood/run", json={"input": text}, headers=headers, timeout=120)


def key_in(told: str) -> str:
    return next(line for line in told.splitlines() if line.startswith("atk_"))


async def test_an_address_that_is_open_to_others_needs_keys(tmp_path: Path) -> None:
    written(tmp_path, "http://127.0.0.1:9/v1")
    code, told = await ran(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")

    assert 1 == code
    assert "0.0.0.0 is open to others" in told
    assert "atomic keys create" in told


async def test_keys_are_asked_for_rotated_limited_and_revoked(tmp_path: Path) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url)
        _, told = await ran(tmp_path, "keys", "create", "shop", "--per-day", "$0.003", "--rate", "50", "--task", "mood")
        key = key_in(told)
        async with served(tmp_path) as (_, url), httpx.AsyncClient() as client:
            assert 401 == (await ask(client, url, "thanks")).status_code
            assert 401 == (await ask(client, url, "thanks", authorization="Bearer atk_0_wrong")).status_code
            mine = {"authorization": f"Bearer {key}"}
            first = await ask(client, url, "thanks", **mine)
            assert ("answered", "friendly") == (first.json()["status"], first.json()["answer"])
            chat = {"model": "mini", "messages": [{"role": "user", "content": "hi"}]}
            refused = await client.post(f"{url}/v1/chat/completions", json=chat, headers=mine)
            assert (403, "permission_denied") == (refused.status_code, refused.json()["error"]["code"])

            spent = [await ask(client, url, f"mail {number}", **mine) for number in range(4)]
            assert "refused" == spent[-1].json()["status"]

            _, told = await ran(tmp_path, "keys", "rotate", "shop", "--hours", "0")
            fresh = {"x-api-key": key_in(told)}
            await asyncio.sleep(1.5)
            assert 401 == (await ask(client, url, "thanks", **mine)).status_code
            assert 200 == (await ask(client, url, "thanks", **fresh)).status_code
            many = await asyncio.gather(*(client.get(f"{url}/api/v1/tasks", headers=fresh) for _ in range(60)))
            limited = [one for one in many if one.status_code == 429]
            assert limited
            assert all(1 <= int(one.headers["retry-after"]) <= 60 for one in limited)

            await ran(tmp_path, "keys", "revoke", "shop")
            await asyncio.sleep(1.5)
            assert 401 == (await ask(client, url, "thanks", **fresh)).status_code
            _, listed = await ran(tmp_path, "keys", "list")
            assert key not in listed
            assert "revoked" in listed


async def test_a_rate_is_exact_over_workers(tmp_path: Path) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url)
        _, told = await ran(tmp_path, "keys", "create", "--rate", "20")
        headers = {"authorization": f"Bearer {key_in(told)}"}
        async with served(tmp_path, "--workers", "2") as (_, url):
            clients = [httpx.AsyncClient(headers=headers) for _ in range(20)]  # connections that different workers take
            found = await asyncio.gather(*(client.get(f"{url}/api/v1/tasks") for client in clients for _ in range(3)))
            for client in clients:
                await client.aclose()

    let_through = sum(one.status_code == 200 for one in found)
    assert 20 <= let_through <= 22  # one more every three seconds


async def test_what_is_under_way_is_finished_when_it_is_told_to_stop(tmp_path: Path) -> None:
    async with model_server(answer="friendly " * 20) as upstream:
        upstream.play = Play(shows="a slow stream", pause=0.3)
        written(tmp_path, upstream.url)
        async with served(tmp_path) as (process, url), httpx.AsyncClient(timeout=60) as client:
            chat = {"model": "mini", "messages": [{"role": "user", "content": "hi"}], "stream": True}
            asked = [client.post(f"{url}/v1/chat/completions", json=chat) for _ in range(10)]
            running = asyncio.gather(*asked)
            await asyncio.sleep(1.0)
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
            ready = await client.get(f"{url}/ready")
            found = await running
            await process.wait()

    assert (503, "close") == (ready.status_code, ready.headers["connection"])
    assert [200] * 10 == [one.status_code for one in found]
    assert all(one.text.endswith("data: [DONE]\n\n") for one in found)


@pytest.mark.parametrize("calls", [300, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_a_killed_worker_costs_no_acknowledged_decision_and_no_money_beyond_the_cap(
    tmp_path: Path, calls: int
) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url, per_day=f"${calls / 2 / 1000}", serve="workers = 3\nmost = 5000")
        async with served(tmp_path) as (process, url):
            limits = httpx.Limits(max_connections=calls, max_keepalive_connections=0)
            async with httpx.AsyncClient(limits=limits) as client:

                async def one(number: int) -> str:
                    try:
                        found = await ask(client, url, f"mail {number}")
                    except httpx.TransportError:
                        return ""  # of the worker that was killed
                    return str(found.json()["request_id"]) if found.status_code == 200 else ""

                running = [asyncio.create_task(one(number)) for number in range(calls)]
                while len(upstream.asked) < calls // 10:  # noqa: ASYNC110 - of a server that tells nobody
                    await asyncio.sleep(0.01)
                os.kill(workers_of(process)[0], signal.SIGKILL)
                acknowledged = [name for name in await asyncio.gather(*running) if name]
    with LedgerReader.open(tmp_path / "atomic.db") as ledger:
        events = list(ledger.read(kinds=("outcome",)))
        spent = ledger.spent(day_of(events[0].time_ns))
    settled = {one.request_id for one in events if isinstance(one.payload, OutcomeSettled)}

    assert acknowledged  # how many connections the killed worker held is the kernel's choice
    assert set(acknowledged) <= settled
    assert spent <= calls * CALL // 2
    assert len(upstream.asked) * CALL <= calls * CALL // 2

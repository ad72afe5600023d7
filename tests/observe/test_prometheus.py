"""Dashboards and alert rules, against a real Prometheus that scrapes a running server; skipped where there is none."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.processes import served, written

from atomic.testing.model_server import model_server

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = sorted(FOLDER.glob("*.json"))
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None, reason="no prometheus here: apt-get install prometheus"
)


def expressions() -> Iterator[str]:
    for board in BOARDS:
        for panel in json.loads(board.read_text())["panels"]:
            yield from (target["expr"] for target in panel["targets"])


def filled(expression: str) -> str:
    """As Grafana fills it in."""
    return expression.replace("$__rate_interval", "10s").replace("$task", ".*")


@needs_prometheus
def test_promtool_accepts_the_alert_rules() -> None:
    checked = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(FOLDER / "alerts.yml")], capture_output=True, text=True, check=False
    )

    assert 0 == checked.returncode, checked.stdout + checked.stderr
    assert "9 rules found" in checked.stdout


@asynccontextmanager
async def prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """A Prometheus that scrapes a target every second and holds our rules."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "prometheus.yml").write_text(
        "global: { scrape_interval: 1s, evaluation_interval: 1s }\n"
        f"rule_files: [{FOLDER / 'alerts.yml'}]\n"
        f"scrape_configs: [{{ job_name: atomic, static_configs: [{{ targets: ['{target}'] }}] }}]\n"
    )
    process = await asyncio.create_subprocess_exec(
        str(PROMETHEUS),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def asked(client: httpx.AsyncClient, expression: str) -> list[Any]:
    reply = await client.get("/api/v1/query", params={"query": expression})
    assert 200 == reply.status_code, reply.text
    return list(reply.json()["data"]["result"])


async def until_seen(client: httpx.AsyncClient, expression: str) -> list[Any]:
    while True:
        try:
            ready = (await client.get("/-/ready")).status_code == 200
            if ready and (found := await asked(client, expression)):
                return found
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)


@needs_prometheus
@pytest.mark.timeout(180)
async def test_a_running_server_is_scraped_and_every_panel_can_be_asked(tmp_path: Path) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url)
        async with served(tmp_path) as (_, url), httpx.AsyncClient() as caller:
            for number in range(3):
                said = {"input": f"thanks {number}"}
                assert 200 == (await caller.post(f"{url}/api/v1/tasks/mood/run", json=said, timeout=60)).status_code
            page = (await caller.get(f"{url}/metrics")).text
            async with (
                prometheus(tmp_path, url.removeprefix("http://")) as address,
                httpx.AsyncClient(base_url=address) as client,
            ):
                (requests,) = await until_seen(client, "sum(atomic_requests_total)")
                found = {one: await asked(client, filled(one)) for one in expressions()}
                rules = (await client.get("/api/v1/rules")).json()["data"]["groups"]

    assert "3" == requests["value"][1]
    assert 9 == len(rules[0]["rules"])
    assert len(found) > 20
    scraped = set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    named = {name for one in found for name in re.findall(r"\b(?:atomic|gen_ai)_\w+?(?=_bucket|_sum|[\[{,) ]|$)", one)}
    labels = set(re.findall(r"(\w+)=", page)) | {"atomic_telemetry_total", "atomic_telemetry_kind"}
    known = scraped | labels | {"atomic_judged_total", "atomic_judged_right_total", "atomic_judged_believed_total"}
    assert set() == named - known


@needs_prometheus
@pytest.mark.timeout(120)
async def test_promtool_accepts_the_page(tmp_path: Path) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url)
        async with served(tmp_path) as (_, url), httpx.AsyncClient() as caller:
            await caller.post(f"{url}/api/v1/tasks/mood/run", json={"input": "thanks"}, timeout=60)
            page = await caller.get(f"{url}/metrics")
    checked = await asyncio.to_thread(
        subprocess.run,
        [str(PROMTOOL), "check", "metrics"],
        input=page.text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert page.headers["content-type"].startswith("text/plain")
    assert "error" not in (checked.stdout + checked.stderr).lower()
    assert 1 < len(page.text.splitlines())

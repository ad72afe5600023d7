"""Flowise itself, where it is installed: a flow with its node for OpenAI's models, whose base path is Atomic's."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.others.conftest import Others
from tests.others.upstream import TALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("others")]
_PERSON = {"email": "ann@example.org", "password": "Passw0rd!x9"}


@asynccontextmanager
async def flowise(folder: Path, home: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A running Flowise, and a client that is logged in."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = ("HOME", "DATABASE_PATH", "APIKEY_PATH", "SECRETKEY_PATH", "LOG_PATH", "BLOB_STORAGE_PATH")
    env = {**os.environ, **dict.fromkeys(names, str(home)), "HOST": "127.0.0.1", "PORT": str(port)}
    # It keeps its flows from this machine's own addresses unless it is told otherwise.
    env |= {"HTTP_SECURITY_CHECK": "false", "DISABLE_FLOWISE_TELEMETRY": "true"}
    node = shutil.which("node")
    assert node is not None
    with (home / "log").open("wb") as log:
        command = (node, str(folder / "node_modules" / "flowise" / "bin" / "run"), "start")
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=env, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}/api/v1/"
    try:
        async with httpx.AsyncClient(base_url=base, timeout=400, headers={"x-request-from": "internal"}) as client:
            while not await _is_there(client):
                assert process.returncode is None, (home / "log").read_text()[-2_000:]
                await asyncio.sleep(0.5)
            named = {"name": "Ann", "email": _PERSON["email"], "type": "pro", "credential": _PERSON["password"]}
            (await client.post("account/register", json={"user": named})).raise_for_status()
            entered = await client.post("auth/login", json=_PERSON)
            entered.raise_for_status()
            client.headers["cookie"] = "; ".join(f"{one.name}={one.value}" for one in entered.cookies.jar)
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _is_there(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("ping")).status_code == 200
    except httpx.TransportError:
        return False


async def made(client: httpx.AsyncClient, folder: Path, node: str, url: str) -> str:
    """The id of a flow from Flowise's own template, with this node for its model."""
    key = {"name": "atomic", "credentialName": "openAIApi", "plainDataObj": {"openAIApiKey": "none"}}
    credential = (await client.post("credentials", json=key)).raise_for_status().json()["id"]
    template = folder / "node_modules" / "flowise" / "marketplaces" / "chatflows" / "Conversation Chain.json"
    flow: Any = json.loads(template.read_text())
    for one in flow["nodes"]:
        data = one["data"]
        if data["name"] == "chatOpenAI":
            data |= {"name": node, "credential": credential}
            said = {"modelName": "atomic/auto", "basepath": f"{url}/v1", "FLOWISE_CREDENTIAL_ID": credential}
            data["inputs"] |= said | {"streaming": True}
    told = {"name": node, "flowData": json.dumps({"nodes": flow["nodes"], "edges": flow["edges"]})}
    found = await client.post("chatflows", json={**told, "deployed": True, "isPublic": True, "type": "CHATFLOW"})
    return str(found.raise_for_status().json()["id"])


async def test_a_flow_of_flowise_is_answered_by_the_market(url: str, others: Others, tmp_path: Path) -> None:
    folder, home = others("flowise"), tmp_path / "home"
    home.mkdir()
    async with flowise(folder, home) as client:
        flows = [await made(client, folder, node, url) for node in ("chatOpenAI", "chatOpenAICustom")]
        asked = [client.post(f"prediction/{flow}", json={"question": "A tale!"}) for flow in flows]
        found = [one.json() for one in await asyncio.gather(*asked)]

    assert [TALE, TALE] == [one.get("text") for one in found], found

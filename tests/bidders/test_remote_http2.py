"""The bidding protocol over HTTP/2 with TLS, as over HTTP/1.1."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from tests.bidders.remote_service import BIDDER, MARKET, Service, remote
from tests.inbox.test_sending import certificate
from tests.market.shop import opened, spam
from tests.serving import until_there

from atomic.clock import SystemClock
from atomic.testing.conformance import conform


async def test_a_bidder_behind_http_2_is_bought_and_its_signatures_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config, over = Config(), asyncio.Event()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "CRITICAL"
    config.certfile, config.keyfile, config.alpn_protocols = str(trusted), str(tmp_path / "private.pem"), ["h2"]
    service = Service(url=f"https://localhost:{port}")
    service.steps["award"] = lambda message: {"answer": message["task"]["labels"][0]}
    serving = asyncio.create_task(serve(service.app, config, shutdown_trigger=over.wait))  # type: ignore[arg-type]
    try:
        await until_there(port)
        market = await opened(remote(service), clock=SystemClock())
        outcome = await market.run(spam, "Cheap pills")
        await market.close()
        checks = {one.name: one for one in await conform(service.url, MARKET, BIDDER.public)}
    finally:
        over.set()
        await serving

    assert ("spam", "far+plain") == (outcome.answer, outcome.winner)
    assert "HTTP/2" in checks["answers a bid request with a bid, or with why there is none"].seen
    assert checks["signs what it answers, and which request that answers"].kept
    assert checks["refuses what was sent before"].kept
    assert checks["answers what it won, of the task's type"].kept

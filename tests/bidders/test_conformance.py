"""The conformance suite: the reference bidder keeps the bidding protocol, and a careless one does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.bidders.remote_service import BIDDER, MARKET, REFERENCE, Service, playing, reference_bidder
from typer.testing import CliRunner

from atomic.cli import app
from atomic.testing.conformance import conform


async def test_the_reference_bidder_keeps_every_promise() -> None:
    async with reference_bidder() as url:
        checks = await conform(url, MARKET, BIDDER.public)

    assert [] == [one for one in checks if not one.kept]
    assert 17 == len(checks)


def test_the_reference_bidder_is_short_and_needs_nothing_of_atomic() -> None:
    text = REFERENCE.read_text()

    assert len(text.splitlines()) <= 80
    assert not re.search(r"^(from|import) atomic", text, re.MULTILINE)


async def test_a_bidder_that_checks_no_signature_and_mixes_requests_up_is_found_out() -> None:
    careless = Service(steps={"bid": lambda message: {"id": "always", "bid": {"id": "b", "price": 1}}})
    careless.checks.flaw = lambda message, body: ""  # type: ignore[method-assign]
    async with playing(careless) as service:
        checks = {one.name: one.kept for one in await conform(service.url, MARKET, BIDDER.public)}

    assert checks["signs what it answers, and which request that answers"]
    assert not checks["names the request that it bids on"]
    assert not checks["keeps 16 at once apart"]
    assert not checks["refuses what was sent before"]
    assert not checks["refuses a body that is not the signed one"]


async def test_what_follows_a_bid_is_not_tried_with_who_makes_none() -> None:
    async with playing(Service(steps={"bid": lambda _: {"no_bid": {"reason": "declined"}}})) as service:
        checks = await conform(service.url, MARKET, BIDDER.public)

    assert 4 == sum(one.kept is None for one in checks)


def test_the_command_prints_our_public_key_and_says_who_is_not_there(tmp_path: Path) -> None:
    key = tmp_path / "market.key"
    key.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")

    shown = CliRunner().invoke(app, ["conform", "--key", str(key)])
    nobody = CliRunner().invoke(
        app, ["conform", "http://127.0.0.1:9", "--key", str(key), "--public", BIDDER.public, "--json"]
    )

    assert (0, MARKET.public) == (shown.exit_code, shown.output.strip())
    assert 1 == nobody.exit_code
    assert "nobody answers at http://127.0.0.1:9" in nobody.output


async def test_the_command_tries_a_bidder(tmp_path: Path) -> None:
    import asyncio

    key = tmp_path / "market.key"
    key.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    async with reference_bidder() as url:
        arguments = ["conform", url, "--key", str(key), "--public", BIDDER.public, "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments)

    assert 0 == result.exit_code, result.output
    assert all(one["kept"] for one in json.loads(result.output))

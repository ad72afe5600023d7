"""Webhooks with a real receiver, well and with every failure: what came of it is never claimed, and never guessed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("httpx", reason="the extra `http` is not installed")

from atomic.inbox.outside_settings import WebhookSettings
from atomic.inbox.sending import Ended
from atomic.inbox.webhooks import has_it, tell
from atomic.testing.webhook_sink import WebhookPlay, WebhookSink, webhook_sink

CONTENT = b'{"values":{"category":"billing"}}'


def settings(sink: WebhookSink, **more: Any) -> WebhookSettings:
    return WebhookSettings.model_validate({"url": sink.url, "ask": sink.ask, "timeout": 5.0, **more})


async def told(chosen: WebhookSettings, key: str = "k1", token: str = "") -> Ended:
    return await asyncio.to_thread(tell, chosen, token, key=key, content=CONTENT)


async def test_a_receiver_is_told_once_with_key_and_token() -> None:
    async with webhook_sink() as sink:
        ended = await told(settings(sink), token="hidden")
        known = [await asyncio.to_thread(has_it, settings(sink), "", key=key) for key in ("k1", "k2")]
    assert Ended("done", "200") == ended
    (got,) = sink.received
    assert ("k1", "Bearer hidden", CONTENT) == (got.key, got.headers["authorization"], got.content)
    assert [True, False] == known


@pytest.mark.parametrize(
    ("play", "expected"),
    [
        (201, "done"),
        (204, "done"),
        (302, "given_up"),
        (400, "given_up"),
        (401, "given_up"),
        (408, "failed"),
        (409, "uncertain"),
        (429, "failed"),
        (500, "uncertain"),
        (502, "uncertain"),
        (503, "failed"),
        (504, "uncertain"),
        ("cut before", "uncertain"),
        ("cut after", "uncertain"),
        ("stall before", "uncertain"),
        ("stall after", "uncertain"),
    ],
)
async def test_what_came_of_it_is_what_the_receiver_said_or_is_not_known(
    play: int | WebhookPlay, expected: str
) -> None:
    async with webhook_sink() as sink:
        sink.play = play
        ended = await told(settings(sink, timeout=0.5))
    assert (expected, 1) == (ended.status, sink.requests)


async def test_nobody_there_is_a_failure() -> None:
    async with webhook_sink() as sink:
        chosen = settings(sink)
    assert "failed" == (await told(chosen)).status


async def test_a_receiver_that_cannot_be_asked_proves_nothing() -> None:
    async with webhook_sink() as sink:
        await told(settings(sink))
        known = await asyncio.to_thread(has_it, settings(sink, ask=None), "", key="k1")
        chosen = settings(sink)
    assert [False, False] == [known, await asyncio.to_thread(has_it, chosen, "", key="k1")]

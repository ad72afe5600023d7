"""A real Chromium on a real server with a past: hostile words in every field that somebody else fills."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from atomic.client import AsyncClient
from atomic.ledger import SqliteLedger
from atomic.protocols import Profile
from atomic.records.event import Body, Entry
from atomic.records.microtask import Ask, microtask
from atomic.records.tested import CaseResult, CasesPlayed
from atomic.testing import Line, ScriptedBidder
from atomic.testing.serving import serving

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
HOSTILE = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>{{7*7}}\u202e'
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --disable-dev-shm-usage"
).split()


@microtask(worth="$0.01", explore=False)
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer feel?"""
    raise NotImplementedError


@microtask(worth="$0.01", explore=False)
async def words(text: str) -> str:
    """Say something."""
    raise NotImplementedError


def says(ask: Ask) -> Line | object:
    return Line(answer="friendly" if ask.task.name == "mood" else HOSTILE, price=1_000)


def fails(ask: Ask) -> Line | object:
    raise RuntimeError(HOSTILE)


def bidders() -> list[ScriptedBidder]:
    def made(name: str, script: Any, right: float) -> ScriptedBidder:
        return ScriptedBidder(name, script, profile=Profile(name=name, kind="scripted", right=right))

    return [made("teller", says, 0.8), made("other", says, 0.7), made("broken", fails, 0.9)]


@asynccontextmanager
async def with_past(folder: Path, requests: int = 3) -> AsyncIterator[str]:
    """A server that answered some requests, whose inputs, ids and answers are hostile; its URL."""
    config = {"market": {"ledger": str(folder / "atomic.db"), "per_day": "$1000"}}
    async with serving(config, bidders=bidders(), tasks=[mood, words]) as url:
        async with AsyncClient(url) as client:
            for number in range(requests):
                await client.run(
                    "mood", f"{HOSTILE} {number}", request_id=f"mail{number}/mood", subjects=["ann@example.org"]
                )
            await client.run("words", HOSTILE, request_id="<b>id</b>")
            await client.feedback("mail0/mood", 1.0, author=HOSTILE)
        async with SqliteLedger.open(folder / "atomic.db") as ledger:
            await ledger.append([tested()])
        yield url


def tested() -> Entry:
    """A run of test cases, hostile in every text."""
    failed = CaseResult(id=HOSTILE, status="failed", winner=HOSTILE, probability=0.5, cost=1_000, latency_ns=10**6)
    played = CasesPlayed(task="mood", bidder=HOSTILE, cases=(CaseResult(id="easy", status="passed"), failed))
    said = orjson.dumps({HOSTILE: [f"expected {HOSTILE}"]})
    return Entry(payload=played, bodies=(Body(name="said", content=said),))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """A page with all that its console and its network complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: self._foreign(asked.url))

    def _foreign(self, asked: str) -> None:
        if not asked.startswith((self.url, "data:")):
            self.complaints.append(f"asked elsewhere: {asked}")

    async def go(self, path: str) -> Page:
        """Open a page and wait until it is whole."""
        await self.page.goto(self.url + path)
        await self.whole()
        return self.page

    async def whole(self) -> None:
        await self.page.wait_for_selector("main:not([aria-busy=true])")


async def tab(browser: Browser, url: str, **options: Any) -> tuple[BrowserContext, Tab]:
    context = await browser.new_context(**options)
    context.set_default_timeout(30_000)
    return context, Tab(await context.new_page(), url)

"""The pages in a real Chromium: whole, accessible, live, and deaf to what hostile content would have them do."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.async_api import Browser, Page
from tests.pages.browser import AXE, bidders, chromium, mood, needs_chromium, tab, with_past

from atomic.client import AsyncClient
from atomic.server.native.shapes import TermsAsked
from atomic.server.pages import HEADERS, PAGES
from atomic.testing.serving import serving

pytestmark = [needs_chromium, pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]
DEAR = TermsAsked(worth="$1", max_price="$0.50", deadline=300.0)
EVERY = (
    *PAGES,
    "/request/mail0%2Fmood",
    f"/request/{quote('<b>id</b>', safe='')}",
    "/tasks?task=mood",
    "/bidders?bid=teller%2Bplain",
)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with with_past(tmp_path) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA, in words."""
    # Into its own world: the page's policy lets no foreign script in, and that is as it should be.
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    tags = json.dumps(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    only = f"{{runOnly: {{type: 'tag', values: {tags}}}}}"
    ask = f"axe.run(document, {only}).then(found => JSON.stringify(found.violations))"
    said = await session.send("Runtime.evaluate", {"expression": ask, "awaitPromise": True, "returnByValue": True})
    found = json.loads(said["result"]["value"])
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible_and_nothing_hostile_runs(url: str, browser: Browser, scheme: str) -> None:
    context, here = await tab(browser, url, color_scheme=scheme)
    found = {}
    for path in EVERY:
        page = await here.go(path)
        await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found[path] = await violations(page), await page.evaluate("window.pwned || null")
    assert found == {path: ([], None) for path in EVERY}
    assert here.complaints == []
    await context.close()


async def test_on_a_phone_nothing_but_tables_is_wider_than_the_screen(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url, viewport={"width": 360, "height": 740})
    for path in EVERY:
        page = await here.go(path)
        assert (path, await page.evaluate("document.documentElement.scrollWidth")) == (path, 360)
    await context.close()


async def test_a_request_shows_on_the_first_page_as_it_happens(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/")
    async with AsyncClient(url) as client:
        await client.run("mood", "just now", request_id="just-now")
    await page.get_by_role("link", name="just-now").wait_for()
    await context.close()


async def test_a_slider_has_the_auction_run_again_by_the_server(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/request/mail0%2Fmood")
    await page.get_by_text("What would it have taken?").first.click()
    async with page.expect_response(lambda reply: reply.url.endswith("/again")) as answered:
        await page.get_by_label("Chance that").first.fill("0.01")
    reply = await answered.value
    assert (await reply.json())["changes"]
    await page.get_by_text("Then it would have been:").first.wait_for()
    await context.close()


async def test_a_strangers_questions_are_answered_within_two_clicks(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/")
    await page.get_by_label("Search requests").fill("mail1")  # why this answer: one search and one click
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="mail1/mood").click()
    await page.get_by_text("Bought:").first.wait_for()
    await page.get_by_role("link", name="Atomic", exact=True).click()  # what did that day cost: one date
    await page.get_by_label("A day").fill("2026-11-17")
    await page.get_by_text("nothing was asked", exact=True).wait_for()
    await page.get_by_role("link", name="Ledger").click()  # is it intact: two clicks
    await page.get_by_role("button", name="Verify").click()
    await page.get_by_text("Intact: all is as it was written.").wait_for()
    await context.close()


async def test_feedback_given_on_a_page_reaches_the_ledger(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/request/mail1%2Fmood")
    await page.get_by_role("button", name="It is angry").click()
    await page.get_by_role("table").filter(has_text="person").get_by_text("angry").wait_for()
    await context.close()


async def test_a_server_that_is_gone_is_told_and_tried_again(tmp_path: Path, browser: Browser) -> None:
    async with with_past(tmp_path) as url:
        context, here = await tab(browser, url)
        page = await here.go("/")
        await page.wait_for_selector("#status.live")
        await page.get_by_role("link", name="Bidders").click()
        await here.whole()
    await page.wait_for_selector("#status.lost")
    await page.get_by_role("link", name="Budgets").click()
    await page.get_by_text("cannot be reached").wait_for()
    await context.close()


async def test_an_error_says_what_to_do_and_offers_to_try_again(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/request/nobody")
    await page.get_by_role("alert").get_by_text("there is no request").wait_for()
    assert await page.get_by_role("button", name="Try again").count() == 1
    await context.close()


async def test_every_answer_of_a_page_lets_nothing_foreign_in(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for path in (*PAGES, "/static/app.js", "/login"):
            reply = await client.get(path)
            assert (path, {name: reply.headers.get(name) for name in HEADERS}) == (path, HEADERS)


def test_the_policy_lets_no_inline_code_run() -> None:
    assert "unsafe" not in HEADERS["content-security-policy"]


async def test_what_lies_beside_the_pages_is_not_served(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        found = await client.get("/static/%2e%2e/__init__.py")
    assert found.status_code == 404


@pytest.mark.parametrize(("options", "press"), [({}, True), ({"viewport": {"width": 360, "height": 740}}, False)])
async def test_a_queue_is_cleared_by_keyboard_alone_and_by_thumb(
    tmp_path: Path, browser: Browser, options: dict[str, Any], press: bool
) -> None:
    config = {
        "market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$10"},
        "bidders": {"ann": {"kind": "person", "price": "$0.001", "deadline": 600, "right": 0.95}},
    }
    async with serving(config, tasks=[mood]) as url, AsyncClient(url) as client:
        waiting = [asyncio.create_task(client.run("mood", f"mail {number}", terms=DEAR)) for number in range(2)]
        context, here = await tab(browser, url, **options)
        page = await here.go("/review")
        while await page.get_by_text("of 2 that wait").count() == 0:
            page = await here.go("/review")
        await page.get_by_label("Your name").fill("ann")
        await page.get_by_label("Your name").blur()
        for left in ("1 of 1 that wait", "Nothing waits"):
            if press:
                await page.keyboard.press("2")
            else:
                await page.get_by_role("button", name="angry").click()
            await page.get_by_text(left).wait_for()
        outcomes = await asyncio.gather(*waiting)
        await context.close()
    assert [one.answer for one in outcomes] == ["angry", "angry"]


async def test_what_came_of_a_tasks_test_cases_is_on_its_page(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/tasks?task=mood")
    await page.get_by_text("1 of 2 passed").wait_for()
    await page.get_by_role("row").filter(has_text="easy").get_by_text("passed").wait_for()
    page = await here.go("/tasks?task=words")
    await page.get_by_text("atomic test FOLDER --record").wait_for()
    await context.close()


async def test_somebody_is_erased_from_a_page_in_two_steps_and_the_name_is_written_twice(
    url: str, browser: Browser
) -> None:
    context, here = await tab(browser, url)
    page = await here.go("/ledger")
    await page.get_by_label("An address, or the name").fill("ann@example.org")
    await page.get_by_role("button", name="Look").click()
    await page.get_by_text("Kept about ann@example.org").wait_for()
    await page.get_by_role("button", name="Erase it…").click()
    again = page.get_by_label("Write the name again to confirm")
    await again.fill("bob@example.org")
    await page.get_by_role("button", name="Erase for ever").click()
    assert not await again.evaluate("one => one.validity.valid")
    await again.fill("ann@example.org")
    await page.get_by_role("button", name="Erase for ever").click()
    await page.get_by_text("under the signed head").wait_for()
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Keep the proof").click()
    kept = await (await saved.value).path()
    proof = json.loads(await asyncio.to_thread(Path(kept).read_text))
    assert (proof["requests"], proof["left"]["bodies"], here.complaints) == (3, 0, [])
    await context.close()


async def test_on_a_phone_the_names_of_pages_are_read_in_one_line(url: str, browser: Browser) -> None:
    context, here = await tab(browser, url, viewport={"width": 360, "height": 740})
    page = await here.go("/review")
    heights = await page.evaluate("[...document.querySelectorAll('nav a')].map(one => one.clientHeight)")
    assert max(heights) < 48
    await context.close()


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Tokyo", 9), ("America/New_York", -5)])
async def test_times_are_in_the_readers_zone(url: str, browser: Browser, zone: str, hour: int) -> None:
    context, here = await tab(browser, url, timezone_id=zone, locale="en-GB")
    page = await here.go("/")
    await page.get_by_text(f"Times are in {zone}.").wait_for()
    page = await here.go("/requests?search=mail0")
    shown = await page.locator("tbody td").first.inner_text()
    async with httpx.AsyncClient(base_url=url) as client:
        (request,) = (await client.get("/api/v1/requests?search=mail0")).json()["requests"]
    there = datetime.fromtimestamp(request["time_ns"] / 1e9, tz=timezone(timedelta(hours=hour)))
    assert there.strftime("%H:%M:%S") in shown
    await context.close()


async def test_a_page_is_live_again_once_the_server_is_back(tmp_path: Path, browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = {"market": {"ledger": str(tmp_path / "atomic.db"), "per_day": "$1000"}}
    context, here = await tab(browser, f"http://127.0.0.1:{port}")
    page = here.page
    for number in (1, 2):
        async with serving(config, bidders=bidders(), tasks=[mood], port=port) as url:
            if number == 1:
                await here.go("/")
            await page.wait_for_selector("#status.live")
            async with AsyncClient(url) as client:
                await client.run("mood", "hi", request_id=f"asked-{number}")
            await page.get_by_role("link", name=f"asked-{number}").wait_for()
    await page.wait_for_selector("#status.lost")
    await context.close()

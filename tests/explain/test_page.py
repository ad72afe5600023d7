"""An explanation as a page: one file, nothing from outside, everything that strangers wrote escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from tests.explain.trading import spam, trade

from atomic.explain import Explanation, explain
from atomic.ledger import MemoryLedger
from atomic.market import Trade

HOSTILE = '<script src="https://example.com/x.js">alert(1)</script>" onload="x" \x1b[2J\u202egnol'
VOID = {"meta"}


class Read(HTMLParser):
    """Every element with its attributes, and the elements that were left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


@pytest.fixture
async def told() -> Explanation:
    ledger = MemoryLedger()
    market = await trade(ledger, 12)
    await market.buy(spam(f"win a prize {HOSTILE}"), Trade(request_id=f"id {HOSTILE}"))
    return explain(ledger, f"id {HOSTILE}", bodies=True)


async def test_the_page_is_one_file_without_scripts_links_or_styles_of_elements(told: Explanation) -> None:
    read = Read(told.html())
    allowed = {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "p", "bdi", "dl"),
        *("div", "dt", "dd", "figure", "figcaption", "span", "details", "summary", "ul", "li", "code"),
        *("svg", "g", "text", "rect", "line", "circle"),
    }

    assert [] == read.open
    assert {tag for tag, _ in read.found} <= allowed
    for _, attributes in read.found:
        assert not {"style", "src", "href", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]


async def test_the_policy_allows_its_own_style_and_nothing_else(told: Explanation) -> None:
    page = told.html()
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = next(one["content"] for tag, one in Read(page).found if tag == "meta" and "http-equiv" in one)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" == policy
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


async def test_what_strangers_wrote_is_text_and_shown_as_it_is(told: Explanation) -> None:
    page = told.html()

    assert "<script" not in page
    assert "&lt;script" in page
    assert not set("\x1b\u202e") & set(page)
    assert "\\u202egnol" in page


async def test_every_bid_is_in_the_picture_with_its_probability_and_price(told: Explanation) -> None:
    pictures = re.findall(r"<svg.*?</svg>", told.html(), re.DOTALL)
    rounds = [ElementTree.fromstring(one) for one in pictures if "Bids of round" in one]

    assert len([one for one in told.rounds if one.bids]) == len(rounds)
    for one, drawn in zip([one for one in told.rounds if one.bids], rounds, strict=True):
        titles = [element.text or "" for element in drawn.iter("{http://www.w3.org/2000/svg}title")][1:]
        assert sorted(bid.key for bid in one.bids) == sorted(title.partition(":")[0] for title in titles)
        for bid in one.bids:
            assert any(f"{bid.key}: {bid.probability:.3f} ± {bid.spread:.3f}" in title for title in titles)


async def test_the_page_tells_what_the_text_tells(told: Explanation) -> None:
    page = told.html()
    for one in told.rounds:
        for attempt in one.attempts:
            assert attempt.key in page
        for bid in one.bids:
            assert f"prior {bid.grounds.prior:.2f}" in page
    assert told.outcome is not None
    assert f"{told.outcome.probability:.3f}" in page


async def test_equal_stories_are_equal_pages(told: Explanation) -> None:
    assert told.html() == told.html()

"""BAML's parser behind the market: what it repaired is said, counts against the answer, and never passes as whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

pytest.importorskip("baml_py")

from tests.market.shop import finished

import atomic
from atomic.engines.baml_parser import BamlParser
from atomic.explain import explain
from atomic.output import Refusal
from atomic.protocols import Parsed
from atomic.records.bid import Reason
from atomic.records.microtask import microtask
from atomic.testing import ScriptedBidder


class Item(BaseModel):
    name: str
    count: int = Field(ge=1)
    price: Decimal | None = None


class Order(BaseModel):
    """What was ordered."""

    kind: Literal["new", "return"]
    items: list[Item] = Field(description="each line of it", max_length=3)


@microtask(worth="$1")
async def order(text: str) -> Order:
    """What is ordered?"""
    raise NotImplementedError


@microtask(worth="$1")
async def anything(text: str) -> dict[str, Any]:
    """What is there?"""
    raise NotImplementedError


@pytest.fixture(scope="module")
def parser() -> BamlParser:
    return BamlParser()


def test_a_whole_answer_needs_no_repair(parser: BamlParser) -> None:
    text = '{"kind": "new", "items": [{"name": "pen", "count": 2, "price": "1.50"}]}'
    expected = Order(kind="new", items=[Item(name="pen", count=2, price=Decimal("1.50"))])
    assert parser.parse(order, text) == Parsed(expected)


def test_a_damaged_answer_comes_with_its_repairs(parser: BamlParser) -> None:
    found = parser.parse(order, "Sure!\n```json\n{'kind': 'New', items: [{'name': 'pen', 'count': 'two',}]}\n```")
    assert isinstance(found, Parsed)
    assert found.answer == Order(kind="new", items=[Item(name="pen", count=2)])
    assert {"trailing comma", "other quotes", "a number in other words"} <= set(found.repairs)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "new", "items": [{"name": "pen", "count": 2}, {"name": "ink"',  # closed by BAML
        '{"kind": "new", "items": [{"name": "pen", "count": 2}, {"name": "ink"}]}',  # dropped by BAML
        '{"kind": "new"}',  # an empty list of BAML's
        '{"kind": "new", "items": [{"name": "pen", "count": 2.6}]}',  # rounded by BAML
        '{"kind": "new", "items": [{"name": "pen", "count": 0}]}',  # outside its limits
        '{"kind": "new", "items": []} or rather {"kind": "return", "items": []}?',
    ],
)
def test_what_baml_would_repair_silently_is_refused(parser: BamlParser, text: str) -> None:
    assert isinstance(parser.parse(order, text), Refusal)


def test_a_type_that_baml_has_not_is_read_by_the_core(parser: BamlParser) -> None:
    assert parser.parse(anything, 'Here: {"a": [1, null]}') == Parsed({"a": [1, None]})


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[atomic.Market]:
    texts = ["{'kind': 'return', 'items': []}", '{"kind": "return", "items": [{"name": "pen"']
    config = {"market": {"ledger": str(tmp_path / "market.db")}}
    async with atomic.open(config, bidders=[ScriptedBidder("model", texts)]) as opened:
        yield opened


async def test_a_repair_is_recorded_told_and_counts_against_the_answer(market: atomic.Market) -> None:
    outcome = await market.run(order, "Send it back")
    assert outcome.answer == Order(kind="return", items=[])
    (attempt,) = finished(market)
    assert attempt.detail == "read by BAML; repaired: other quotes"
    assert attempt.confidence is not None
    assert attempt.probability < 0.5
    assert "repaired: other quotes" in explain(market.ledger, outcome.id).text()


async def test_a_cut_text_is_no_answer(market: atomic.Market) -> None:
    await market.run(order, "Send it back")
    outcome = await market.run(order, "And the pen, too")
    assert outcome.answer is None
    assert finished(market, request_id=outcome.id)[0].reason is Reason.NOT_THE_TYPE

"""What the market's parser takes over bare BAML, in the same run: a row of `atomic bench engines`.

Bare is what a user of baml-py does with a text: `parse_llm_response`, and pydantic on what comes out. Ours is
`BamlParser.parse` of the same texts: reading them as a witness, BAML, the comparison, pydantic and the list of repairs.
Both take turns on each text.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, Field

from atomic.engines.baml_parser import BamlParser
from atomic.records.microtask import microtask

ROUNDS = 200
MUST, AIM = 1.6, 1.2  # times the bare library


class Line(BaseModel):
    """A line of an order."""

    sku: str
    quantity: int = Field(ge=1)
    price: float


class Order(BaseModel):
    """What was ordered."""

    kind: Literal["new", "return", "question"]
    customer: str
    urgent: bool
    lines: list[Line]


@microtask(worth="$0.01")
async def order(text: str) -> Order:
    """What does this mail order?"""
    raise NotImplementedError


_LINES = '{"sku": "A-1", "quantity": 2, "price": 9.5}, {"sku": "B-7", "quantity": 1, "price": 120}'
_WHOLE = f'{{"kind": "new", "customer": "Anna Schmidt", "urgent": false, "lines": [{_LINES}, {_LINES}]}}'
_DAMAGED = _WHOLE.replace("false", "False").replace("}]", ",}]").replace('"', "'")
TEXTS = {
    "whole": _WHOLE,
    "fence": f"Here is the order:\n```json\n{_WHOLE}\n```\nLet me know if it is not.",
    "damaged": f"<think>Four lines.</think>\n{_DAMAGED}",
}


def parsing(rounds: int = ROUNDS) -> dict[str, Any]:
    """Median milliseconds of bare BAML and of ours by kind of text, and the ratio over all kinds together."""
    parser = BamlParser()
    bare = bare_parser(parser)
    row: dict[str, Any] = {}
    alone, ours = 0.0, 0.0
    for name, text in TEXTS.items():
        pairs = [(_seconds(bare, text), _seconds(lambda one: parser.parse(order, one), text)) for _ in range(rounds)]
        one, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        alone, ours = alone + one, ours + other
        row[name] = {"bare_ms": one * 1e3, "ours_ms": other * 1e3, "ratio": other / one}
    return {"ratio_of_sums": ours / alone, **row}


def bare_parser(parser: BamlParser) -> Callable[[str], Order]:
    """BAML and pydantic alone, over the same compiled type."""
    compiled = parser.compiled(order)

    def parse(text: str) -> Order:
        return Order.model_validate(compiled.parse(text))

    return parse


def _seconds(parse: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    parse(text)
    return time.perf_counter() - began

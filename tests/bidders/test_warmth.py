"""A conversation stays with its bidder while what is in its prompt cache is worth more than changing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")

import atomic
from atomic.market import Market
from atomic.records.award import Award, Slate
from atomic.records.conversation import Conversation, Spoken
from atomic.records.event import decode
from atomic.records.microtask import microtask
from atomic.testing import model_server

LONG = "Once upon a time there was a cat. " * 100


@microtask(worth="$1", explore=False)
async def chat(conversation: Conversation) -> Spoken:
    """Go on with a conversation."""
    raise NotImplementedError


def model(url: str, dollars: str, cached: str) -> dict[str, Any]:
    price = {"input": dollars, "output": dollars, "cached": cached, "as_of": "2026-11-01"}
    return {"kind": "http", "url": url, "model": "whole", "price": price, "right": 0.9}


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    async with model_server(answer="Yes.") as server:
        config = {
            "market": {"ledger": str(tmp_path / "a.db"), "per_day": "$50"},
            # The first is a little dearer, and reads what it has read before for a tenth.
            "bidders": {"first": model(server.url, "$3", "$0.3"), "other": model(server.url, "$2.9", "$2.9")},
        }
        async with atomic.open(config) as opened:
            yield opened


def talk(turns: int) -> Conversation:
    said = [{"role": "user", "content": LONG}]
    for number in range(turns - 1):
        said += [{"role": "assistant", "content": "Yes."}, {"role": "user", "content": f"And then, {number}?"}]
    return Conversation(messages=said)  # type: ignore[arg-type]


async def test_a_conversation_stays_with_who_has_read_it_and_others_go_elsewhere(market: Market) -> None:
    def alone(name: str) -> atomic.Trade:
        return atomic.Trade(terms=atomic.Terms(worth=chat.terms.worth, max_price=chat.terms.max_price, mandate=name))

    for name in ("first", "other"):  # so that both know how long answers are
        await market.buy(chat(Conversation(messages=({"role": "user", "content": f"{name}! " * 500},))), alone(name))
    begun = await market.buy(chat(talk(1)), alone("first"))
    stays = await market.run(chat, talk(2))
    another = await market.run(chat, Conversation(messages=({"role": "user", "content": "Dogs! " * 500},)))

    assert ["first", "first", "other"] == [one.winner.partition("+")[0] for one in (begun, stays, another)]
    (award,) = [
        one.payload
        for one in market.ledger.read(request_id=stays.id)
        if isinstance(one.payload, Award) and one.round == 1
    ]
    slate: Slate = decode(Slate, market.ledger.blob(award.slate))
    warm = {bid.offer.bidder: bid.offer.warm for bid in slate.bids}
    assert warm["first"] > 500
    assert 0 == warm["other"]

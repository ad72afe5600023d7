"""A market with a person, as a process of its own: buys one answer and prints the outcome as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Literal

import atomic
from atomic.records import AttemptFinished


@atomic.microtask(worth="$2", explore=False, deadline=600)
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


async def main(request_id: str, text: str) -> None:
    async with atomic.open("atomic.toml") as market:
        outcome = await market.buy(kind(text), atomic.Trade(request_id=request_id, subjects=("ann@example.com",)))
        finished = next(one.payload for one in market.ledger.read(request_id=request_id, kinds=("finished",)))
        assert isinstance(finished, AttemptFinished)
    told = {
        "answer": outcome.answer,
        "cost": outcome.cost,
        "refused": outcome.refused,
        "reason": finished.reason.words if finished.reason else "",
        "detail": finished.detail,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))

"""What the tests of explaining share."""

from __future__ import annotations

import asyncio

import pytest
from tests.explain.trading import REQUESTS, trade

from atomic.ledger import MemoryLedger


@pytest.fixture(scope="module")
def traded() -> MemoryLedger:
    async def build() -> MemoryLedger:
        ledger = MemoryLedger()
        await trade(ledger, REQUESTS)
        return ledger

    return asyncio.run(build())

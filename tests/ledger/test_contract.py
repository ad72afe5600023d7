"""Both ledgers keep the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.ledger.contract import LedgerContract, WholeLedger

from atomic.ledger import MemoryLedger, SqliteLedger


class TestSqliteLedger(LedgerContract):
    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> AsyncIterator[WholeLedger]:
        async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
            yield ledger


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    async def ledger(self) -> AsyncIterator[WholeLedger]:
        ledger = MemoryLedger()
        yield ledger
        await ledger.close()

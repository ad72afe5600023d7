"""Both ledgers keep the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.ledger.contract import LedgerContract, SharedLedger

from atomic.ledger import MemoryLedger, SqliteLedger


class TestSqliteLedger(LedgerContract):
    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> AsyncIterator[SharedLedger]:
        async with SqliteLedger.open(tmp_path / "ledger.db") as ledger:
            yield ledger


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    async def ledger(self) -> AsyncIterator[SharedLedger]:
        ledger = MemoryLedger()
        yield ledger
        await ledger.close()

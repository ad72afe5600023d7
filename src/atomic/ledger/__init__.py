"""The ledger: the append-only, hash-chained sequence of everything that happened. See docs/ledger.md."""

from atomic.ledger.export import export
from atomic.ledger.memory import MemoryLedger
from atomic.ledger.reader import LedgerReader
from atomic.ledger.sqlite import SqliteLedger
from atomic.ledger.verify import Verification, verify

__all__ = ["LedgerReader", "MemoryLedger", "SqliteLedger", "Verification", "export", "verify"]

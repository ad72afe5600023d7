"""The ledger: the append-only, hash-chained sequence of everything that happened. See docs/ledger.md."""

from atomic.ledger.memory import MemoryLedger
from atomic.ledger.sqlite import SqliteLedger

__all__ = ["MemoryLedger", "SqliteLedger"]

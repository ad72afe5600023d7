"""Atomic: a market for AI work.

Everything at the top is looked up on first use, so that `import atomic` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atomic import errors
    from atomic.bidders.function import FunctionBidder
    from atomic.blocking import SyncMarket, open_sync
    from atomic.config import open
    from atomic.errors import AtomicError, ConfigError, Conflict, MissingExtra, NotFound, TaskError
    from atomic.flow import Step, run_flow
    from atomic.market import Market
    from atomic.outcome import Outcome
    from atomic.protocols import Profile
    from atomic.records.budget import Budget
    from atomic.records.microtask import Call, Microtask, microtask
    from atomic.records.money import dollars, nano_usd
    from atomic.records.request import Terms
    from atomic.trade import Trade

from atomic.version import __version__

_HOMES = {
    "AtomicError": "errors",
    "Budget": "records.budget",
    "Call": "records.microtask",
    "ConfigError": "errors",
    "Conflict": "errors",
    "FunctionBidder": "bidders.function",
    "Market": "market",
    "Microtask": "records.microtask",
    "MissingExtra": "errors",
    "NotFound": "errors",
    "Outcome": "outcome",
    "Profile": "protocols",
    "Step": "flow",
    "SyncMarket": "blocking",
    "TaskError": "errors",
    "Terms": "records.request",
    "Trade": "trade",
    "dollars": "records.money",
    "errors": "",
    "microtask": "records.microtask",
    "nano_usd": "records.money",
    "open": "config",
    "open_sync": "blocking",
    "run_flow": "flow",
}

__all__ = [
    "AtomicError",
    "Budget",
    "Call",
    "ConfigError",
    "Conflict",
    "FunctionBidder",
    "Market",
    "Microtask",
    "MissingExtra",
    "NotFound",
    "Outcome",
    "Profile",
    "Step",
    "SyncMarket",
    "TaskError",
    "Terms",
    "Trade",
    "__version__",
    "dollars",
    "errors",
    "microtask",
    "nano_usd",
    "open",
    "open_sync",
    "run_flow",
]


if not TYPE_CHECKING:  # a type checker sees the imports above instead, and knows every other name to be wrong

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'atomic' has no attribute {name!r}")
        found = getattr(import_module(f"atomic.{home}"), name) if home else import_module(f"atomic.{name}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return __all__

"""Which hand a kind of bidder is, and how it is made of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from atomic.clock import Clock
from atomic.errors import OperatorError
from atomic.ledger import MemoryLedger, SqliteLedger
from atomic.protocols import Bidder, Examples, Profile, Sketch, Tactic
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.settings import (
    AnyBidder,
    CacheSettings,
    NaiveBayesSettings,
    SpecialistSettings,
)


class Absent:
    """Stands in for a bidder that cannot be made here: it does not bid, and says what would let it.

    >>> Absent("mini", "http", "pip install …").profile.kind
    'http'
    """

    def __init__(self, name: str, kind: str, why: str) -> None:
        self._profile = Profile(name=name, kind=kind)
        self.why = why

    @property
    def profile(self) -> Profile:
        """Its name and kind."""
        return self._profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Never bids."""
        return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=Reason.NOT_CONFIGURED, detail=self.why)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Has no answer."""
        return Reply(reason=Reason.NOT_CONFIGURED, detail=self.why)

    async def close(self) -> None:
        """Nothing to give back."""


def ledger_of(path: Path | None, clock: Clock) -> SqliteLedger | MemoryLedger:
    """The ledger at a path, made if it is not there; without a path, one in memory."""
    return MemoryLedger(clock=clock) if path is None else SqliteLedger.open(path, clock=clock)


def examples_of() -> Examples:
    """Where verified examples are kept at hand."""
    from atomic.belief.examples import ExampleStore

    return ExampleStore()


def default_tactics() -> Sequence[Tactic]:
    """How bidders answer unless the code says otherwise."""
    from atomic.tactics import LabelScoring, NearestExamples, Plain

    return (Plain(), LabelScoring(), NearestExamples())


def bidder_of(name: str, settings: AnyBidder, *, folder: Path, strict: bool = False) -> Bidder:
    """The bidder that a table asks for.

    What is missing on this machine (a library, a model's file, a key) makes a bidder that does not bid and says so,
    or with `strict` raises MissingExtra or ConfigError with the line that helps.
    """
    make: Callable[[str, Any, Path], Bidder] = _MAKERS[type(settings)]
    try:
        return make(name, settings, folder)
    except OperatorError as error:
        if strict:
            raise
        return Absent(name, settings.kind, f"{error.message}: {error.hint}" if error.hint else error.message)


def _specialist(name: str, settings: SpecialistSettings, folder: Path) -> Bidder:
    from atomic.bidders.specialist import Specialist

    return Specialist(name)


def _naive_bayes(name: str, settings: NaiveBayesSettings, folder: Path) -> Bidder:
    from atomic.bidders.specialist import Specialist

    return Specialist(name, method="naive-bayes")


def _cache(name: str, settings: CacheSettings, folder: Path) -> Bidder:
    from atomic.bidders.cache import ExactCache

    return ExactCache(name, capacity=settings.capacity, off=settings.off)


_MAKERS: Mapping[type[Any], Callable[[str, Any, Path], Bidder]] = {
    SpecialistSettings: _specialist,
    NaiveBayesSettings: _naive_bayes,
    CacheSettings: _cache,
}

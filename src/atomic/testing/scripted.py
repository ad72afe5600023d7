"""A bidder that does what it is told: answers, waits, hangs, fails, lies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.conversation import Piece
from atomic.records.microtask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a script: what is offered, and what then comes of it.

    `says` is told piece by piece to who reads along, before anything else happens. `ceiling` is the price where not
    given, and so is `billed`: another `billed` is a lie. `seconds` is how long the attempt really waits; `until` waits
    for an event, `hangs` until cancelled. `reason` is given instead of the answer; `raises` is raised, `offer_raises`
    already by the offer; `no_bid` declines.
    """

    answer: object = None
    says: Sequence[Piece] = ()
    claim: float | None = None
    price: int = 0
    ceiling: int | None = None
    billed: int | None = None
    latency_ns: int | None = None
    confidence: float | None = None
    seconds: float = 0.0
    until: asyncio.Event | None = None
    hangs: bool = False
    reason: Reason | None = None
    raises: BaseException | None = None
    offer_raises: BaseException | None = None
    no_bid: Reason | None = None


class ScriptedBidder:
    """Answers from a script: one line per attempt, the last for ever; or a function from the ask to a line.

    A bare value in the script is a line with that answer. `attempts` lists what was asked of it, `offers` counts,
    `cancelled` counts the attempts that were cancelled, `closed` how often it was closed.

    >>> bidder = ScriptedBidder("wit", ["ham", Line(answer="spam", price=5)])
    >>> bidder.profile.name, bidder.line.answer
    ('wit', 'ham')
    """

    def __init__(
        self,
        name: str,
        script: Sequence[Line | object] | Callable[[Ask], Line | object],
        *,
        profile: Profile | None = None,
    ) -> None:
        self._profile = profile or Profile(name=name, kind="scripted")
        self._script = script
        self.attempts: list[tuple[Ask, Plan]] = []
        self.offers = 0
        self.cancelled = 0
        self.closed = 0

    @property
    def profile(self) -> Profile:
        """What it was given, else the defaults."""
        return self._profile

    @property
    def line(self) -> Line:
        """The line that is next, of a script that is a list."""
        if callable(self._script):
            raise TypeError("the line of a script that is a function depends on the ask")
        return _as_line(self._script[min(len(self.attempts), len(self._script) - 1)])

    def _line_for(self, ask: Ask) -> Line:
        return _as_line(self._script(ask)) if callable(self._script) else self.line

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """What the line says."""
        self.offers += 1
        line = self._line_for(ask)
        if line.offer_raises is not None:
            raise line.offer_raises
        if line.no_bid is not None:
            return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=line.no_bid)
        return Offer(
            bidder=self._profile.name,
            tactic=sketch.tactic,
            claim=line.claim,
            price=line.price,
            ceiling=line.price if line.ceiling is None else line.ceiling,
            latency_ns=line.latency_ns,
        )

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """What the line says."""
        line = self._line_for(ask)
        self.attempts.append((ask, plan))
        try:
            for piece in line.says:
                await asyncio.sleep(0)
                if ask.hear is not None:
                    ask.hear(piece)
            if line.hangs:
                await asyncio.Event().wait()
            if line.until is not None:
                await line.until.wait()
            await asyncio.sleep(line.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if line.raises is not None:
            raise line.raises
        billed = line.price if line.billed is None else line.billed
        return Reply(
            value=None if line.reason else line.answer,
            reason=line.reason,
            confidence=line.confidence,
            usage=Usage(seconds=line.seconds),
            price=billed,
        )

    async def close(self) -> None:
        """Counted."""
        self.closed += 1


def _as_line(one: Line | object) -> Line:
    return one if isinstance(one, Line) else Line(answer=one)

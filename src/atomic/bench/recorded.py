"""Replies of slow bidders kept in a folder, so that a bench can be run again in seconds at the recorded price."""

from __future__ import annotations

import time
from pathlib import Path

from atomic.protocols import Bidder, Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer
from atomic.records.canonical import canonical_json, content_id
from atomic.records.event import decode, encode
from atomic.records.microtask import Ask


class ShiftedClock:
    """The machine's clock plus the time that recorded replies would have taken."""

    def __init__(self) -> None:
        self._shift_ns = 0

    def time_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns() + self._shift_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds of a stopwatch."""
        return time.monotonic_ns() + self._shift_ns

    def advance(self, nanoseconds: int) -> None:
        """Let time pass."""
        self._shift_ns += nanoseconds


class Recorded:
    """A bidder whose replies are kept by (bidder, prompt); a reply found there costs its recorded time and price."""

    def __init__(self, bidder: Bidder, folder: Path, clock: ShiftedClock) -> None:
        self._bidder = bidder
        self._folder = folder
        self._clock = clock
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def profile(self) -> Profile:
        """The bidder's own."""
        return self._bidder.profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """The bidder's own."""
        return self._bidder.offer(ask, sketch)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """The recorded reply, else the bidder's, which is then recorded."""
        # What is asked decides, not for whose sake: the ids of the examples shown are new in every run.
        how = [plan.neutral, plan.batch, plan.priors, plan.temperature, plan.seed, plan.free]
        asked = canonical_json([[[one.role, one.content] for one in plan.messages], plan.labels, plan.max_tokens, how])
        file = self._folder / f"{self.profile.name}-{content_id(asked)[:32]}.json"
        if file.exists():
            reply: Reply = decode(Reply, file.read_bytes())
            self._clock.advance(int(reply.usage.seconds * 1e9))
            return reply
        reply = await self._bidder.attempt(ask, plan)
        if reply.reason is None:
            file.write_bytes(encode(reply))
        return reply

    async def close(self) -> None:
        """Close the bidder."""
        await self._bidder.close()

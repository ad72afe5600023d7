"""An answer that was given before to exactly this input."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from typing import Any

from atomic.output import Refusal, from_json
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask, Example

MOST_CERTAIN = 0.999  # a person may err, and an input may mean something else next time


class ExactCache:
    """Bids its stored answer at price 0 where task version, tenant, data label and input are exactly the same.

    Learns from every example, also from what the market settled, which never replaces what somebody verified; an
    answer that was found to be wrong is forgotten. Keeps the `capacity` entries that were used last. `off` names
    the tasks it stays away from (drafts, say, that should differ).
    """

    def __init__(self, name: str = "cache", *, capacity: int = 10_000, off: Collection[str] = ()) -> None:
        self._profile = Profile(name=name, kind="cache", right=0.9)
        self._capacity = capacity
        self._off = frozenset(off)
        self._entries: OrderedDict[bytes, tuple[Any, float, bool]] = OrderedDict()  # answer as JSON, claim, verified

    @property
    def profile(self) -> Profile:
        """A bidder of this machine that does not speak."""
        return self._profile

    def learn(self, example: Example) -> None:
        """Keep its answer for the next time."""
        if example.task in self._off:
            return
        key = _key(example)
        verified = example.source != "market"
        known = self._entries.get(key)
        if known is not None and known[2] and not verified:
            return
        if verified and example.probability < 0.5:
            self._entries.pop(key, None)
            return
        claim = min(MOST_CERTAIN, max(1.0 - MOST_CERTAIN, example.probability))
        self._entries[key] = (example.answer, claim, verified)
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def forget(self) -> None:
        """Begin anew."""
        self._entries.clear()

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Price 0, and the probability it was stored with as the claim."""
        known = self._entries.get(_key(ask))
        if known is None:
            off = ask.task.name in self._off
            reason, detail = (
                (Reason.DECLINED, "off for this task") if off else (Reason.NOTHING_SIMILAR, "not seen before")
            )
            return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=reason, detail=detail)
        return Offer(bidder=self._profile.name, tactic=sketch.tactic, claim=known[1], latency_ns=0)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """The stored answer."""
        key = _key(ask)
        known = self._entries.get(key)
        if known is None:
            return Reply(reason=Reason.NOTHING_SIMILAR, detail="forgotten since it was offered")
        self._entries.move_to_end(key)
        answer = from_json(ask.task, known[0])
        if isinstance(answer, Refusal):
            return Reply(reason=answer.reason, detail=answer.detail)
        return Reply(value=answer, confidence=known[1])

    async def close(self) -> None:
        """Nothing to give back."""


def _key(of: Ask | Example) -> bytes:
    task, version = (of.task.name, of.task.version) if isinstance(of, Ask) else (of.task, of.task_version)
    digest = hashlib.sha256()
    for part in (task, version, of.tenant, of.label):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    digest.update(of.input_json)
    return digest.digest()

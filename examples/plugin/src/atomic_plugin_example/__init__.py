"""A bidder, a tactic and an engine of a package of its own: what Atomic finds by its entry points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atomic.output import Refusal, instructions, typed
from atomic.protocols import Parsed, Profile, Sketch
from atomic.records.attempt import Message, Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask, Example, Microtask


class Shouting:
    """A bidder: believes that whoever shouts is angry. `mark` is what shouting ends with."""

    def __init__(self, name: str, *, mark: str = "!") -> None:
        self._mark = mark
        self._profile = Profile(name=name, kind="heuristic", right=0.6)

    @property
    def profile(self) -> Profile:
        """What it declares of itself; constant."""
        return self._profile

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """At once, and for nothing; only where it has something to say."""
        if "angry" not in ask.task.labels:
            return NoBid(bidder=self._profile.name, tactic=sketch.tactic, reason=Reason.TYPE_NOT_SUPPORTED)
        return Offer(bidder=self._profile.name, tactic=sketch.tactic, claim=0.8 if self._shouts(ask) else 0.6)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """The answer. Whatever it raised would be a failed attempt with a reason."""
        other = next(label for label in ask.task.labels if label != "angry")
        return Reply(value="angry" if self._shouts(ask) else other)

    async def close(self) -> None:
        """Nothing to give back."""

    def _shouts(self, ask: Ask) -> bool:
        text = ask.features.text
        return text.isupper() or text.endswith(self._mark)


class OneMessage:
    """A tactic: instruction and input in one message, for models that make little of a system's."""

    @property
    def name(self) -> str:
        """As in bids; the entry point has the same."""
        return "one-message"

    def sketch(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Sketch | Reason | None:
        """Its size; None where it does not apply."""
        if not profile.speaks or ask.conversation is not None:
            return None
        said = self._said(ask)
        if 0 < profile.context_characters < len(said):
            return Reason.INPUT_TOO_LONG
        return Sketch(
            tactic=self.name,
            prompt_characters=len(said),
            max_tokens=512,
            prompt_bytes=len(said.encode()),
            messages=1,
        )

    def plan(self, ask: Ask, profile: Profile, examples: Sequence[tuple[float, Example]]) -> Plan:
        """No larger than the sketch."""
        message = Message(role="user", content=self._said(ask))
        return Plan(bidder=profile.name, tactic=self.name, messages=(message,), max_tokens=512)

    def _said(self, ask: Ask) -> str:
        return f"{ask.task.instruction}\n{instructions(ask.task)}\n\n{ask.features.text}"


class ToTheLetter:
    """An engine that reads texts as answers: as the core does, which repairs nothing but by parsing."""

    def parse(self, task: Microtask[..., Any], text: str) -> Parsed | Refusal:
        """The answer, or why there is none. Never raises."""
        found = typed(task, text)
        return found if isinstance(found, Refusal) else Parsed(found)

"""Where a process is killed: at each step of a mail's way, of a conversation with those outside, and anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from atomic.testing.smtp_sink import Stage
from atomic.testing.webhook_sink import WebhookStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One of them: an event on disk, an attempt, a stage outside, or a share of a quiet run's time."""

    event: tuple[str, int] | None = None
    attempt: int = 0
    smtp: Stage | None = None
    webhook: WebhookStage | None = None
    share: float = 0.0

    @property
    def name(self) -> str:
        """For people: "smtp data", "event intended", …"""
        if self.event is not None:
            return f"event {self.event[0]}"
        if self.attempt:
            return "attempt"
        return f"smtp {self.smtp}" if self.smtp else f"webhook {self.webhook}" if self.webhook else "any time"


# The windows in which nobody can know come first: the content has ended and there is no word on it, or the word is
# there and no receipt; likewise for a request. Then intents without a conversation, and ends.
_FIRST = (
    Point(smtp="data"),
    Point(webhook="taken"),
    Point(event=("intended", 2)),
    Point(smtp="quit"),
    Point(webhook="answered"),
    Point(event=("action", 1)),
    Point(webhook="asked"),
)
_EVENTS = ("request", "award", "started", "finished", "outcome", "intended", "action")


def points(draws: random.Random) -> Iterator[Point]:
    """Points without end: the windows first, then all of them in turns, of which event or attempt drawn anew."""
    yield from _FIRST
    while True:
        more = [
            *(Point(event=(kind, draws.randint(1, 6))) for kind in _EVENTS for _ in range(2)),
            *(Point(attempt=draws.randint(1, 6)) for _ in range(2)),
            *(Point(share=draws.random()) for _ in range(4)),
            Point(smtp="connect"),
            Point(smtp="mail"),
            Point(smtp="rcpt"),
            *_FIRST,
        ]
        draws.shuffle(more)
        yield from more

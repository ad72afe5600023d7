"""A place of results as a watcher sees it: only what changed counts as moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from atomic.inbox.places import Place
from atomic.inbox.source import SourceMail
from atomic.inbox.watch import Spot

PREFIX = 16  # of a SHA-256, as in request ids


@dataclass(slots=True)
class ChangedPlace:
    """A place that shows as moved only what changed since it was last asked; `left` are mails left half done."""

    inner: Place
    out: Path
    moves_source: bool
    fresh: Sequence[Spot] = ()
    unfinished: frozenset[str] = frozenset()
    left: list[Spot] = field(default_factory=list)
    found: dict[str, Spot] = field(default_factory=dict)  # where mail lies now, by the beginning of its SHA-256

    def move(self, mail: SourceMail, name: str, folder: str) -> Path:
        """As the place does."""
        return self.inner.move(mail, name, folder)

    def moved(self) -> Iterator[SourceMail]:
        """Each mail of a spot that changed."""
        for spot in self.fresh:
            item = spot.read()
            if isinstance(item, SourceMail):
                self.found[item.key[:PREFIX]] = spot
                if item.key in self.unfinished:
                    self.left.append(spot)
                yield item

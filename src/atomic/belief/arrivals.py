"""How many requests are still to come in a window: the shape of earlier ones, scaled to what came today."""

from __future__ import annotations

from typing import Any

_PARTS = 96  # of a window: quarters of an hour of a day
_FADE = 0.8  # a window counts for so much of the one after it
_PRIOR = 20.0  # requests of which it is believed that today is as busy as earlier days


class Arrivals:
    """Counts per part of a window, faded from window to window, and those of the window that runs.

    >>> seen = Arrivals()
    >>> for part in range(48):
    ...     seen.add(part / 96)
    >>> round(seen.still(0.5))
    48
    """

    __slots__ = ("began", "earlier", "now", "windows")

    def __init__(self) -> None:
        self.began = -1.0  # where in the first window the first request came; -1: none did
        self.earlier = [0.0] * _PARTS
        self.windows = 0.0  # how many earlier ones, faded alike
        self.now = [0] * _PARTS

    def add(self, place: float) -> None:
        """A request came when this share of the window had passed."""
        if self.began < 0.0:
            self.began = place
        self.now[min(_PARTS - 1, int(place * _PARTS))] += 1

    def after(self) -> Arrivals:
        """As it is when the window is over. One in which nothing came is no example of how they are."""
        then = Arrivals()
        then.began, then.earlier, then.windows = self.began, self.earlier, self.windows
        if any(self.now):
            then.earlier = [_FADE * old + new for old, new in zip(self.earlier, self.now, strict=True)]
            then.windows = _FADE * self.windows + 1.0
        return then

    def still(self, place: float) -> float:
        """How many requests are expected from here to the window's end.

        Without an earlier window: in what is left as many as came since the first, for its time.
        """
        came = float(sum(self.now))
        if self.windows <= 0.0:
            passed = max(0.0, place - self.began) if self.began >= 0.0 else 0.0
            return (came + 1.0) * (1.0 - place) / (passed + 1.0 / _PARTS)
        at = min(place, 1.0) * _PARTS
        before = after = 0.0
        for part, count in enumerate(self.earlier):
            passed = min(1.0, max(0.0, at - part))
            before += passed * count
            after += (1.0 - passed) * count
        scale = (came + _PRIOR) / (before / self.windows + _PRIOR)
        return scale * after / self.windows

    def state(self) -> list[Any]:
        """All of it, as JSON has it."""
        return [self.began, self.earlier, self.windows, self.now]

    def restore(self, state: list[Any]) -> None:
        """Become what `state` said."""
        self.began, self.earlier, self.windows, self.now = state

"""How much a text looks as if it gave orders to a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A score in [0, 1) and the signs that it was made of; neither quotes the text.

    >>> Suspicion(0.63, ("addresses the model",)).percent
    63
    """

    score: float = 0.0
    signs: tuple[str, ...] = ()

    @property
    def percent(self) -> int:
        """The score as policies compare it: 0 to 99."""
        return int(self.score * 100)


UNSUSPECTED = Suspicion()

"""Whether a verified example misleads: bets that answers which repeat its label are wrong more often than was believed.

Of an answer that repeats the label of an example it was shown, the market believed that it is wrong with probability q.
If that is so, the product of

    P(outcome | misleading) / P(outcome | q),      misleading: right only a quarter as often

is a nonnegative martingale, so the chance that it ever reaches 1/alpha is at most alpha (Ville 1939), however often one
looks. Each example has a bet of its own.
"""

from __future__ import annotations

from atomic.belief.arithmetic import log

_RIGHT_LEFT = 0.25  # of being right, by an example that misleads
_LEAST_WRONG = 0.05  # nobody is held to be more certain
_NEEDED = 5.3  # log 200: one honest example in 200 is retired by accident, at most
_FEWEST_WRONG = 3.0


class Doubt:
    """The bet against one example.

    >>> poisoned, honest = Doubt(), Doubt()
    >>> for _ in range(5): poisoned.add(wrong=1.0, expected=0.2)
    >>> for _ in range(50): honest.add(wrong=0.0, expected=0.2); honest.add(wrong=0.2, expected=0.2)
    >>> poisoned.misleading, honest.misleading
    (True, False)
    """

    __slots__ = ("_log", "expected", "shown", "wrong")

    def __init__(self) -> None:
        self._log = 0.0
        self.shown = 0
        self.wrong = 0.0
        self.expected = 0.0

    def add(self, *, wrong: float, expected: float, times: int = 1) -> None:
        """An answer that repeats the example's label was wrong to a degree in [0, 1]; `times=-1` takes it back."""
        q = min(1.0 - _LEAST_WRONG, max(_LEAST_WRONG, expected))
        of_wrong = log((1.0 - _RIGHT_LEFT * (1.0 - q)) / q)
        self._log += times * (wrong * of_wrong + (1.0 - wrong) * log(_RIGHT_LEFT))
        self.shown += times
        self.wrong += times * wrong
        self.expected += times * q

    @property
    def misleading(self) -> bool:
        """Whether that is decided."""
        return self._log >= _NEEDED and self.wrong >= _FEWEST_WRONG

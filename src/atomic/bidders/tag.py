"""The price tag of a bidder: it may change while requests are under way, and each is billed as it was offered."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from atomic.records.microtask import Ask

T = TypeVar("T")
_REMEMBERED = 4_096  # requests under way


class Tag(Generic[T]):
    """What a bidder costs now, and what it did when each request was offered its price.

    `as_of` is the date of the price that it begins with, "" where that has none: an older one does not replace it.

    >>> from atomic.records.microtask import microtask
    >>> from atomic.testing import ask_for
    >>> @microtask(worth="$1")
    ... async def length(text: str) -> int:
    ...     \"\"\"How many characters?\"\"\"
    >>> tag, ask = Tag(5, as_of="2026-11-01"), ask_for(length("four"))
    >>> tag.offered(ask)
    5
    >>> tag.change(7, as_of="2026-10-31"), tag.change(9, as_of="2026-11-02")
    (None, None)
    >>> tag.now, tag.of(ask)
    (9, 5)
    """

    def __init__(self, price: T, *, as_of: str = "") -> None:
        self.now = price
        self._own_as_of = as_of
        self._offered: OrderedDict[tuple[str, str], T] = OrderedDict()

    def change(self, price: T, *, as_of: str) -> None:
        """Another price from the next offer on; the configuration's stays where that is of a later day."""
        if as_of >= self._own_as_of:
            self.now = price

    def offered(self, ask: Ask) -> T:
        """The price now, at which this request is going to be billed."""
        key = (ask.tenant, ask.request_id)
        self._offered[key] = self.now
        self._offered.move_to_end(key)
        if len(self._offered) > _REMEMBERED:
            self._offered.popitem(last=False)
        return self.now

    def of(self, ask: Ask) -> T:
        """The price that this request was offered last."""
        return self._offered.get((ask.tenant, ask.request_id), self.now)

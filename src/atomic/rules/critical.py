"""The critical price: the highest that a bid could have asked and still been bought, everything else as it was.

Paying it makes a bidder's own cost its best bid for one round with fixed beliefs and no exploration (Vickrey 1961;
Myerson 1981: a monotone choice paid at its threshold). Beyond that it is measured, not claimed. It is found by halving
between two prices of which the true auction, run again, buys the bid at one and not at the other.
"""

from __future__ import annotations

from dataclasses import replace

from atomic.protocols import Valuation
from atomic.records.award import Position, Slate, Table
from atomic.records.bid import Bid
from atomic.rules.auction import auction
from atomic.rules.valuation import Remembering, lookahead


class Round:
    """A round that was held, to be held again at other prices of one of its bids.

    What the market appraises a bid's price at keeps its ratio to the price that is asked. Raises KeyError for a bid
    that did not stand.
    """

    def __init__(
        self, position: Position, slate: Slate, table: Table, draw: float, key: str, valuation: Valuation = lookahead
    ) -> None:
        self._position, self._slate, self._table, self._draw = position, slate, table, draw
        self._bid = {bid.key: bid for bid in slate.bids}[key]
        self._valuation = Remembering() if valuation is lookahead else valuation  # the same values, some of them kept

    @property
    def asked(self) -> int:
        """What the bid asked, in nano-USD."""
        return self._bid.offer.price

    def bought_at(self, price: int) -> bool:
        """Whether the bid is bought if it asks this price, in nano-USD."""
        bids = tuple(self._at(price) if bid is self._bid else bid for bid in self._slate.bids)
        slate = replace(self._slate, bids=bids)
        return (
            self._bid.key in auction(self._position, slate, self._table, self._draw, valuation=self._valuation).chosen
        )

    def critical(self, most: int) -> int | None:
        """The highest price up to `most` at which it is bought; None when it would not be even for nothing.

        A mandate and a survey ask nobody's price: then it is what was asked.
        """
        terms, asked = self._position.terms, self.asked
        if terms.mandate or terms.survey:
            return asked
        low, high = (asked, max(asked, most)) if self.bought_at(asked) else (0, min(asked, most))
        if not self.bought_at(low):
            return None
        if self.bought_at(high):
            return high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.bought_at(middle) else (low, middle)
        return low

    def _at(self, price: int) -> Bid:
        bid = self._bid
        appraised = price * bid.price // bid.offer.price if bid.offer.price else price
        return replace(bid, price=appraised, offer=replace(bid.offer, price=price))

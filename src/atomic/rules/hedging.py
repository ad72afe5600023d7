"""Hedging: while an attempt runs, is it worth more to wait on, to ask somebody else as well, or to wait no longer?

Worth over settling with the answers in hand, for a running bid r and another bid c:

    g(b)   = the auction's score of b without its own cost: what its answer is worth, and what it lets one decide next
    wait   = E[ g(r) - cost of waiting, if r comes before patience and deadline; else the best purchase left then ]
    hedge  = E[ g of whichever comes first - cost of waiting until then ] - (1 + mu) price(c)
    leave  = the best of settling and buying now, where there is an answer in hand already

How long an attempt takes is log-logistic through the mean and the nine-in-ten time that are believed of it, which has
closed forms for what remains; but one in a hundred never ends, since no record of those that did can tell. So what has
taken much longer than usual is soon believed to hang. Where waiting costs nothing and the deadline is far, waiting
always wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from atomic.belief.arithmetic import exp, log
from atomic.protocols import Valuation
from atomic.records.award import Position, Slate, Table
from atomic.records.bid import Bid
from atomic.records.hedge import Waiting
from atomic.rules.valuation import lookahead

CANDIDATES = 5
_POINTS = 12  # of a distribution, each as likely
_LOG_NINE = log(9.0)
_NEVER = 0.01  # the share of attempts that never end
_LEAST_GAIN = 0.001  # of the worth: below that a difference is one of the points, not of the matter
_LEAST_RATIO, _MOST_RATIO = 1.25, 10.0  # of the nine-in-ten time to the mean


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do: `chosen` names the bid to buy as well, is empty for waiting no longer, and None for waiting on.

    `waiting` and `gain` are the worth of waiting on and of what was chosen, in nano-USD over settling now.
    """

    chosen: tuple[str, ...] | None
    waiting: int
    gain: int


@dataclass(frozen=True, slots=True)
class Duration:
    """How long an attempt takes: if it ever ends, P(T <= t) = 1 / (1 + (scale / t) ** shape); times in nanoseconds.

    >>> of = Duration(1000.0, 2.0)
    >>> of.within(1000), of.within(0)
    (0.5, 0.0)
    >>> [one if one == inf else round(one) for one in of.left(9000)[::3]]
    [368, 4217, 83032, inf]
    """

    scale: float
    shape: float

    @classmethod
    def of(cls, bid: Bid) -> Duration:
        """As believed of a bid, its mean taken for the middle."""
        scale, ratio = _spread(bid)
        return cls(scale, _LOG_NINE / log(ratio))

    @staticmethod
    def longest(bid: Bid) -> float:
        """A time beyond which fewer than one in a thousand of a bid's attempts last, rounded up generously."""
        scale, ratio = _spread(bid)
        return scale * ratio * ratio * ratio * ratio

    def within(self, time_ns: float) -> float:
        """The chance that it takes no longer, if it ever ends."""
        odds = self._odds(time_ns)
        return odds / (1.0 + odds)

    def left(self, waited_ns: float) -> list[float]:
        """How much longer it takes when it has taken this long: points that are equally likely, infinite for never."""
        running = _NEVER + (1.0 - _NEVER) / (1.0 + self._odds(waited_ns))
        points: list[float] = []
        for index in range(_POINTS):
            share = 1.0 - (index + 0.5) / _POINTS  # of those still running, how many take longer than this
            longer = (running * share - _NEVER) / (1.0 - _NEVER)  # the same, of all that ever end
            if longer > 0.0:
                ends = self.scale * exp(log(1.0 / longer - 1.0) / self.shape)
                points.append(max(0.0, ends - waited_ns))
            else:
                points.append(inf)
        return points

    def _odds(self, time_ns: float) -> float:
        return exp(self.shape * log(time_ns / self.scale)) if time_ns > 0.0 else 0.0


def _spread(bid: Bid) -> tuple[float, float]:
    """The mean, and the nine-in-ten time over it."""
    scale = max(1.0, float(bid.latency_ns))
    return scale, min(_MOST_RATIO, max(_LEAST_RATIO, bid.latency_high_ns / scale))


def hedge(position: Position, slate: Slate, table: Table, what: Waiting, *, valuation: Valuation = lookahead) -> Choice:
    """What to do while these attempts run. Pure: equal arguments give an equal choice, bit for bit."""
    weigh = _Weigh(position, slate, table, what, valuation)
    waiting = weigh.wait()
    options: list[tuple[float, tuple[str, ...]]] = [(weigh.hedge(bid), (bid.key,)) for bid in weigh.others]
    if position.state.answered:
        options.append((weigh.buy(0.0), ()))
    chosen: tuple[str, ...] | None = None
    best = waiting
    for value, action in options:
        if value > best and value - waiting > position.terms.worth * _LEAST_GAIN:
            chosen, best = action, value
    return Choice(chosen, _whole(waiting), _whole(best))


class _Weigh:
    """One moment's sums."""

    def __init__(self, position: Position, slate: Slate, table: Table, what: Waiting, valuation: Valuation) -> None:
        self._terms = terms = position.terms
        self._money = 1.0 + position.shadow_price
        self._waiting = terms.latency_price / 1e9  # nano-USD per nanosecond
        self._left = float(max(0, terms.deadline_ns - position.elapsed_ns))
        self._patience = min(self._left, float(what.patience_ns))
        running = [bid for bid in slate.bids if bid.key in what.running]
        others = self._askable(position, slate, what, running)
        self._gains = self._worth(position, [*running, *others], table, valuation)
        # Of several, the one whose answer is worth most is waited for; the others come with it or not.
        self._slow = max(running, key=lambda bid: (self._gains.get(bid.key, 0.0), bid.key))
        self._gain = self._gains.get(self._slow.key, 0.0)
        self._slow_left = Duration.of(self._slow).left(float(what.waited_ns))
        others = [bid for bid in others if bid.key in self._gains]
        others.sort(key=lambda bid: (self._money * bid.price - self._gains[bid.key], bid.price, bid.key))
        self.others = others[:CANDIDATES]
        self._durations = {bid.key: Duration.of(bid) for bid in self.others}

    def _askable(self, position: Position, slate: Slate, what: Waiting, running: Sequence[Bid]) -> list[Bid]:
        """Who could be asked as well: of other bidders, free, not heard yet, and within the price."""
        spent = position.spent + sum(bid.offer.ceiling for bid in running)
        bidders = {bid.offer.bidder for bid in running}
        heard = {one.key for one in position.state.answered}
        return [
            bid
            for bid in slate.bids
            if bid.offer.bidder not in bidders
            and bid.key not in what.left_out
            and bid.key not in heard
            and spent + bid.offer.ceiling <= self._terms.max_price
        ]

    def _worth(self, position: Position, bids: Sequence[Bid], table: Table, valuation: Valuation) -> dict[str, float]:
        """What each is worth without its own cost; those that the auction does not even consider are not among them."""
        ordered = sorted(bids, key=lambda bid: bid.key)
        _, _, valued = valuation(position, Slate(bids=tuple(ordered), no_bids=()), table)
        scores = {one.action[0]: one.score for one in valued if len(one.action) == 1}
        return {
            bid.key: scores[bid.key] + self._money * bid.price + self._waiting * bid.latency_ns
            for bid in ordered
            if bid.key in scores
        }

    def wait(self) -> float:
        """Wait on, and where that is in vain do what is best then."""
        gain, afterwards = self._gain, self.buy(self._patience)
        total = 0.0
        for left in self._slow_left:
            if left <= self._patience:
                total += gain - self._waiting * left
            else:
                total += afterwards - self._waiting * self._patience
        return total / _POINTS

    def buy(self, after_ns: float) -> float:
        """The best of settling and of one purchase, once so much time has passed."""
        best = 0.0
        for bid in self.others:
            chance = self._durations[bid.key].within(self._left - after_ns)
            cost = self._money * bid.price + self._waiting * bid.latency_ns
            best = max(best, self._gains[bid.key] * chance - cost)
        return best

    def hedge(self, bid: Bid) -> float:
        """Ask this one as well; the first answer counts."""
        slow, own = self._gain, self._gains[bid.key]
        total = 0.0
        for left in self._slow_left:
            for takes in self._durations[bid.key].left(0.0):
                if left <= self._patience and (left <= takes or takes > self._left):
                    total += slow - self._waiting * left
                elif takes <= self._left:
                    total += own - self._waiting * takes
                else:
                    total -= self._waiting * self._patience
        return total / (_POINTS * _POINTS) - self._money * bid.price


def _whole(value: float) -> int:
    return int(value + 0.5) if value >= 0.0 else -int(0.5 - value)

"""What would it have taken? Other prices, worths and probabilities, tried on the true auction.

Answers in hand and the draw are held fixed, and so is who could bid at all. Scores are piecewise linear in a
price, but a bid that gets cheaper may also push another out of those considered, and under exploration the draw
falls on shares that move with every score. So nothing here trusts a formula or takes for granted that an award
changes once: boundaries are looked for by trying prices and halving between them, and one is reported only when
the auction, run again on both sides of it, gives the two awards named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from atomic.errors import Bug
from atomic.protocols import Valuation
from atomic.records.award import Position, Slate, Table
from atomic.records.bid import Bid
from atomic.rules.auction import Verdict, auction
from atomic.rules.valuation import Remembering, lookahead

Action = tuple[str, ...]  # keys of bids bought at once; empty: settle
Says = Literal["chosen", "best"]  # by this draw; by score alone. They differ only where the market explores
Found = Literal["proven", "not even free", "at any price tried", "at no probability tried", "none proven"]

WORTHS = ((1, 100), (1, 50), (1, 20), (1, 10), (1, 5), (1, 2), (2, 1), (5, 1), (10, 1), (20, 1), (50, 1), (100, 1))
MILLIONTHS = 1_000_000  # probabilities are tried in steps of one millionth
_PROBES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """All that a round's award is computed from."""

    position: Position
    slate: Slate
    table: Table
    draw: float
    valuation: Valuation = lookahead

    def verdict(self) -> Verdict:
        """The auction, run on it."""
        return auction(self.position, self.slate, self.table, self.draw, valuation=self.valuation)

    def quick(self) -> Given:
        """The same for trying many changes; what is found is then proven by the valuation itself."""
        return replace(self, valuation=Remembering()) if self.valuation is lookahead else self

    def bid(self, key: str) -> Bid:
        """The bid of this key. Raises Bug when there is none."""
        for bid in self.slate.bids:
            if bid.key == key:
                return bid
        raise Bug(f"no bid {key!r} in this round")

    def at_price(self, key: str, price: int) -> Given:
        """The same, with another expected price of one bid, in nano-USD."""
        return self._with(replace(self.bid(key), price=price))

    def at_probability(self, key: str, probability: float) -> Given:
        """The same, with another expected probability of one bid."""
        return self._with(replace(self.bid(key), probability=probability))

    def at_worth(self, worth: int) -> Given:
        """The same, with an answer worth this many nano-USD; `max_price` stays."""
        position = self.position
        terms, state = replace(position.terms, worth=worth), replace(position.state, worth=worth)
        return replace(self, position=replace(position, terms=terms, state=state))

    def _with(self, bid: Bid) -> Given:
        bids = tuple(bid if one.key == bid.key else one for one in self.slate.bids)
        return replace(self, slate=replace(self.slate, bids=bids))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBreak:
    """At which expected price a bid stops being bought.

    It would be in the award up to `price` (nano-USD), and not at one nano-USD more: `at` and `beyond` are the two
    awards. `actual` is what it was, and `now` whether the bid is in the award at that. `price` is None unless `found`
    is "proven". `changes` counts how often the award was seen to change over all prices tried; more than one means
    that cheaper was not always better.
    """

    key: str
    says: Says
    now: bool
    actual: int
    found: Found
    price: int | None = None
    at: Action = ()
    beyond: Action = ()
    changes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityBreak:
    """From which expected probability on a bid would have been bought, in millionths.

    It would be in the award at `millionths`, and not at one millionth less: `at` and `below` are the two awards.
    """

    key: str
    says: Says
    actual: float
    found: Found
    millionths: int | None = None
    at: Action = ()
    below: Action = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthPoint:
    """The award if the answer had been worth `times` (numerator, denominator) as much."""

    times: tuple[int, int]
    worth: int
    chosen: Action
    best: Action
    changes: bool  # whether the award is another than it was


def best(verdict: Verdict) -> Action:
    """The action that is best by score; empty when nothing scores above settling."""
    leader = verdict.candidates[:1]
    return leader[0].action if leader and leader[0].score > 0 else ()


def award_of(verdict: Verdict, says: Says) -> Action:
    """The award by this draw, or by score alone."""
    return verdict.chosen if says == "chosen" else best(verdict)


def price_breaks(given: Given, keys: Sequence[str]) -> tuple[PriceBreak, ...]:
    """The breakpoint of each of these bids; two where the draw and the score alone say different things."""
    found: list[PriceBreak] = []
    quick = given.quick()
    for key in keys:
        tried = _Tried(lambda price, key=key: quick.at_price(key, price))  # type: ignore[misc]  # a default binds it
        chosen, leading = (_price_break(given, key, says, tried) for says in ("chosen", "best"))
        found.append(chosen)
        if replace(leading, says="chosen") != chosen:
            found.append(leading)
    return tuple(found)


def probability_breaks(given: Given, key: str) -> tuple[ProbabilityBreak, ...]:
    """The probability that a bid outside the award would have needed; two where draw and score alone differ."""
    quick = given.quick()
    tried = _Tried(lambda step: quick.at_probability(key, step / MILLIONTHS))
    chosen, leading = (_probability_break(given, key, says, tried) for says in ("chosen", "best"))
    return (chosen,) if replace(leading, says="chosen") == chosen else (chosen, leading)


def worth_points(given: Given) -> tuple[WorthPoint, ...]:
    """The award at every point of the declared grid `WORTHS`."""
    now, points = given.verdict().chosen, []
    for numerator, denominator in WORTHS:
        worth = max(1, given.position.terms.worth * numerator // denominator)
        verdict = given.at_worth(worth).verdict()
        points.append(
            WorthPoint(
                times=(numerator, denominator),
                worth=worth,
                chosen=verdict.chosen,
                best=best(verdict),
                changes=verdict.chosen != now,
            )
        )
    return tuple(points)


def holds(given: Given, proven: PriceBreak | ProbabilityBreak) -> bool:
    """Whether the auction, run again on both sides, gives the two awards that a proven breakpoint names."""
    if isinstance(proven, PriceBreak):
        if proven.price is None:
            return False
        sides = (given.at_price(proven.key, proven.price), given.at_price(proven.key, proven.price + 1))
        named = (proven.at, proven.beyond)
    else:
        if proven.millionths is None:
            return False
        enough, short = proven.millionths / MILLIONTHS, (proven.millionths - 1) / MILLIONTHS
        sides = (given.at_probability(proven.key, enough), given.at_probability(proven.key, short))
        named = (proven.at, proven.below)
    inside, outside = (award_of(side.verdict(), proven.says) for side in sides)
    return (inside, outside) == named and proven.key in inside and proven.key not in outside


class _Tried:
    """Verdicts by the number that was changed; each is run once."""

    def __init__(self, change: Callable[[int], Given]) -> None:
        self._change = change
        self._known: dict[int, Verdict] = {}

    def award(self, number: int, says: Says) -> Action:
        verdict = self._known.get(number)
        if verdict is None:
            verdict = self._known[number] = self._change(number).verdict()
        return award_of(verdict, says)

    def last_alike(self, low: int, high: int, key: str, says: Says) -> int:
        """A number from `low` on that is as `low` is, with its successor as `high` is. They must differ."""
        kind = key in self.award(low, says)
        while high - low > 1:
            middle = (low + high) // 2
            if (key in self.award(middle, says)) == kind:
                low = middle
            else:
                high = middle
        return low


def _price_break(given: Given, key: str, says: Says, tried: _Tried) -> PriceBreak:
    actual = given.bid(key).price
    inside = key in tried.award(actual, says)
    probes = _dearer(actual, given.position.terms.worth) if inside else _cheaper(actual)
    wins = [key in tried.award(price, says) for price in probes]
    nothing = PriceBreak(
        key=key,
        says=says,
        now=inside,
        actual=actual,
        found="none proven",
        changes=sum(1 for one, other in pairwise(wins) if one != other),
    )
    if inside:
        if all(wins):
            return replace(nothing, found="at any price tried")
        low = wins.index(False) - 1  # before the first price at which it loses
    else:
        if not any(wins):
            return replace(nothing, found="not even free")
        low = len(wins) - 1 - wins[::-1].index(True)  # the highest price at which it wins
    price = tried.last_alike(probes[low], probes[low + 1], key, says)
    proven = replace(
        nothing, found="proven", price=price, at=tried.award(price, says), beyond=tried.award(price + 1, says)
    )
    return proven if holds(given, proven) else nothing


def _cheaper(actual: int) -> list[int]:
    """Prices to try, from free to what it was."""
    return sorted({0, min(1, actual), *(actual * step // _PROBES for step in range(_PROBES + 1))})


def _dearer(actual: int, worth: int) -> list[int]:
    """Prices to try, from what it was to where nothing can be worth it."""
    far = 2 * actual + 4 * worth + 1
    doubled = (actual + (1 << power) for power in range(0, 62, 2))
    even = (actual + (far - actual) * step // (2 * _PROBES) for step in range(2 * _PROBES + 1))
    return sorted({actual, far, *even, *(price for price in doubled if price < far)})


def _probability_break(given: Given, key: str, says: Says, tried: _Tried) -> ProbabilityBreak:
    actual = given.bid(key).probability
    nothing = ProbabilityBreak(key=key, says=says, actual=actual, found="at no probability tried")
    low, most = int(actual * MILLIONTHS), MILLIONTHS - 1
    if low >= most:
        return nothing
    probes = sorted({low, *(low + (most - low) * step // _PROBES for step in range(1, _PROBES + 1))})
    wins = [key in tried.award(step, says) for step in probes]
    if not any(wins):
        return nothing
    first = wins.index(True)
    if first == 0:
        return replace(nothing, found="none proven")
    needed = tried.last_alike(probes[first - 1], probes[first], key, says) + 1
    proven = ProbabilityBreak(
        key=key,
        says=says,
        actual=actual,
        found="proven",
        millionths=needed,
        at=tried.award(needed, says),
        below=tried.award(needed - 1, says),
    )
    return proven if holds(given, proven) else replace(nothing, found="none proven")

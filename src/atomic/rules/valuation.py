"""What buying is worth: lookahead of depth 2 over agreement states (DESIGN.md §3), until a task has a response model,
whose states are planned as a whole (`rules.planned`).

    V_stop(s) = worth x P(best answer in hand is right)
    Q(s, b)   = - (1 + mu) price(b) - latency_price x latency(b) + E over s' of max(V_stop(s'), max over c of Q(s', c))
    score(b)  = Q(s, b) - V_stop(s)

An opinion is often worth nothing by itself and much for what it lets one decide next; so the second step is
priced with the first. To stay fast, only few bids are candidates, and each action's second step is looked for among
few others: those best by one step, those most probably right, and the cheapest. Who they are does not depend on the
bid itself, so a higher price never raises a score; and taking away a bid that is neither changes no award.

Values are of the joint posterior itself. Its calibration goes into what is reported: were it in the values, the
difference between the calibrations of one and of two answers would be bought for its own sake.

An action is one bid; two at once, when waiting costs; or all free ones at once, since an opinion for nothing is at
worst not needed, and every one that was bought learns from the feedback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from atomic.protocols import Valued
from atomic.records.award import Position, Slate, State, Table
from atomic.records.bid import Bid, Offer
from atomic.rules.planned import planned
from atomic.rules.posterior import (
    Dependence,
    Pairs,
    Posterior,
    after,
    best_after,
    calibrated,
    closest,
    of_state,
    possible,
)

BEST_BY_ONE_STEP, MOST_PROBABLE, CHEAPEST = 4, 2, 2
MOST_FREE = 5
IN_SETS = 4  # bids, best by their own score, of which pairs are candidates


@dataclass(frozen=True, slots=True)
class _Priced:
    """A bid with what the search needs of it. `cost` is price and waiting in nano-USD of value."""

    bid: Bid
    key: str
    cost: float
    hangs: Dependence
    one_step: float


def lookahead(position: Position, slate: Slate, table: Table) -> tuple[float, int, Sequence[Valued]]:
    """The standing answer's calibrated probability and group, and the considered actions with their scores."""
    return _lookahead(position, slate, table, None)


class Remembering:
    """`lookahead`, bit for bit, but many times faster when one round is asked again and again at other prices.

    It remembers what depends on neither price nor worth, as long as state and table are the same objects.
    """

    def __init__(self) -> None:
        self._state: State | None = None
        self._table: Table | None = None
        self._known: _Known = {}

    def __call__(self, position: Position, slate: Slate, table: Table) -> tuple[float, int, Sequence[Valued]]:
        """As `lookahead`."""
        if position.state is not self._state or table is not self._table:
            self._state, self._table, self._known = position.state, table, {}
        return _lookahead(position, slate, table, self._known)


_Earlier = tuple[str, float, int]  # key, probability, group
# The chance that the best answer is right after one more, by posterior, that one's key and probability, and bought.
_Known = dict[tuple[tuple[float, ...], float, str, float, tuple[_Earlier, ...]], float]


def _lookahead(
    position: Position, slate: Slate, table: Table, known: _Known | None
) -> tuple[float, int, Sequence[Valued]]:
    if table.model is not None:
        probability, group, planned_for = planned(position, slate, table.model)
        return calibrated(probability, len(position.state.answered), table.settling), group, planned_for
    posterior = of_state(position.state, table)
    held = len(position.state.answered)
    probability, group = posterior.best
    if table.apart:
        standing = calibrated(probability, held, table.settling) if held else 0.0
        return standing, group, _each_alone(position, slate, probability)
    standing = calibrated(probability, held, table.settling) if held else 0.0
    search = _Search(position, table, probability, known)
    priced = [search.one_step(bid, posterior) for bid in slate.bids]
    rankings = _rankings(priced)
    valued = [search.single(one, _best(rankings, (one,)), posterior) for one in _best(rankings, ())]
    if position.terms.latency_price > 0:
        by_key = {one.key: one for one in priced}
        leading = sorted(valued, key=lambda one: (-one.score, one.price, one.action))[:IN_SETS]
        for keys in combinations(sorted(one.action[0] for one in leading), 2):
            both = by_key[keys[0]], by_key[keys[1]]
            if _may_be_bought_together(position, *(one.bid.offer for one in both)):
                valued.append(search.pair(*both, _best(rankings, both), posterior))
    if free := _free(priced):
        valued.append(search.together(free, posterior))
    return standing, group, valued


def _each_alone(position: Position, slate: Slate, standing: float) -> list[Valued]:
    """Where answers are never equal, another one is worth only what it is itself better than the one in hand."""
    money, waiting = 1.0 + position.shadow_price, position.terms.latency_price / 1e9
    found = []
    for bid in slate.bids:
        gain = position.terms.worth * max(0.0, bid.probability - standing)
        cost = money * bid.price + waiting * bid.latency_ns
        found.append(Valued((bid.key,), _whole(gain - cost), bid.price, (bid.key,)))
    return found


def _free(priced: Sequence[_Priced]) -> list[_Priced]:
    """Three and more bids that cost nothing, the most probable of each bidder: opinions to be had for the asking."""
    of_bidder: dict[str, _Priced] = {}
    for one in sorted(priced, key=lambda one: (-one.bid.probability, one.key)):
        if one.bid.price == 0 and one.bid.offer.ceiling == 0:
            of_bidder.setdefault(one.bid.offer.bidder, one)
    free = sorted(list(of_bidder.values())[:MOST_FREE], key=lambda one: one.key)
    return free if len(free) > 2 else []


def _may_be_bought_together(position: Position, first: Offer, second: Offer) -> bool:
    """Whether two bidders are asked, not one twice, and both ceilings fit under what is left of the price."""
    return first.bidder != second.bidder and position.spent + first.ceiling + second.ceiling <= position.terms.max_price


def _rankings(priced: Sequence[_Priced]) -> tuple[tuple[Sequence[_Priced], int], ...]:
    """Total orders of the bids, each with how many of its first are of interest."""
    return (
        (sorted(priced, key=lambda one: (-one.one_step, one.bid.price, one.key)), BEST_BY_ONE_STEP),
        (sorted(priced, key=lambda one: (-one.bid.probability, one.bid.price, one.key)), MOST_PROBABLE),
        (sorted(priced, key=lambda one: (one.bid.price, -one.bid.probability, one.key)), CHEAPEST),
    )


def _best(rankings: Sequence[tuple[Sequence[_Priced], int]], but: Sequence[_Priced]) -> list[_Priced]:
    """The first of every ranking, as if the bids in `but` were not there."""
    chosen: dict[str, _Priced] = {}
    for ordered, count in rankings:
        left = count
        for one in ordered:
            if left == 0:
                break
            if one not in but:
                chosen[one.key] = one
                left -= 1
    return sorted(chosen.values(), key=lambda one: one.key)


class _Search:
    """One position's search: what does not change within it."""

    def __init__(self, position: Position, table: Table, standing: float, known: _Known | None) -> None:
        self.known = known
        self.worth = position.terms.worth
        self.stop = self.worth * standing
        self.waiting = position.terms.latency_price / 1e9  # nano-USD per nanosecond
        self.money = 1.0 + position.shadow_price
        self.state: State = position.state
        self.answers = possible(table.alternatives)
        self.pairs = Pairs.of(table)

    def expected(self, posterior: Posterior, hangs: Dependence) -> float:
        """Expected value of settling after one more answer, before its cost."""
        return self.worth * self._right(posterior, hangs)

    def _right(self, posterior: Posterior, hangs: Dependence) -> float:
        total = 0.0
        for _, top in best_after(posterior, hangs, self.answers):
            total += top
        return total

    def one_step(self, bid: Bid, posterior: Posterior) -> _Priced:
        key = bid.key
        cost = self.money * bid.price + self.waiting * bid.latency_ns
        earlier = ((one.key, one.probability, one.group) for one in self.state.answered)
        hangs = closest(earlier, self.pairs, key, bid.probability, self.answers)
        value = self.expected(posterior, hangs)
        return _Priced(bid, key, cost, hangs, value - cost - self.stop)

    def single(self, first: _Priced, others: Sequence[_Priced], posterior: Posterior) -> Valued:
        """Buy one, then settle or buy the best second."""
        chances, outcomes = after(posterior, first.hangs, self.answers)
        total = -first.cost
        for said, (chance, outcome) in enumerate(zip(chances, outcomes, strict=True)):
            total += chance * self._next(outcome, (_bought(first, said),), others)
        return self._valued((first,), others, total)

    def pair(self, first: _Priced, second: _Priced, others: Sequence[_Priced], posterior: Posterior) -> Valued:
        """Buy two at once, then settle or buy the best third: both prices, but the waiting of the slower one only."""
        slower = max(first.bid.latency_ns, second.bid.latency_ns)
        total = -(self.money * (first.bid.price + second.bid.price) + self.waiting * slower)
        chances, outcomes = after(posterior, first.hangs, self.answers)
        for said, (chance, outcome) in enumerate(zip(chances, outcomes, strict=True)):
            hangs = self._closest(second, (_bought(first, said),))
            then, afterwards = after(outcome, hangs, self.answers)
            for answer, (likely, both) in enumerate(zip(then, afterwards, strict=True)):
                bought = (_bought(first, said), _bought(second, answer))
                total += chance * likely * self._next(both, bought, others)
        return self._valued((first, second), others, total)

    def _next(self, posterior: Posterior, bought: tuple[_Earlier, ...], others: Sequence[_Priced]) -> float:
        """The value of settling or of the best next bid, once these were bought and fell into these groups."""
        best = self.worth * posterior.best[0]
        for one in others:
            if self.known is None:
                right = self._right(posterior, self._closest(one, bought))
            else:
                right = self._remembered(self.known, posterior, one, bought)
            best = max(best, self.worth * right - one.cost)
        return best

    def _remembered(self, known: _Known, posterior: Posterior, one: _Priced, bought: tuple[_Earlier, ...]) -> float:
        name = (posterior.groups, posterior.unsaid, one.key, one.bid.probability, bought)
        right = known.get(name)
        if right is None:
            right = known[name] = self._right(posterior, self._closest(one, bought))
        return right

    def _closest(self, one: _Priced, bought: Sequence[_Earlier]) -> Dependence:
        """What a bid's answer is most likely a copy of, among the answers in hand and those just bought."""
        found = closest(bought, self.pairs, one.key, one.bid.probability, self.answers)
        return found if found.copy > one.hangs.copy else one.hangs

    def together(self, members: Sequence[_Priced], posterior: Posterior) -> Valued:
        """Buy several at once, then settle: all their prices, but the waiting of the slowest one only."""
        slowest = max(one.bid.latency_ns for one in members)
        cost = self.money * sum(one.bid.price for one in members) + self.waiting * slowest
        return self._valued(members, (), self._all(members, posterior, ()) - cost)

    def _all(self, members: Sequence[_Priced], posterior: Posterior, bought: tuple[_Earlier, ...]) -> float:
        """Expected value of settling once all members have answered, over all ways in which they may agree."""
        hangs = self._closest(members[0], bought)
        if len(members) == 1:
            return self.expected(posterior, hangs)
        chances, outcomes = after(posterior, hangs, self.answers)
        total = 0.0
        for said, (chance, outcome) in enumerate(zip(chances, outcomes, strict=True)):
            if chance > 0.0:
                then = (*bought, _bought(members[0], said))
                total += chance * self._all(members[1:], outcome, then)
        return total

    def _valued(self, action: Sequence[_Priced], others: Sequence[_Priced], total: float) -> Valued:
        keys = tuple(one.key for one in action)
        uses = tuple(sorted({*keys, *(one.key for one in others)}))
        return Valued(keys, _whole(total - self.stop), sum(one.bid.price for one in action), uses)


def _bought(one: _Priced, group: int) -> _Earlier:
    return one.key, one.bid.probability, group


def _whole(score: float) -> int:
    """Scores are compared as integers."""
    return int(score + 0.5) if score >= 0.0 else -int(0.5 - score)

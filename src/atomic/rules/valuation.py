"""What buying is worth: lookahead of depth 2 over agreement states (DESIGN.md §3).

    V_stop(s) = worth x P(best answer in hand is right)
    Q(s, b)   = - (1 + mu) price(b) - latency_price x latency(b) + E over s' of max(V_stop(s'), max over c of Q(s', c))
    score(b)  = Q(s, b) - V_stop(s)

An opinion is often worth nothing by itself and much for what it lets one decide next; so the second step is
priced with the first. To stay fast, second steps are looked for among few bids (`considered`): those best by
one step, those most probably right, and the cheapest. Bids that are not considered are not candidates, so
taking one away never changes an award.

Actions are sets where that is worth looking at: two bids at once when waiting costs, and all free bids at once,
since opinions that cost nothing are only worth less when they come too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atomic.belief.agreement import copying
from atomic.protocols import Valued
from atomic.records.award import Position, Slate, State, Table
from atomic.records.bid import Bid
from atomic.rules.posterior import Posterior, after, calibrated, closest, of_state, possible

BEST_BY_ONE_STEP, MOST_PROBABLE, CHEAPEST = 4, 2, 2
MOST_FREE = 5


@dataclass(frozen=True, slots=True)
class _Priced:
    """A bid with what the search needs of it. `cost` is price and waiting in nano-USD of value."""

    bid: Bid
    key: str
    cost: float
    copy: float
    source: int
    one_step: float


def lookahead(position: Position, slate: Slate, table: Table) -> tuple[float, int, Sequence[Valued]]:
    """The standing answer's calibrated probability and group, and the considered actions with their scores."""
    search = _Search(position, table)
    posterior = of_state(position.state, table)
    held = len(position.state.answered)
    probability, group = posterior.best
    standing = calibrated(probability, held, table.settling) if held else 0.0
    stop = search.worth * standing
    priced = [search.one_step(bid, posterior, held, stop) for bid in slate.bids]
    considered = _considered(priced)
    valued = [search.single(one, considered, posterior, held, stop) for one in considered]
    if position.terms.latency_price > 0:
        for index, first in enumerate(considered):
            valued += [search.together((first, second), posterior, held, stop) for second in considered[index + 1 :]]
    free = sorted(
        (one for one in priced if one.bid.price == 0 and one.bid.offer.ceiling == 0),
        key=lambda one: (-one.bid.probability, one.key),
    )[:MOST_FREE]
    if len(free) > 2 or (len(free) == 2 and position.terms.latency_price == 0):
        valued.append(search.together(sorted(free, key=lambda one: one.key), posterior, held, stop))
    return standing, group, valued


def _considered(priced: Sequence[_Priced]) -> list[_Priced]:
    chosen: dict[str, _Priced] = {}
    by_one_step = sorted(priced, key=lambda one: (-one.one_step, one.bid.price, one.key))
    by_probability = sorted(priced, key=lambda one: (-one.bid.probability, one.bid.price, one.key))
    by_price = sorted(priced, key=lambda one: (one.bid.price, -one.bid.probability, one.key))
    for ordered, count in ((by_one_step, BEST_BY_ONE_STEP), (by_probability, MOST_PROBABLE), (by_price, CHEAPEST)):
        for one in ordered[:count]:
            chosen[one.key] = one
    return sorted(chosen.values(), key=lambda one: one.key)


class _Search:
    """One position's search: what does not change within it."""

    def __init__(self, position: Position, table: Table) -> None:
        self.worth = position.terms.worth
        self.waiting = position.terms.latency_price / 1e9  # nano-USD per nanosecond
        self.money = 1.0 + position.shadow_price
        self.state: State = position.state
        self.answers = possible(table.alternatives)
        self.settling = table.settling
        self.shares: Mapping[str, float] = dict(table.copying)

    def value(self, posterior: Posterior, held: int) -> float:
        return self.worth * calibrated(posterior.best[0], held, self.settling)

    def one_step(self, bid: Bid, posterior: Posterior, held: int, stop: float) -> _Priced:
        key = bid.key
        cost = self.money * bid.price + self.waiting * bid.latency_ns
        copy, source = closest(self.state, self.shares, key)
        chances, outcomes = after(posterior, right=bid.probability, copy=copy, source=source, answers=self.answers)
        gain = 0.0
        for chance, outcome in zip(chances, outcomes, strict=True):
            gain += chance * max(stop, self.value(outcome, held + 1))
        return _Priced(bid, key, cost, copy, source, gain - cost - stop)

    def single(self, first: _Priced, others: Sequence[_Priced], posterior: Posterior, held: int, stop: float) -> Valued:
        """Buy one, then settle or buy the best second."""
        chances, outcomes = after(
            posterior, right=first.bid.probability, copy=first.copy, source=first.source, answers=self.answers
        )
        total = -first.cost
        uses = {first.key}
        for said, (chance, outcome) in enumerate(zip(chances, outcomes, strict=True)):
            best, user = max(stop, self.value(outcome, held + 1)), ""
            for second in others:
                if second is first:
                    continue
                value = self._expected((second,), outcome, held + 1, ((first.key, said),)) - second.cost
                if value > best:
                    best, user = value, second.key
            total += chance * best
            if user:
                uses.add(user)
        return Valued((first.key,), _whole(total - stop), first.bid.price, tuple(sorted(uses)))

    def together(self, members: Sequence[_Priced], posterior: Posterior, held: int, stop: float) -> Valued:
        """Buy several at once, then settle: all their prices, but the waiting of the slowest one only."""
        price = sum(one.bid.price for one in members)
        slowest = max(one.bid.latency_ns for one in members)
        total = self._expected(members, posterior, held, ()) - (self.money * price + self.waiting * slowest)
        keys = tuple(one.key for one in members)
        return Valued(keys, _whole(total - stop), price, keys)

    def _expected(
        self, members: Sequence[_Priced], posterior: Posterior, held: int, said: tuple[tuple[str, int], ...]
    ) -> float:
        """Expected value of settling once all members have answered, over all ways in which they may agree."""
        if not members:
            return self.value(posterior, held)
        first, rest = members[0], members[1:]
        copy, source = first.copy, first.source
        for key, group in said:
            share = copying(self.shares, key, first.key)
            if share > copy:
                copy, source = share, group
        chances, outcomes = after(
            posterior, right=first.bid.probability, copy=copy, source=source, answers=self.answers
        )
        total = 0.0
        for group, (chance, outcome) in enumerate(zip(chances, outcomes, strict=True)):
            if chance > 0.0:
                total += chance * self._expected(rest, outcome, held + 1, (*said, (first.key, group)))
        return total


def _whole(score: float) -> int:
    """Scores are compared as integers."""
    return int(score + 0.5) if score >= 0.0 else -int(0.5 - score)

"""What buying is worth: lookahead of depth 2 over agreement states (DESIGN.md §3).

    V_stop(s) = worth x P(best answer in hand is right)
    Q(s, b)   = - (1 + mu) price(b) - latency_price x latency(b) + E over s' of max(V_stop(s'), max over c of Q(s', c))
    score(b)  = Q(s, b) - V_stop(s)

An opinion is often worth nothing by itself and much for what it lets one decide next; so the second step is
priced with the first. To stay fast, second steps are looked for among few bids (`considered`): those best by
one step, those most probably right, and the cheapest. Bids that are not considered are not candidates, so
taking one away never changes an award.
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
MOST_IN_A_SET = 2


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
        valued += search.pairs(considered, posterior, held, stop)
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
                value = self._second(first, said, second, outcome, held + 1) - second.cost
                if value > best:
                    best, user = value, second.key
            total += chance * best
            if user:
                uses.add(user)
        return Valued((first.key,), _whole(total - stop), first.bid.price, tuple(sorted(uses)))

    def pairs(self, considered: Sequence[_Priced], posterior: Posterior, held: int, stop: float) -> list[Valued]:
        """Buy two at once: both prices, but the waiting of the slower one only."""
        valued: list[Valued] = []
        for index, first in enumerate(considered):
            for second in considered[index + 1 :]:
                price = first.bid.price + second.bid.price
                slower = max(first.bid.latency_ns, second.bid.latency_ns)
                total = -(self.money * price + self.waiting * slower)
                chances, outcomes = after(
                    posterior, right=first.bid.probability, copy=first.copy, source=first.source, answers=self.answers
                )
                for said, (chance, outcome) in enumerate(zip(chances, outcomes, strict=True)):
                    total += chance * self._second(first, said, second, outcome, held + 1)
                keys = (first.key, second.key)
                valued.append(Valued(keys, _whole(total - stop), price, keys))
        return valued

    def _second(self, first: _Priced, said: int, second: _Priced, posterior: Posterior, held: int) -> float:
        """Expected value of settling after a second answer, before its cost."""
        copy, source = second.copy, second.source
        of_first = copying(self.shares, first.key, second.key)
        if of_first > copy:
            copy, source = of_first, said
        chances, outcomes = after(
            posterior, right=second.bid.probability, copy=copy, source=source, answers=self.answers
        )
        total = 0.0
        for chance, outcome in zip(chances, outcomes, strict=True):
            total += chance * self.value(outcome, held + 1)
        return total


def _whole(score: float) -> int:
    """Scores are compared as integers."""
    return int(score + 0.5) if score >= 0.0 else -int(0.5 - score)

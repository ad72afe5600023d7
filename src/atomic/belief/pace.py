"""Pace: where the worth of a task stands whose objective is a target or a budget. A fold of the ledger like any belief.

Both are one thing: a worth with a multiplier that is steered online (adaptive pacing: Balseiro and Gur, "Learning in
repeated auctions with budgets", 2019; in the logarithm, which is dual mirror descent: Balseiro, Lu and Mirrokni, 2020).

    budget:  worth = k x rho,  rho = money left in the window / requests still expected in it
             after a request that cost c:                    log k += step x (1 - c / rho)
    target:  worth = k,        after an answer right with p: log k += gain x (target - p - bias)

With rho drawn up anew for every request, money that was spent too slowly or too fast is made good by itself, and k has
only to learn what a mean price costs in worth. The second sum is an integral, so the mean of p comes to the target;
`bias` is how much more often, by feedback on these very outcomes, they were right than was believed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from atomic.belief.arithmetic import exp
from atomic.belief.arrivals import Arrivals
from atomic.records.budget import Budget
from atomic.records.outcome import OutcomeSettled

WINDOW = 1_000  # settled requests over which a target's mean is taken
FIRST_MULTIPLIER = 20.0  # worths of a mean price: about where the marginal worth lies in the packs we measured
_GAIN = (
    0.5  # of a target; the multiplier's logarithm moves by so much for each answer that is surely right and should not
)
_FIRST_STEP, _LAST_STEP = 0.1, 0.02  # of a budget
_LEAST, _MOST = 0.1, 1e4  # a budget's multiplier
_DEAREST = 1e5  # a target's worth, in mean prices: beyond it money no longer matters, so the target is not attainable
_DOUBT = 20  # told outcomes at which feedback counts for half of what it says
_SPIKE = 20.0  # a request that costs so many times what it should says no more than that
_FLOOR_SHARE = 20  # of a window of requests: from its last twentieth on, what is left passes on


@dataclass(slots=True)
class Opened:
    """A request under way: its task and objective, whether bids competed for it, and the worth it was bought at."""

    key: tuple[str, str]
    bids: bool = False
    worth: int = 0


@dataclass(slots=True)
class Told:
    """An answer: how probably right, whether labels stood behind that, and how right it was (-1: not known)."""

    probability: float
    labelled: bool
    right: float = -1.0


class Pace:
    """One task under one objective. Money in nano-USD."""

    __slots__ = (
        "arrivals", "begin", "believed", "budget", "carried", "end", "gap", "mean_price", "multiplier", "opened",
        "recent", "refused", "settled", "spent", "target", "told", "under_way",
    )  # fmt: skip

    def __init__(self, target: float, budget: Budget | None) -> None:
        self.target = target
        self.budget = budget
        self.multiplier = 0.0  # not begun
        self.settled = 0
        self.refused = 0
        self.under_way = 0
        self.mean_price = 0.0
        self.recent: OrderedDict[tuple[str, str], Told] = OrderedDict()  # answers, by (tenant, request id)
        self.believed = 0.0  # the sum of their probabilities
        self.told = 0  # how many of them feedback was given on
        self.gap = 0.0  # the sum of how much more right than believed those were
        self.begin = self.end = 0  # of the calendar window that runs, in nanoseconds
        self.opened = 0  # in this window
        self.spent = 0
        self.carried = 0
        self.arrivals = Arrivals()

    # --- reading -------------------------------------------------------------------------------

    @property
    def mean(self) -> float:
        """The mean probability of the last `WINDOW` answers, as calibrated by feedback; refusals are counted apart."""
        return min(1.0, max(0.0, self.believed / len(self.recent) + self.bias)) if self.recent else 0.0

    @property
    def bias(self) -> float:
        """How much more often than believed these answers were right; shrunk towards 0 while few of them are told."""
        return self.gap / (self.told + _DOUBT)

    @property
    def verified(self) -> bool:
        """Whether labels stand behind these probabilities, or enough outcomes were told; else they are estimates."""
        return self.told >= _DOUBT or 2 * sum(one.labelled for one in self.recent.values()) > len(self.recent) > 0

    @property
    def at_its_end(self) -> bool:
        """Whether steering has gone as far as it may towards being right."""
        return self.target > 0.0 and self.multiplier >= 0.999 * self._most()

    def worth(self, now_ns: int) -> int:
        """The worth that a request is bought at now; 0 before steering has begun."""
        return max(1, int(self.multiplier * self.rho(now_ns) + 0.5)) if self.multiplier > 0.0 else 0

    def rho(self, now_ns: int) -> float:
        """What the next request should cost on average; 1 under a target, whose multiplier is the worth itself."""
        if self.budget is None:
            return 1.0
        left, expected = self.left(now_ns), self.expected(now_ns)
        return max(1.0, left / max(1.0, expected))

    def left(self, now_ns: int) -> int:
        """Money left in the window that a time lies in."""
        assert self.budget is not None
        return self.budget.amount + (self._next() if self._over(now_ns) else self.carried - self.spent)

    def expected(self, now_ns: int) -> float:
        """Requests still expected in the window that a time lies in, those under way and the next one included."""
        budget, over = self.budget, self._over(now_ns)
        assert budget is not None
        if budget.requests:
            to_come = budget.requests - (0 if over else self.opened)
            least = budget.requests // _FLOOR_SHARE if budget.carry_over else 1
            return float(max(least, to_come) + self.under_way)
        if not over:
            begin, end, arrivals = self.begin, self.end, self.arrivals
        else:
            begin, end = budget.window(now_ns)
            arrivals = self.arrivals.after()
        place = max(0.0, (now_ns - begin) / (end - begin))
        return max(1.0, arrivals.still(place)) + self.under_way

    def _over(self, now_ns: int) -> bool:
        assert self.budget is not None
        return self.opened >= self.budget.requests if self.budget.requests else now_ns >= self.end

    def _next(self) -> int:
        """What passes on to the next window: at most one window's money, and all that was spent too much."""
        assert self.budget is not None
        left = self.budget.amount + self.carried - self.spent
        return min(left, self.budget.amount) if self.budget.carry_over else 0

    def _most(self) -> float:
        return _DEAREST * max(1_000.0, self.mean_price)

    # --- folding -------------------------------------------------------------------------------

    def open(self, time_ns: int) -> None:
        """A request came."""
        self._roll(time_ns)
        self.opened += 1
        self.under_way += 1
        if self.budget is not None and not self.budget.requests:
            self.arrivals.add(max(0.0, (time_ns - self.begin) / (self.end - self.begin)))

    def begin_at(self, worth: int, time_ns: int) -> None:
        """A request was bought at this worth; the first one is where steering begins."""
        if self.multiplier <= 0.0 and worth > 0:
            self.multiplier = worth / self.rho(time_ns)

    def bill(self, price: int, time_ns: int) -> None:
        """An attempt was billed."""
        if self.budget is not None and not self.budget.requests:
            self._roll(time_ns)
        self.spent += price

    def settle(self, outcome: OutcomeSettled, one: Opened, request: tuple[str, str], time_ns: int) -> None:
        """A request ended: a step."""
        self.under_way = max(0, self.under_way - 1)
        self.settled += 1
        if one.bids:
            weight = max(0.02, 1.0 / self.settled)
            self.mean_price += weight * (outcome.cost - self.mean_price)
        if outcome.status == "refused":
            self.refused += 1
        else:
            self.recent[request] = Told(outcome.probability, outcome.probability_source == "labelled")
            self.believed += outcome.probability
            if len(self.recent) > WINDOW:
                _, oldest = self.recent.popitem(last=False)
                self.believed -= oldest.probability
                self._count(oldest, -1)
        if self.multiplier <= 0.0:
            return
        if self.budget is not None:
            self._step_budget(outcome.cost, one, time_ns)
        elif outcome.status == "answered" and one.bids:
            # Where the cheapest bid was bought at more than the worth, steering further down would change nothing.
            least = max(1.0, min(self.multiplier, one.worth / 2))
            moved = self.multiplier * exp(_GAIN * (self.target - outcome.probability - self.bias))
            self.multiplier = min(self._most(), max(least, moved))

    def hear(self, request: tuple[str, str], right: float) -> None:
        """Somebody said how right an answer was; a later word takes the place of an earlier one."""
        one = self.recent.get(request)
        if one is not None:
            self._count(one, -1)
            one.right = right
            self._count(one, 1)

    def _count(self, one: Told, times: int) -> None:
        if one.right >= 0.0:
            self.told += times
            self.gap += times * (one.right - one.probability)

    def _step_budget(self, cost: int, one: Opened, time_ns: int) -> None:
        if not one.bids or self.left(time_ns) <= 0:
            return  # that it cost nothing does not say that it was worth too little
        step = max(_LAST_STEP, _FIRST_STEP * (10.0 / (self.settled + 9.0)) ** 0.5)
        times = min(_SPIKE, cost / self.rho(time_ns))
        self.multiplier = min(_MOST, max(_LEAST, self.multiplier * exp(step * (1.0 - times))))

    def _roll(self, time_ns: int) -> None:
        """Begin a new window where the old one is over."""
        if self.budget is None or not self._over(time_ns):
            return
        self.carried = self._next() if self.end or self.opened else 0
        self.spent = self.opened = 0
        if not self.budget.requests:
            self.arrivals = self.arrivals.after()
            self.begin, self.end = self.budget.window(time_ns)
            self.under_way = 0  # who was cancelled never settles, and would be waited for for ever

    def state(self) -> list[Any]:
        """All of it, as JSON has it."""
        return [
            self.multiplier, self.settled, self.refused, self.under_way, self.mean_price, self.believed, self.told,
            self.gap, [[*key, one.probability, one.labelled, one.right] for key, one in self.recent.items()],
            self.begin, self.end, self.opened, self.spent, self.carried, self.arrivals.state(),
        ]  # fmt: skip

    def restore(self, state: list[Any]) -> None:
        """Become what `state` said."""
        (
            self.multiplier, self.settled, self.refused, self.under_way, self.mean_price, self.believed, self.told,
            self.gap, recent, self.begin, self.end, self.opened, self.spent, self.carried, arrivals,
        ) = state  # fmt: skip
        self.recent.update({(tenant, request_id): Told(*one) for tenant, request_id, *one in recent})
        self.arrivals.restore(arrivals)

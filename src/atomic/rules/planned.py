"""What buying is worth under a response model: backward induction over the agreement states of a few bids.

Who is looked at hangs on no price of this round: the shortlist that was planned for the worth, and beside it at most
two bids that the model does not know yet, two whose price fell since it was fitted, and free ones. So a higher
price never raises a score, and taking away anybody else changes no award.

A bid's own word for this input (its claim, the confidence of its answer) moves its chances in every class by as much
log-odds as it moved its probability. A bid that the model does not know is taken for a mean one, as good as its record.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from atomic.belief.arithmetic import logit, sigmoid
from atomic.belief.counts import shrunk
from atomic.protocols import Valued
from atomic.records.award import Position, Slate, State
from atomic.records.bid import Bid
from atomic.records.responses import InDomain, Level, ResponseModel
from atomic.rules.classes import Bids, lifted, mean, odds, posterior
from atomic.rules.induction import Odds, Values, chances, induced
from atomic.rules.states import Floats, Structure, structure

MOST_BIDS, DEPTH, COUNTED_DEPTH = 7, 4, 3
_BESIDE, _CHEAPER, _MOST_FREE, _IN_PAIRS = 2, 0.8, 5, 4
_NEVER = 1e290
_KEPT = 128


def level_of(model: ResponseModel, worth: float) -> Level | None:
    """The level planned for the nearest worth, by ratio."""
    found, nearest = None, 0.0
    for one in model.levels:
        ratio = one.worth / max(1.0, worth)
        far = max(ratio, 1.0 / ratio)
        if found is None or far < nearest:
            found, nearest = one, far
    return found


def in_domain(model: ResponseModel, domain: str) -> InDomain:
    """The model in a domain, or in all of them where it has not seen that one."""
    return next((one for one in model.domains if one.domain == domain), model.domains[0])


def standing(state: State, model: ResponseModel) -> tuple[float, ...]:
    """How probably each group of the answers in hand is right, before calibration.

    As the states' counts have it where they were better for the state's worth, else as the hidden classes do.
    """
    if not state.answered:
        return ()
    level = level_of(model, state.worth)
    keys = [one.key for one in state.answered]
    if level is not None and _counts(level, keys):
        shape, found = _stored(level, state.domain)
        number, groups = shape.number({level.keys.index(one.key): one.group for one in state.answered})
        count = max(one.group for one in state.answered) + 1
        return tuple(float(found.right[number, groups[group]]) for group in range(count))
    here = in_domain(model, state.domain)
    bids = Bids(
        here.shares,
        tuple(_chances(model, here, one.key, one.probability, one.lift, known=True) for one in state.answered),
        model.popular,
        model.accident,
    )
    return posterior(bids, [one.group for one in state.answered])


def planned(position: Position, slate: Slate, model: ResponseModel) -> tuple[float, int, Sequence[Valued]]:
    """Probability (before calibration) and group of the standing answer, and the actions that are looked at."""
    level = level_of(model, position.terms.worth / (1.0 + position.shadow_price))
    now = standing(position.state, model)
    best, group = 0.0, -1
    for number, chance in enumerate(now):
        if chance > best:
            best, group = chance, number
    held = {one.key: one for one in position.state.answered}
    if len(held) < len(position.state.answered) or len(held) >= MOST_BIDS:
        return best, group, ()
    others = _beside(slate, model, level, held)
    short = () if level is None else level.keys
    bids = {bid.key: bid for bid in slate.bids if bid.key in short or bid.key in others}
    if not bids:
        return best, group, ()
    if level is not None and not others and _counts(level, list(held)):
        shape, found = _stored(level, position.state.domain)
        names: Sequence[str] = level.keys
    else:
        room = MOST_BIDS - len(held)
        wanted = [key for key in bids if key in short][: max(1, room - len(others))] + others
        bids = {key: bid for key, bid in bids.items() if key in wanted[:room]}
        names = sorted({*held, *bids})
        depth = max(min(DEPTH, len(names)), len(held) + 1)
        shape, found = _expected(position.state, model, names, bids, depth)
    search = _Search(position, shape, found, names, bids)
    return best, group, search.valued()


def _counts(level: Level, held: Sequence[str]) -> bool:
    return bool(level.seen) and len(held) <= COUNTED_DEPTH and all(key in level.keys for key in held)


def _beside(slate: Slate, model: ResponseModel, level: Level | None, held: dict[str, object] | object) -> list[str]:
    """Bids beside the shortlist: strangers, those that are cheaper than they were, and free ones."""
    price = dict(zip(model.keys, model.prices, strict=True))
    short = () if level is None else level.keys
    strange = [bid for bid in slate.bids if bid.key not in price or bid.evidence.changed > model.seq]
    strange.sort(key=lambda bid: (-bid.probability, bid.key))
    cheaper = [bid for bid in slate.bids if bid.key not in short and bid.price < _CHEAPER * price.get(bid.key, 0)]
    cheaper.sort(key=lambda bid: (-bid.probability, bid.key))
    found = {bid.key: None for bid in [*strange[:_BESIDE], *cheaper[:_BESIDE]]}
    found.update({bid.key: None for bid in _free(slate)})
    return [key for key in found if key not in short]


def _free(slate: Slate) -> list[Bid]:
    """Three and more bids that cost nothing, the most probable of each bidder: opinions to be had for the asking."""
    of_bidder: dict[str, Bid] = {}
    for bid in sorted(slate.bids, key=lambda one: (-one.probability, one.key)):
        if bid.price == 0 and bid.offer.ceiling == 0:
            of_bidder.setdefault(bid.offer.bidder, bid)
    free = sorted(list(of_bidder.values())[:_MOST_FREE], key=lambda one: one.key)
    return free if len(free) > 2 else []


def _chances(
    model: ResponseModel, here: InDomain, key: str, probability: float, lift: float, *, known: bool
) -> tuple[float, ...]:
    if known and key in model.keys:
        right = here.right[model.keys.index(key)]
        return lifted(here.shares, right, sigmoid(logit(mean(here.shares, right)) + lift)) if lift else right
    middle = []
    for number in range(len(here.shares)):
        total = 0.0
        for right in here.right:
            total += right[number]
        middle.append(total / len(here.right))
    return lifted(here.shares, middle, probability)


def lift_of(bid: Bid, probability: float, confidence: float | None = None) -> float:
    """By how much a bid's own word (its claim, its answer's confidence) moved its probability from its record."""
    if bid.offer.claim is None and confidence is None:
        return 0.0
    return logit(probability) - logit(max(bid.evidence.chance, shrunk(bid.evidence)[0]))


_Found = tuple[Structure, Odds, Floats]
_known: OrderedDict[tuple[int, str, tuple[str, ...], int], tuple[ResponseModel | Level, _Found]] = OrderedDict()


def _remembered(of: ResponseModel | Level, domain: str, names: tuple[str, ...], depth: int) -> _Found | None:
    entry = _known.get((id(of), domain, names, depth))
    return entry[1] if entry is not None and entry[0] is of else None


def _remember(of: ResponseModel | Level, domain: str, names: tuple[str, ...], depth: int, found: _Found) -> _Found:
    """What depends on nothing but a model that is never changed is worked out once."""
    _known[id(of), domain, names, depth] = (of, found)
    if len(_known) > _KEPT:
        _known.popitem(last=False)
    return found


def _stored(level: Level, domain: str) -> tuple[Structure, Odds]:
    found = _remembered(level, domain, level.keys, COUNTED_DEPTH)
    if found is None:
        seen = next((one for one in level.seen if one.domain == domain), level.seen[0])
        shape = structure(len(level.keys), COUNTED_DEPTH)
        given = Odds(np.array(seen.often), np.array(seen.right))
        found = _remember(level, domain, level.keys, COUNTED_DEPTH, (shape, given, chances(shape, given)))
    return found[0], found[1]


def _expected(
    state: State, model: ResponseModel, names: Sequence[str], bids: dict[str, Bid], depth: int
) -> tuple[Structure, Odds]:
    held = {one.key: one for one in state.answered}
    own = [bid for bid in bids.values() if bid.offer.claim is not None]
    plain = not own and all(key in model.keys for key in names) and not any(one.lift for one in held.values())
    plain = plain and all(bid.evidence.changed <= model.seq for bid in bids.values())
    if plain and (kept := _remembered(model, state.domain, tuple(names), depth)) is not None:
        return kept[0], kept[1]
    here = in_domain(model, state.domain)
    right = []
    for key in names:
        if key in held:
            right.append(_chances(model, here, key, held[key].probability, held[key].lift, known=True))
        else:
            bid = bids[key]
            lift = lift_of(bid, bid.probability)
            known = bid.evidence.changed <= model.seq
            right.append(_chances(model, here, key, bid.probability, lift, known=known))
    shape, found = odds(Bids(here.shares, tuple(right), model.popular, model.accident), depth)
    if plain:
        _remember(model, state.domain, tuple(names), depth, (shape, found, chances(shape, found)))
    return shape, found


class _Search:
    """One position's values: singles, pairs where waiting costs, and all free ones at once."""

    def __init__(
        self, position: Position, shape: Structure, found: Odds, names: Sequence[str], bids: dict[str, Bid]
    ) -> None:
        self._position, self._shape, self._bids = position, shape, bids
        self._money = 1.0 + position.shadow_price
        self._waiting = position.terms.latency_price / 1e9  # nano-USD per nanosecond
        self._number = {key: number for number, key in enumerate(names)}
        costs = np.full(len(names), _NEVER)
        for key, bid in bids.items():
            costs[self._number[key]] = self._money * bid.price + self._waiting * bid.latency_ns
        self._costs = costs
        self._moves = chances(shape, found)
        self._values: Values = induced(shape, found, self._moves, costs, float(position.terms.worth))
        answered = {self._number[one.key]: one.group for one in position.state.answered}
        self._root, _ = shape.number(answered)
        self._stop = float(self._values.stopping[self._root]) if answered else 0.0
        self._uses = tuple(sorted(bids))

    def valued(self) -> list[Valued]:
        found = []
        for key in self._uses:
            column = self._number[key]
            total = float(self._values.buying[self._root, column]) - float(self._costs[column])
            found.append(self._action((key,), total))
        if self._waiting > 0.0:
            best = sorted(found, key=lambda one: (-one.score, one.price, one.action))[:_IN_PAIRS]
            for keys in combinations(sorted(one.action[0] for one in best), 2):
                if self._fits(keys):
                    found.append(self._together(keys))
        free = [key for key in self._uses if self._bids[key].price == 0 and self._bids[key].offer.ceiling == 0]
        of_bidder = {self._bids[key].offer.bidder: key for key in sorted(free, key=self._likely)}
        at_once = tuple(sorted(of_bidder.values(), key=lambda key: (-self._bids[key].probability, key))[:_MOST_FREE])
        if len(at_once) > 2:
            found.append(self._together(tuple(sorted(at_once[: self._shape.depth - self._held()]))))
        return found

    def _likely(self, key: str) -> tuple[float, str]:
        return self._bids[key].probability, key

    def _held(self) -> int:
        return len(self._position.state.answered)

    def _fits(self, keys: Sequence[str]) -> bool:
        offers = [self._bids[key].offer for key in keys]
        ceilings = sum(offer.ceiling for offer in offers)
        apart = len({offer.bidder for offer in offers}) == len(offers)
        return apart and self._position.spent + ceilings <= self._position.terms.max_price

    def _together(self, keys: tuple[str, ...]) -> Valued:
        """Several at once: all their prices, but the waiting of the slowest only."""
        slowest = max(self._bids[key].latency_ns for key in keys)
        cost = self._money * sum(self._bids[key].price for key in keys) + self._waiting * slowest
        return self._action(keys, self._after(self._root, [self._number[key] for key in keys]) - cost)

    def _after(self, state: int, columns: Sequence[int]) -> float:
        if not columns:
            return float(self._values.worth[state])
        total = 0.0
        for then, chance in zip(self._shape.after[state, columns[0]], self._moves[state, columns[0]], strict=True):
            if chance > 0.0 and then < len(self._shape.members):
                total += float(chance) * self._after(int(then), columns[1:])
        return total

    def _action(self, keys: tuple[str, ...], total: float) -> Valued:
        score = total - self._stop
        whole = int(score + 0.5) if score >= 0.0 else -int(0.5 - score)
        return Valued(keys, max(-(1 << 62), whole), sum(self._bids[key].price for key in keys), self._uses)

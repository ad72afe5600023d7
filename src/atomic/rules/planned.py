"""What buying is worth under a response model: backward induction over the agreement states of a few bids.

Who is looked at hangs on no price of this round: the shortlist that was planned for the worth, and beside it at most
two bids that the model does not know yet, two whose price fell since it was fitted, and free ones. So a higher
price never raises a score, and taking away anybody else changes no award.

A bid's own word for this input (its claim, the confidence of its answer) moves its chances in every class by as much
log-odds as it moved its probability. A bid that the model does not know is taken for a mean one, as good as its record.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Mapping, Sequence

import numpy as np

from atomic.belief.arithmetic import logit, sigmoid
from atomic.belief.counts import shrunk
from atomic.belief.responses import guess
from atomic.protocols import Valued
from atomic.records.award import Position, Slate, State
from atomic.records.bid import Bid
from atomic.records.responses import InDomain, Level, ResponseModel
from atomic.rules.classes import Bids, lifted, mean, odds, posterior
from atomic.rules.induction import Odds, chances
from atomic.rules.search import MOST_FREE, Search
from atomic.rules.shortlist import tells
from atomic.rules.states import Floats, Structure, structure

MOST_BIDS, MOST_AT_FIRST = 7, 10  # names in a search; at first more of them, one step less deep
DEPTH, COUNTED_DEPTH = 4, 3
_BESIDE, _CHEAPER = 2, 0.8
_KEPT = 64


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
    if level is not None and _counts(level, state.domain, keys):
        shape, found, _ = _stored(level, state.domain)
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
    slate = _telling(slate, model, in_domain(model, position.state.domain))
    short = () if level is None else level.keys
    bids = {bid.key: bid for bid in slate.bids if bid.key in short and bid.key not in held}
    usual = _usual([bid for bid in slate.bids if bid.key in short], dict(zip(model.keys, model.prices, strict=True)))
    beside = {one: tuple(_beside(slate, model, short, held, one)) for one in dict.fromkeys(usual.values())}
    valued: list[Valued] = []
    for others in dict.fromkeys(beside.values()):
        if bids or others:
            search = _search(position, slate, model, level, bids, others)
            valued += [one for one in search.valued() if beside[usual[_decisive(one.action, bids)]] == others]
    return best, group, valued


def _decisive(action: Sequence[str], short: Container[str]) -> str:
    """Whose own price may not say who else is looked at; nobody's where several are bought or it is on no shortlist."""
    return action[0] if len(action) == 1 and action[0] in short else ""


def _search(
    position: Position,
    slate: Slate,
    model: ResponseModel,
    level: Level | None,
    bids: Mapping[str, Bid],
    others: Sequence[str],
) -> Search:
    """Among the bids of the shortlist and these others."""
    held = list(dict.fromkeys(one.key for one in position.state.answered))
    if level is not None and not others and _counts(level, position.state.domain, held):
        shape, found, moves = _stored(level, position.state.domain)
        return Search(position, shape, found, moves, level.keys, dict(bids))
    room = (MOST_BIDS if len(held) > 1 else MOST_AT_FIRST) - len(held)
    wanted = [*sorted(bids, key=lambda key: (-bids[key].probability, key)), *others][:room]
    among = {bid.key: bid for bid in slate.bids if bid.key in wanted}
    names = sorted({*held, *among})
    depth = max(DEPTH if len(names) <= MOST_BIDS else DEPTH - 1, len(held) + 1)
    return Search(position, *_expected(position.state, model, names, among, depth), names, among)


def _telling(slate: Slate, model: ResponseModel, here: InDomain) -> Slate:
    """The slate without bids that are hardly better here than a guess: see `shortlist.tells`."""
    means = {key: mean(here.shares, right) for key, right in zip(model.keys, here.right, strict=True)}
    enough = tells(max(means.values()), guess(model.accident))

    def chance(bid: Bid) -> float:
        if bid.key not in means or bid.evidence.changed > model.seq:
            return bid.probability
        lift = lift_of(bid, bid.probability)
        return sigmoid(logit(means[bid.key]) + lift) if lift else means[bid.key]

    bids = tuple(bid for bid in slate.bids if chance(bid) >= enough)
    return slate if len(bids) == len(slate.bids) else Slate(bids=bids, no_bids=slate.no_bids)


def _counts(level: Level, domain: str, held: Sequence[str]) -> bool:
    few = len(set(held)) == len(held) <= COUNTED_DEPTH and all(key in level.keys for key in held)
    return few and any(one.domain == domain for one in level.seen)


def _beside(slate: Slate, model: ResponseModel, short: Sequence[str], held: Container[str], usual: float) -> list[str]:
    """Bids beside the shortlist: strangers, those that are cheaper than they were, and free ones."""
    price = dict(zip(model.keys, model.prices, strict=True))
    strange = [bid for bid in slate.bids if bid.key not in price or bid.evidence.changed > model.seq]
    strange.sort(key=lambda bid: (-bid.probability, bid.key))
    known = [bid for bid in slate.bids if bid.key not in short and bid not in strange]
    cheaper = [bid for bid in known if bid.price < _CHEAPER * usual * price.get(bid.key, 0)]
    cheaper.sort(key=lambda bid: (-bid.probability, bid.key))
    found = {bid.key: None for bid in [*strange[:_BESIDE], *cheaper[:_BESIDE]]}
    found.update({bid.key: None for bid in _free(known)})
    return [key for key in found if key not in short and key not in held]


def _usual(bids: Sequence[Bid], planned: Mapping[str, int]) -> dict[str, float]:
    """What this input costs beside what was planned with: long ones are dearer with everybody.

    By the shortlist without each of its bids in turn, since who asks more may not make others look cheap beside it; ""
    leaves nobody out.
    """
    ratios = {bid.key: bid.price / planned[bid.key] for bid in bids if planned.get(bid.key, 0) > 0}
    found = {}
    for but in ("", *(bid.key for bid in bids)):
        others = sorted(ratio for key, ratio in ratios.items() if key != but)
        found[but] = others[len(others) // 2] if others else 1.0
    return found


def _free(bids: Sequence[Bid]) -> list[Bid]:
    """Bids that cost nothing, the most probable of each bidder: opinions to be had for the asking."""
    of_bidder: dict[str, Bid] = {}
    for bid in sorted(bids, key=lambda one: (-one.probability, one.key)):
        if bid.price == 0 and bid.offer.ceiling == 0:
            of_bidder.setdefault(bid.offer.bidder, bid)
    return sorted(list(of_bidder.values())[:MOST_FREE], key=lambda one: one.key)


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
    """By how much words (a bid's claim, its answer's confidence, validators' on it) moved its probability from its
    record."""
    if bid.offer.claim is None and confidence is None and probability == bid.probability:
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


def _stored(level: Level, domain: str) -> _Found:
    found = _remembered(level, domain, level.keys, COUNTED_DEPTH)
    if found is None:
        seen = next(one for one in level.seen if one.domain == domain)
        shape = structure(len(level.keys), COUNTED_DEPTH)
        given = Odds(np.array(seen.often), np.array(seen.right))
        found = _remember(level, domain, level.keys, COUNTED_DEPTH, (shape, given, chances(shape, given)))
    return found


def _expected(state: State, model: ResponseModel, names: Sequence[str], bids: dict[str, Bid], depth: int) -> _Found:
    held = {one.key: one for one in state.answered}
    own = [bid for bid in bids.values() if bid.offer.claim is not None]
    plain = not own and all(key in model.keys for key in names) and not any(one.lift for one in held.values())
    plain = plain and all(bid.evidence.changed <= model.seq for bid in bids.values())
    if plain and (kept := _remembered(model, state.domain, tuple(names), depth)) is not None:
        return kept
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
    made = shape, found, chances(shape, found)
    return _remember(model, state.domain, tuple(names), depth, made) if plain else made

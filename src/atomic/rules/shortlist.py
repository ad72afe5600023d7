"""Models of agreement as a planner uses them: odds of states for a few bids, policies, and what a policy comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from atomic.belief.lines import Lines
from atomic.records.responses import InDomain, Seen
from atomic.rules.classes import Bids, odds
from atomic.rules.induction import Odds, Values, chances, induced
from atomic.rules.states import Flags, Floats, Ints, Structure, structure

_CANDIDATES = 10  # bids among which a shortlist is looked for
_SHALLOW = 3
Chance = TypeVar("Chance", float, Floats)
_TELLS = 0.2  # of the way from a guess to the best bid


class Expectation(Protocol):
    """Something that says what answers to expect."""

    def odds(self, keys: Sequence[int], depth: int, domain: int) -> tuple[Structure, Odds]:
        """Of the bids with these numbers, in one domain."""
        ...


class Classes:
    """Hidden classes, as fitted."""

    def __init__(self, domains: Sequence[InDomain], popular: tuple[float, ...], accident: float) -> None:
        self._domains, self._popular, self._accident = domains, popular, accident

    def odds(self, keys: Sequence[int], depth: int, domain: int) -> tuple[Structure, Odds]:
        """See `Expectation`."""
        here = self._domains[domain]
        bids = Bids(here.shares, tuple(here.right[one] for one in keys), self._popular, self._accident)
        return odds(bids, depth)


_PRIOR_OFTEN, _PRIOR_RIGHT = 1.0, 2.0  # line-ups that the classes count for beside what was seen
_OTHERS = 60.0  # line-ups that all domains together count for beside a domain's own


class Counted:
    """What was seen of the states, in the domain and beside it in all of them, over what another model expects."""

    def __init__(self, found: Lines, prior: Expectation) -> None:
        self._found, self._prior = found, prior
        self._last: tuple[tuple[int, ...], int, list[Odds]] | None = None

    def seen(self, keys: Sequence[int], depth: int) -> list[Odds]:
        """Of each domain in turn."""
        shape = structure(len(keys), depth)
        at = stands(shape, self._found.said[:, list(keys)])
        rights, weights = self._found.right[:, list(keys)], self._found.alone[:, list(keys)]
        judged = ~np.isnan(rights)
        domains, states, widest = len(self._found.domains), len(shape.names), shape.groups.shape[1]
        often = np.zeros((domains, states))
        known, hits = np.zeros((domains, states, widest)), np.zeros((domains, states, widest))
        whole = self._found.at_once
        for mask, where in at.items():
            there = where >= 0
            np.add.at(often, (self._found.domain[there & whole], where[there & whole]), 1.0)
            for bid in (bid for bid in range(len(keys)) if mask >> bid & 1):
                rows = there & judged[:, bid]
                group = _group_of(shape, bid)[where[rows]]
                size = shape.sizes[where[rows], group]
                np.add.at(known, (self._found.domain[rows], where[rows], group), weights[rows, bid] / size)
                np.add.at(
                    hits, (self._found.domain[rows], where[rows], group), weights[rows, bid] * rights[rows, bid] / size
                )
        return self._smoothed(keys, depth, often, known, hits)

    def _smoothed(self, keys: Sequence[int], depth: int, often: Floats, known: Floats, hits: Floats) -> list[Odds]:
        found = []
        others = _OTHERS / max(1.0, float(self._found.at_once.sum()))
        told = _OTHERS / max(1.0, float(self._found.judged.sum()))
        for domain in range(len(often)):
            _, prior = self._prior.odds(keys, depth, domain)
            weight = known[domain] + told * known.sum(axis=0) + _PRIOR_RIGHT
            right = (hits[domain] + told * hits.sum(axis=0) + _PRIOR_RIGHT * prior.right) / weight
            seen = often[domain] + others * often.sum(axis=0) + _PRIOR_OFTEN * prior.often
            found.append(Odds(seen, np.where(prior.right > 0.0, np.minimum(right, 0.999), 0.0)))
        return found

    def odds(self, keys: Sequence[int], depth: int, domain: int) -> tuple[Structure, Odds]:
        """See `Expectation`. Counting is for all domains at once, so it is done once for each set of bids."""
        if self._last is None or self._last[:2] != (tuple(keys), depth):
            self._last = tuple(keys), depth, self.seen(keys, depth)
        return structure(len(keys), depth), self._last[2][domain]


def _group_of(shape: Structure, bid: int) -> Ints:
    """The group that a bid's answer fell into, by state; 0 where it has not answered."""
    inside = (shape.groups >> bid) & 1
    return np.asarray(inside.argmax(axis=1))


def stands(shape: Structure, said: Ints) -> dict[int, Ints]:
    """For every set of bids (as bits) the state that each row is in once they answered; -1 where one has no answer."""
    at = {0: np.zeros(len(said), dtype=np.int64)}
    for size in range(1, shape.depth + 1):
        for mask in (mask for mask in range(1 << shape.bids) if mask.bit_count() == size):
            last = mask.bit_length() - 1
            before, rest = at[mask ^ (1 << last)], mask ^ (1 << last)
            group = np.zeros(len(said), dtype=np.int64)
            taken = np.zeros(len(said), dtype=np.bool_)
            for bid in (bid for bid in range(last) if rest >> bid & 1):
                same = (said[:, bid] == said[:, last]) & ~taken
                group = np.where(same, _group_of(shape, bid)[before], group)
                taken |= same
            fresh = (shape.sizes > 0).sum(axis=1)[before]
            group = np.where(taken, group, fresh)
            ok = (before >= 0) & (said[:, last] >= 0)
            at[mask] = np.where(ok, shape.after[before, last, np.minimum(group, shape.after.shape[2] - 1)], -1)
    return at


@dataclass(frozen=True, slots=True)
class Policy:
    """What to buy among a few bids, by domain and state (-1: stop), and which group to believe in."""

    keys: tuple[int, ...]
    shape: Structure
    buys: Ints  # domains by states
    believes: Ints
    surely: Floats  # how probably that group is right


def policy(model: Expectation, keys: Sequence[int], depth: int, costs: Floats, worth: float) -> Policy:
    """The best one under a model; `costs` are domains by all bids."""
    buys, believes, surely = [], [], []
    shape = structure(len(keys), depth)
    for domain in range(len(costs)):
        shape, found = model.odds(keys, depth, domain)
        values = induced(shape, found, chances(shape, found), costs[domain][list(keys)], worth)
        buys.append(values.best(costs[domain][list(keys)]))
        believes.append(found.right.argmax(axis=1))
        surely.append(found.right.max(axis=1))
    return Policy(tuple(keys), shape, np.array(buys), np.array(believes), np.array(surely))


def shortlist(
    model: Expectation,
    costs: Floats,
    weights: Floats,
    quality: Floats,
    worth: float,
    count: int,
    asked: Flags | None = None,
) -> tuple[int, ...]:
    """The bids that matter at a worth: those that the best policy of depth 3 buys most often, over all domains.

    `weights` are shares of the domains; `quality` how often each bid is right in all; `asked` whom to look at (None:
    everybody).
    """
    mean = (costs * weights[:, None]).sum(axis=0)
    among = candidates(quality, mean, worth, asked)
    met, worths = np.zeros(len(among)), np.zeros(len(among))
    for domain in np.argsort(-weights, kind="stable")[:_CANDIDATES]:
        shape, found = model.odds(among, _SHALLOW, int(domain))
        moves = chances(shape, found)
        own = costs[domain][list(among)]
        values = induced(shape, found, moves, own, worth)
        met += weights[domain] * _met(shape, moves, values, own)
        worths += weights[domain] * (values.buying[0] - own)
    order = [int(one) for one in np.argsort(-met, kind="stable") if met[one] > 0]
    order += [int(one) for one in np.argsort(-worths, kind="stable") if int(one) not in order]
    return tuple(sorted(among[one] for one in order[:count]))


def tells(best: Chance, guess: float) -> Chance:
    """How often a bid must be right for its answer to tell anything, beside the best one.

    All who are wrong are thought to give the popular wrong answer alike. Who guesses does not, so that agreeing with it
    would seem to say that an answer is wrong, and be bought for that.

    >>> round(tells(0.7, 0.1), 3)
    0.22
    """
    return guess + _TELLS * (best - guess)


def candidates(quality: Floats, prices: Floats, worth: float, asked: Flags | None = None) -> tuple[int, ...]:
    """Few bids of many: best by one step, most often right, and cheapest."""
    chosen: dict[int, None] = {}
    for ranking, most in (
        (np.argsort(prices - worth * quality, kind="stable"), 5),
        (np.argsort(-quality, kind="stable"), 3),
        (np.argsort(prices, kind="stable"), 2),
        (np.argsort(prices - worth * quality, kind="stable"), _CANDIDATES),
    ):
        for one in ranking[:most] if asked is None else ranking[asked[ranking]][:most]:
            if len(chosen) < _CANDIDATES:
                chosen[int(one)] = None
    return tuple(sorted(chosen))


def _met(shape: Structure, moves: Floats, values: Values, costs: Floats) -> Floats:
    """How often each bid is bought under the best policy."""
    buys = values.best(costs)
    reached = np.zeros(len(shape.names) + 1)
    reached[0] = 1.0
    met = np.zeros(shape.bids)
    for level in shape.levels[:-1]:
        for state in level:
            if reached[state] > 0.0 and buys[state] >= 0:
                bid = int(buys[state])
                met[bid] += reached[state]
                np.add.at(reached, shape.after[state, bid], reached[state] * moves[state, bid])
    return met


@dataclass(frozen=True, slots=True)
class Played:
    """What a policy came to on line-ups in which everybody answered: per row right, price and answers bought."""

    right: Floats
    price: Floats
    surely: Floats
    answers: Ints


def play(found: Policy, items: Lines) -> Played:
    """A policy on items of which every answer is known. Who has no answer was paid and is not asked again: the policy
    goes on as if it had said something that nobody else says."""
    keys = list(found.keys)
    said = items.said[:, keys].copy()
    for column in range(len(keys)):
        silent = said[:, column] < 0
        said[silent, column] = 1_000_000 + column
    rights, prices = np.nan_to_num(items.right[:, keys]), np.nan_to_num(items.price[:, keys])
    at = stands(found.shape, said)
    rows = np.arange(len(said))
    state, mask = np.zeros(len(said), dtype=np.int64), np.zeros(len(said), dtype=np.int64)
    price, answers = np.zeros(len(said)), np.zeros(len(said), dtype=np.int64)
    table = np.full((1 << len(keys), len(said)), -1, dtype=np.int64)
    for bits, where in at.items():
        table[bits] = where
    for _ in range(found.shape.depth):
        buys = found.buys[items.domain, state]
        going = buys >= 0
        if not going.any():
            break
        bid = np.maximum(buys, 0)
        price += np.where(going, prices[rows, bid], 0.0)
        answers += going
        mask = np.where(going, mask | (1 << bid), mask)
        state = table[mask, rows]
    group = found.believes[items.domain, state]
    right, count = np.zeros(len(said)), np.zeros(len(said))
    for column in range(len(keys)):
        inside = (found.shape.groups[state, group] >> column) & 1 == 1
        right += np.where(inside, rights[:, column], 0.0)
        count += inside
    surely = np.where(answers > 0, found.surely[items.domain, state], 0.0)
    return Played(right / np.maximum(count, 1), price, surely, answers)


def stored_counts(seen: Sequence[Odds], domains: Sequence[str]) -> tuple[Seen, ...]:
    """Counts as they are stored: four digits."""
    return tuple(
        Seen(
            domain=name,
            often=tuple(float(f"{one:.5g}") for one in found.often),
            right=tuple(tuple(float(f"{one:.4g}") for one in row) for row in found.right),
        )
        for name, found in zip(domains, seen, strict=True)
    )

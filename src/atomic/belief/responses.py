"""Fitting the latent-class response model to line-ups by expectation and maximisation (formula: rules/classes.py).

What is fitted is stored by its content and never computed again for a replay, so it may use a library's sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atomic.belief.lines import Floats, Lines
from atomic.records.responses import InDomain

ACCIDENT = 0.02  # how often two who are wrong agree by accident, where any answer is possible
_TURNS, _TWO = 60, 2
_PSEUDO_DOMAIN, _PSEUDO_RIGHT, _PSEUDO_POPULAR = 20.0, 2.0, 1.0
_WHOLE_WEIGHT, _OWN_WEIGHT = (
    30.0,
    15.0,
)  # judged answers that count as much as what agreement says, in all and in a domain
_LEAST, _MOST = 1e-3, 1.0 - 1e-3
_LARGEST = 600.0  # exponent that a float can still hold


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit found. Shapes: `right` bids by classes, `shares` domains by classes, `popular` classes."""

    right: Floats
    shares: Floats
    whole: Floats
    popular: Floats
    accident: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to fit: hidden classes, whether labels say which group is right, and what is thought of popular wrong answers
    before (a mean, worth so many wrong answers)."""

    classes: int = 5
    labels: bool = True
    popular: float = 0.3
    popular_weight: float = _PSEUDO_POPULAR


class _Groups:
    """The groups of equal answers in each row, padded: who is in them, how many they are, which may be right.

    A word of weight w leaves of what it says is not so the share 1 - w: `may` has that share (the last: none is right).
    """

    def __init__(self, found: Lines, labels: bool) -> None:
        said = found.said
        self.count = max(1, int(said.max(initial=-1)) + 1)
        self.member = (said[:, :, None] == np.arange(self.count)).astype(np.float64)
        self.size = self.member.sum(axis=1)
        self.there = self.size > 0
        self.answered = (said >= 0).astype(np.float64)
        self.may = np.concatenate([self.there, np.ones((len(said), 1))], axis=1).astype(np.float64)
        if labels:
            known = ~np.isnan(found.right)
            judged = np.einsum("nmg,nm->ng", self.member, known)
            rights = np.einsum("nmg,nm->ng", self.member, np.nan_to_num(found.right)) / np.maximum(judged, 1)
            wrong = (judged > 0) & (rights < 0.5)
            hit = (judged > 0) & (rights >= 0.5)
            word = (self.member * found.word[:, :, None]).max(axis=1)
            self.may[:, :-1] *= np.where(wrong, 1.0 - word, 1.0)
            heard = np.where(hit, word, 0.0).max(axis=1)
            self.may[:, :-1] *= np.where(hit, 1.0, 1.0 - heard[:, None])
            self.may[:, -1] *= 1.0 - heard
        with np.errstate(divide="ignore"):
            self.log_may = np.log(self.may)


def fit(found: Lines, alternatives: int, recipe: Recipe) -> Fitted:
    """The response model of most likelihood, from a start that is the same for the same line-ups.

    `alternatives` is the number of possible answers (0: any). A few tenths of a second for 2,000 line-ups of 15.
    """
    groups = _Groups(found, recipe.labels)
    accident = 1.0 / (alternatives - 1) if alternatives > 1 else ACCIDENT
    rows = len(found.said)
    turn = _Turn(found, groups, accident, recipe)
    share = groups.size.max(axis=1) / np.maximum(1.0, groups.answered.sum(axis=1))
    cuts = np.quantile(share, np.linspace(0, 1, recipe.classes + 1)[1:-1])
    start = np.full((rows, recipe.classes), 0.1 / recipe.classes)
    start[np.arange(rows), np.searchsorted(cuts, share)] += 0.9
    start /= start.sum(axis=1, keepdims=True)
    most = np.where(groups.may[:, :-1] > 0.5, groups.size, -1.0)
    truth = np.zeros((rows, groups.count + 1))
    none = most.max(axis=1) <= 0
    truth[np.arange(rows), np.where(none, groups.count, most.argmax(axis=1))] = 1.0
    post = truth[:, :, None] * start[:, None, :]
    only = alternatives == _TWO  # then all who are wrong say the same
    popular = np.full(recipe.classes, _MOST if only else recipe.popular)
    model = turn.maximised(post, popular)
    for _ in range(_TURNS):
        post, found_popular = turn.expected(model)
        model = turn.maximised(post, popular if only else found_popular)
    return model


class _Turn:
    """One turn of the algorithm, with what does not change between turns."""

    def __init__(self, found: Lines, groups: _Groups, accident: float, recipe: Recipe) -> None:
        self.found, self.groups, self.accident, self.recipe = found, groups, accident, recipe
        self.in_domain = found.domain[None, :] == np.arange(len(found.domains))[:, None]

    def maximised(self, post: Floats, popular: Floats) -> Fitted:
        """Shares and chances that explain a posterior of truth and class (rows by groups and none by classes)."""
        groups = self.groups
        by_class = post.sum(axis=1)
        hits = np.einsum("nmg,ngz->mz", groups.member, post[:, :-1])
        asked = groups.answered.T @ by_class
        mean = hits.sum(axis=1) / np.maximum(1e-9, asked.sum(axis=1))
        right = (hits + _PSEUDO_RIGHT * mean[:, None]) / (asked + _PSEUDO_RIGHT)
        whole = by_class.sum(axis=0) / max(1, len(by_class))
        counts = self.in_domain @ by_class
        shares = (counts + _PSEUDO_DOMAIN * whole) / (counts.sum(axis=1, keepdims=True) + _PSEUDO_DOMAIN)
        return Fitted(np.clip(right, _LEAST, _MOST), shares, whole, popular, self.accident)

    def expected(self, model: Fitted) -> tuple[Floats, Floats]:
        """The posterior of truth and class under a model, and how often who is wrong gives the popular answer."""
        groups, size, there = self.groups, self.groups.size, self.groups.there[:, :, None]
        hit, miss = np.log(model.right), np.log(1.0 - model.right)
        odd = np.einsum("nmg,mz->ngz", groups.member, hit - miss)
        apart = size[:, :, None] * np.log(1.0 - model.popular) + (np.maximum(size, 1) - 1)[:, :, None] * np.log(
            self.accident
        )
        apart = np.where(there, apart, 0.0)
        ratio = np.where(there, np.exp(np.minimum(size[:, :, None] * np.log(model.popular) - apart, _LARGEST)), 0.0)
        all_apart, ratios = apart.sum(axis=1), ratio.sum(axis=1)
        rest = 1.0 + _others(ratio)
        joint = np.empty((len(size), groups.count + 1, model.right.shape[1]))
        joint[:, :-1] = odd + all_apart[:, None] - apart + np.log(rest)
        joint[:, -1] = all_apart + np.log(1.0 + ratios)
        joint += (groups.answered @ miss)[:, None] + np.log(model.shares[self.found.domain])[:, None]
        joint += groups.log_may[:, :, None]
        joint -= joint.max(axis=(1, 2), keepdims=True)
        post = np.exp(joint)
        post /= post.sum(axis=(1, 2), keepdims=True)
        share = post[:, :-1] / rest
        elsewhere = _others(share) + (post[:, -1] / (1.0 + ratios))[:, None]
        followed = (ratio * elsewhere * size[:, :, None]).sum(axis=(0, 1))
        wrong = ((_others(post[:, :-1]) + post[:, -1:]) * size[:, :, None]).sum(axis=(0, 1))
        weight = self.recipe.popular_weight
        return post, np.clip((followed + weight * self.recipe.popular) / (wrong + weight), 0.02, 0.95)


def _others(values: Floats) -> Floats:
    """Of each group the sum of all others', without taking large numbers from each other."""
    before, after = np.zeros_like(values), np.zeros_like(values)
    before[:, 1:] = np.cumsum(values[:, :-1], axis=1)
    after[:, :-1] = np.cumsum(values[:, :0:-1], axis=1)[:, ::-1]
    return before + after


def by_domain(found: Lines, model: Fitted) -> Floats:
    """How often each bid is right in each domain (domains by bids): of what was judged as it was judged, of the rest as
    the classes say, put right by how far agreement was off where somebody judged, over all domains and then in the
    domain. With J judged and U unjudged answers of a bid in a domain:

        right(m, d)  = (sum over judged of right + (U + 15) put(m, d)) / (J + U + 15)
        put(m, d)    = sum over z of pi(z, d) t(m, z) + off(m) + off(m, d)
        off(m)       = sum over judged of (right - P) / (n + 30),    off(m, d) the same of what off(m) leaves, with 15
        P            = P(m right | who agrees, nothing judged)

    After prediction-powered inference (Angelopoulos et al. 2023): what is judged corrects, and need not tell it all.
    """
    groups = _Groups(found, labels=False)
    post, _ = _Turn(found, groups, model.accident, Recipe()).expected(model)
    thought = np.einsum("nmg,ng->nm", groups.member, post[:, :-1].sum(axis=2))
    within = (found.domain[None, :] == np.arange(len(found.domains))[:, None]).astype(np.float64)
    said = model.shares @ model.right.T
    answered, rights = found.said >= 0, np.nan_to_num(found.right)
    weights = np.where(~np.isnan(found.right) & answered, found.alone, 0.0)
    off = weights * (rights - thought)
    everywhere = off.sum(axis=0) / (weights.sum(axis=0) + _WHOLE_WEIGHT)
    count = within @ weights
    here = (within @ off - count * everywhere) / (count + _OWN_WEIGHT)
    rest = within @ (answered - weights) + _OWN_WEIGHT
    put = said + everywhere + here
    right = (within @ (weights * rights) + rest * put) / (count + rest)
    return np.asarray(np.clip(right, guess(model.accident), 0.99))


def guess(accident: float) -> float:
    """How often a guess is right, if two who are wrong agree by accident so often: nobody is thought worse than that.

    >>> round(guess(1 / 9), 9), guess(1.0)
    (0.1, 0.5)
    """
    return accident / (1.0 + accident)


def told(model: Fitted, chances: Floats, domains: tuple[str, ...]) -> tuple[InDomain, ...]:
    """The model in each domain, with every bid's chances moved in log-odds to what it is right there in all; then of
    all domains together (name "")."""
    every = {"": InDomain(domain="", shares=_plain(model.whole), right=tuple(_plain(one) for one in model.right))}
    for number, name in enumerate(domains):
        moved = _moved(model.right, model.shares[number], chances[number])
        every[name] = InDomain(
            domain=name, shares=_plain(model.shares[number]), right=tuple(_plain(one) for one in moved)
        )
    return tuple(every.values())


def _moved(right: Floats, shares: Floats, wanted: Floats) -> Floats:
    at, shift = np.log(right / (1.0 - right)), np.zeros(len(right))
    for _ in range(12):
        now = 1.0 / (1.0 + np.exp(-(at + shift[:, None])))
        slope = np.maximum((now * (1.0 - now)) @ shares, 1e-3)
        shift -= np.clip((now @ shares - wanted) / slope, -1.0, 1.0)
    return np.clip(1.0 / (1.0 + np.exp(-(at + shift[:, None]))), _LEAST, _MOST)


def _plain(values: Floats) -> tuple[float, ...]:
    """Numbers as they are stored: seven digits."""
    return tuple(float(f"{one:.7g}") for one in values)

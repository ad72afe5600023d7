"""Trying models of agreement on items left out, and taking for each worth the one whose policy comes to most."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atomic.belief.lines import Flags, Lines
from atomic.belief.lineups import Name
from atomic.belief.responses import Fitted, Recipe, by_domain, fit, guess, told
from atomic.rules.shortlist import Classes, Counted, Expectation, play, policy, shortlist, tells
from atomic.rules.states import Floats, Ints

SHORTLIST, DEPTH = 6, 4
COUNTED, COUNTED_DEPTH = 5, 3
COUNTS = "counts"
LEAST_ROWS = 20
_FOLDS = 2
_SHRINKAGE = 5.0

Settling = tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """A model fitted to some line-ups, with what a policy needs beside it."""

    fitted: Fitted
    chances: Floats
    classes: Classes
    costs: Floats
    weights: Floats
    quality: Floats


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy came to on items left out: right less price over worth, answers, how sure it was, right."""

    gain: Floats
    answers: Ints
    surely: Floats
    right: Floats

    @classmethod
    def of(cls, parts: Sequence[Tried]) -> Tried:
        """Several as one."""
        return cls(
            np.concatenate([one.gain for one in parts]),
            np.concatenate([one.answers for one in parts]),
            np.concatenate([one.surely for one in parts]),
            np.concatenate([one.right for one in parts]),
        )


def learn(found: Lines, alternatives: int, recipe: Recipe) -> Learned:
    """What line-ups teach."""
    fitted = fit(found, alternatives, recipe)
    chances = by_domain(found, fitted)
    in_domains = told(fitted, chances, found.domains)
    by_name = {one.domain: one for one in in_domains}
    classes = Classes(
        [by_name[name] for name in found.domains], tuple(float(one) for one in fitted.popular), fitted.accident
    )
    weights = np.bincount(found.domain, minlength=len(found.domains)) / len(found.domain)
    whole = np.nan_to_num(np.nanmean(found.price, axis=0))
    asked = ~np.isnan(found.price)
    costs = np.array(
        [
            (np.nan_to_num(found.price[rows]).sum(axis=0) + _SHRINKAGE * whole) / (asked[rows].sum(axis=0) + _SHRINKAGE)
            for rows in (found.domain == number for number in range(len(found.domains)))
        ]
    )
    return Learned(fitted, chances, classes, costs, weights, (chances * weights[:, None]).sum(axis=0))


def short(model: Expectation, learned: Learned, worth: int, by_counts: bool) -> tuple[int, ...]:
    """The bids that a worth is planned with."""
    count = COUNTED if by_counts else SHORTLIST
    enough = tells(learned.chances.max(axis=1), guess(learned.fitted.accident))
    asked = np.asarray((learned.chances >= enough[:, None]).any(axis=0))
    return shortlist(model, learned.costs, learned.weights, learned.quality, float(worth), count, asked)


def _fold_of(names: Sequence[Name]) -> Ints:
    """Which fold a line-up is left out in, by the hash of its request."""
    return np.array([hashlib.sha256("/".join(name).encode()).digest()[0] % _FOLDS for name in names])


def tried(
    found: Lines,
    alternatives: int,
    worths: Sequence[int],
    rows: Flags,
    names: Sequence[Name],
    recipes: dict[str, Recipe],
) -> tuple[dict[int, str], Settling]:
    """For each worth the model to use, and how the probabilities of those chosen came true.

    The first of `recipes` is kept unless another's policy, with those of the neighbouring worths, came to more on items
    left out by over one standard error of the paired difference: among few judged items the most is mostly luck.
    """
    folds = _fold_of(names)
    parts: dict[str, list[list[Tried]]] = {one: [[] for _ in worths] for one in (*recipes, COUNTS)}
    for fold in range(_FOLDS):
        held = rows & (folds == fold)
        if not held.any():
            continue
        rest, tests = found.only(~held), found.only(held)
        for recipe_name, recipe in recipes.items():
            learned = learn(rest, alternatives, recipe)
            models: dict[str, Expectation] = {recipe_name: learned.classes}
            if recipe.labels:
                models[COUNTS] = Counted(rest, learned.classes)
            for model_name, model in models.items():
                for number, worth in enumerate(worths):
                    parts[model_name][number].append(_tried_on(tests, model, model_name == COUNTS, learned, worth))
    whole = {name: [Tried.of(several) for several in by_worth] for name, by_worth in parts.items()}
    choices = {number: _chosen(whole, number) for number in range(len(worths))}
    return choices, settled([whole[choice][number] for number, choice in choices.items()])


def _tried_on(tests: Lines, model: Expectation, by_counts: bool, learned: Learned, worth: int) -> Tried:
    keys = short(model, learned, worth, by_counts)
    depth = COUNTED_DEPTH if by_counts else DEPTH
    played = play(policy(model, keys, depth, learned.costs, float(worth)), tests)
    gain = tests.alone.max(axis=1) * (played.right - played.price / worth)
    return Tried(gain, played.answers, played.surely, played.right)


def _chosen(whole: dict[str, list[Tried]], number: int) -> str:
    names = list(whole)
    near = range(max(0, number - 1), min(len(whole[names[0]]), number + 2))
    gains = {name: np.sum([by_worth[one].gain for one in near], axis=0) for name, by_worth in whole.items()}
    best, most = names[0], 0.0
    for name in names[1:]:
        more = gains[name] - gains[names[0]]
        mean, error = float(more.mean()), float(more.std()) / max(1.0, len(more)) ** 0.5
        if mean > error and mean > most:
            best, most = name, mean
    return best


def settled(parts: Sequence[Tried]) -> Settling:
    """By number of answers, the intercept that makes the mean probability come true (slope 1)."""
    if not parts:
        return ()
    pooled = Tried.of(parts)
    answers, surely, right = pooled.answers, pooled.surely, pooled.right
    found = []
    for count in sorted({int(one) for one in answers} - {0}):
        rows = answers == count
        at = np.clip(surely[rows], 0.001, 0.999)
        at, wanted = np.log(at / (1.0 - at)), float((right[rows].sum() + 1.0) / (rows.sum() + 2.0))
        low, high = -6.0, 6.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if float((1.0 / (1.0 + np.exp(-(at + middle)))).mean()) < wanted else (low, middle)
            )
        if int(rows.sum()) >= LEAST_ROWS:
            found.append((count, float(f"{low:.5g}"), 1.0))
    return tuple(found)

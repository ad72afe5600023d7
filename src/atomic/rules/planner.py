"""Planning: a task's line-ups become a response model, with the shortlist for every worth, and the evidence for it.

Where enough line-ups were judged, three models of agreement are tried on items left out (two folds): hidden classes
fitted with labels, the same fitted without (labels say only how often each bid is right), and counts of states. For
each worth the one whose policy came to most is taken. Runs beside the requests and is stored by its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atomic.belief.lineups import OfTask
from atomic.belief.responses import Fitted, Flags, Lines, Recipe, by_domain, fit, lines, told
from atomic.records.responses import Level, ModelFitted, ResponseModel
from atomic.rules.shortlist import Classes, Counted, Expectation, play, policy, shortlist, stored_counts
from atomic.rules.states import Floats, Ints

SHORTLIST, DEPTH = 6, 4
COUNTED, COUNTED_DEPTH = 5, 3
_LEVELS = 9
_CHEAPEST, _DEAREST = 3.0, 400.0  # worths that are planned for, over the lowest and the highest price
_JUDGED_ENOUGH = 100
_FOLDS = 2
_SHRINKAGE = 5.0
_LEAST_ROWS = 20
_CONFIDENT, _TRUSTED = 0.2, 0.5
_NEVER_EQUAL = "answers are never equal, so agreement says nothing"
_BLIND = Recipe(classes=3, labels=False, popular=0.7, popular_weight=1e5)
_RECIPES = {"labels": Recipe(), "agreement": Recipe(labels=False, popular=0.6, popular_weight=3_000.0)}


@dataclass(frozen=True, slots=True)
class _Learned:
    """A model fitted to some line-ups, with what a policy needs beside it."""

    fitted: Fitted
    chances: Floats
    classes: Classes
    costs: Floats
    weights: Floats
    quality: Floats


def plan(name: str, task: OfTask, seq: int) -> ModelFitted:
    """The response model of a task's line-ups as of `seq`; `model` None where answers are never equal or too few."""
    found = lines(list(task.kept.values()))
    why = _unfit(found, sum(one.confident for one in task.kept.values()))
    if why:
        return ModelFitted(task=name, alternatives=task.alternatives, model=None, why=why, apart=why == _NEVER_EQUAL)
    names = list(task.kept)
    judged = found.judged
    tried = (found.word.max(axis=1) > _TRUSTED) & _whole(found)
    choices: dict[int, str] = {}
    worths = _worths(found)
    settling: tuple[tuple[int, float, float], ...] = ()
    if int(tried.sum()) >= _JUDGED_ENOUGH:
        choices, settling = _tried(found, task.alternatives, worths, tried, names)
        best = max(_RECIPES, key=lambda one: sum(choice == one for choice in choices.values()))
        recipe = _RECIPES[best]
    elif judged.any():
        recipe = _RECIPES["labels"]
    else:
        recipe = _BLIND
    learned = _learn(found, task.alternatives, recipe)
    counted = Counted(found, learned.classes)
    levels = []
    for number, worth in enumerate(worths):
        by_counts = choices.get(number) == "counts"
        model: Expectation = counted if by_counts else learned.classes
        keys = _short(model, learned, worth, COUNTED if by_counts else SHORTLIST)
        seen = stored_counts(counted.seen(keys, COUNTED_DEPTH), found.domains) if by_counts else ()
        levels.append(Level(worth=worth, keys=tuple(found.keys[one] for one in keys), seen=seen))
    model_found = ResponseModel(
        seq=seq,
        keys=found.keys,
        prices=tuple(round(float(one)) for one in np.nan_to_num(np.nanmean(found.price, axis=0))),
        popular=tuple(float(f"{one:.7g}") for one in learned.fitted.popular),
        accident=learned.fitted.accident,
        domains=told(learned.fitted, learned.chances, found.domains),
        levels=tuple(levels),
        labelled=int(judged.sum()),
        lineups=len(found.said),
    )
    return ModelFitted(task=name, alternatives=task.alternatives, model=model_found, settling=settling)


def _unfit(found: Lines, confident: int) -> str:
    if confident > _CONFIDENT * len(found.said):
        return "answers come with a confidence of their own, which the copying model weighs"
    several = (found.said >= 0).sum(axis=1) > 1
    if int(several.sum()) < _LEAST_ROWS or len(found.keys) < 2:
        return "too few requests with several answers"
    agreed = np.array([len(set(row[row >= 0])) < int((row >= 0).sum()) for row in found.said[several]])
    return "" if agreed.any() else _NEVER_EQUAL


def _whole(found: Lines) -> Flags:
    """Rows in which everybody was asked whom anybody asked in most rows: those that a policy can be tried on."""
    asked = ~np.isnan(found.price)
    usual = asked.mean(axis=0) > 0.5
    return np.asarray(asked[:, usual].all(axis=1) & found.at_once) if usual.any() else np.zeros(len(asked), np.bool_)


def _worths(found: Lines) -> list[int]:
    """Worths that are planned for, in nano-USD, from the cheapest bid's price to far above the dearest's."""
    prices = np.nanmean(found.price, axis=0)
    paid = prices[prices > 0]
    if not len(paid):
        return [1_000_000]
    low, high = _CHEAPEST * float(paid.min()), _DEAREST * float(paid.max())
    return [max(1, round(low * (high / low) ** (step / (_LEVELS - 1)))) for step in range(_LEVELS)]


def _learn(found: Lines, alternatives: int, recipe: Recipe) -> _Learned:
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
    return _Learned(fitted, chances, classes, costs, weights, (chances * weights[:, None]).sum(axis=0))


def _short(model: Expectation, learned: _Learned, worth: int, count: int) -> tuple[int, ...]:
    return shortlist(model, learned.costs, learned.weights, learned.quality, float(worth), count)


def _fold_of(names: Sequence[tuple[str, str]]) -> Ints:
    """Which fold a line-up is left out in, by the hash of its request."""
    return np.array([hashlib.sha256("/".join(name).encode()).digest()[0] % _FOLDS for name in names])


def _tried(
    found: Lines, alternatives: int, worths: Sequence[int], tried: Flags, names: Sequence[tuple[str, str]]
) -> tuple[dict[int, str], tuple[tuple[int, float, float], ...]]:
    """For each worth the model whose policy came to most on items left out, and how its probabilities came true."""
    folds = _fold_of(names)
    values: dict[str, list[float]] = {one: [0.0] * len(worths) for one in (*_RECIPES, "counts")}
    said: dict[str, list[list[tuple[Ints, Floats, Floats]]]] = {one: [[] for _ in worths] for one in values}
    for fold in range(_FOLDS):
        held = tried & (folds == fold)
        if not held.any():
            continue
        tests = found.only(held)
        weights = tests.alone.max(axis=1)
        for recipe_name, recipe in _RECIPES.items():
            learned = _learn(found.only(~held), alternatives, recipe)
            models: dict[str, Expectation] = {recipe_name: learned.classes}
            if recipe_name == "labels":
                models["counts"] = Counted(found.only(~held), learned.classes)
            for model_name, model in models.items():
                count, depth = (COUNTED, COUNTED_DEPTH) if model_name == "counts" else (SHORTLIST, DEPTH)
                for number, worth in enumerate(worths):
                    keys = _short(model, learned, worth, count)
                    played = play(policy(model, keys, depth, learned.costs, float(worth)), tests)
                    values[model_name][number] += float((weights * (worth * played.right - played.price)).sum())
                    said[model_name][number].append((played.answers, played.surely, played.right))
    order = list(values)
    choices = {number: max(order, key=lambda one: values[one][number]) for number in range(len(worths))}
    pooled = [part for number, choice in choices.items() for part in said[choice][number]]
    return choices, _settling(pooled)


def _settling(parts: Sequence[tuple[Ints, Floats, Floats]]) -> tuple[tuple[int, float, float], ...]:
    """By number of answers, the intercept that makes the mean probability come true (slope 1)."""
    if not parts:
        return ()
    answers, surely, right = (np.concatenate([part[one] for part in parts]) for one in range(3))
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
        if int(rows.sum()) >= _LEAST_ROWS:
            found.append((count, float(f"{low:.5g}"), 1.0))
    return tuple(found)

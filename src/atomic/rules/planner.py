"""Planning: a task's line-ups become a response model, with the shortlist for every worth, and the evidence for it.

Agreement alone says how often each bid is right, put right by what was judged. Where enough line-ups were judged, two
others are tried beside it on items left out (rules/trials.py): hidden classes fitted with labels, and counts of states.
Runs beside the requests and is stored by its content.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atomic.belief.constant import as_they_are
from atomic.belief.lines import Flags, Lines, lines
from atomic.belief.lineups import Name, OfTask
from atomic.belief.responses import Recipe, told
from atomic.records.responses import Level, ModelFitted, ResponseModel
from atomic.rules.shortlist import Counted, Expectation, play, policy, stored_counts
from atomic.rules.trials import (
    COUNTED_DEPTH,
    COUNTS,
    DEPTH,
    LEAST_ROWS,
    Learned,
    Settling,
    Tried,
    learn,
    settled,
    short,
    tried,
)

_LEVELS = 9
_CHEAPEST, _DEAREST = 3.0, 400.0  # worths that are planned for, over the lowest and the highest price
_JUDGED_ENOUGH, _JUDGED_MANY = 100, 600
_CONFIDENT, _TRUSTED = 0.2, 0.5
_NEVER_EQUAL = "answers are never equal, so agreement says nothing"
_UNDECIDED = "of two answers that differ nobody knows which is right: too few judged, too few requests with three"
_LABELS = Recipe()
_OPEN = Recipe(labels=False, popular=0.6, popular_weight=3_000.0)
_CLOSED = Recipe(classes=3, labels=False, popular=0.5, popular_weight=1e5)
_SOBER = Recipe(classes=3, labels=False, popular=0.7, popular_weight=1e5)


def plan(name: str, task: OfTask, seq: int) -> ModelFitted:
    """The response model of a task's line-ups as of `seq`; `model` None where answers are never equal or too few."""
    kept = as_they_are(task.kept)
    found = lines(list(kept.values()))
    why = _unfit(found, sum(one.confident for one in kept.values()))
    if why:
        return ModelFitted(task=name, alternatives=task.alternatives, model=None, why=why, apart=why == _NEVER_EQUAL)
    worths = _worths(found)
    recipe, choices, settling = _recipe(found, task.alternatives, list(kept), worths)
    learned = learn(found, task.alternatives, recipe)
    if task.alternatives and not choices:
        settling = _sobered(found, task.alternatives, learned, worths)
    counted = Counted(found, learned.classes)
    levels = []
    for number, worth in enumerate(worths):
        by_counts = choices.get(number) == COUNTS
        model: Expectation = counted if by_counts else learned.classes
        keys = short(model, learned, worth, by_counts)
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
        labelled=int(found.judged.sum()),
        lineups=len(found.said),
    )
    return ModelFitted(task=name, alternatives=task.alternatives, model=model_found, settling=settling)


def _recipe(
    found: Lines, alternatives: int, names: list[Name], worths: list[int]
) -> tuple[Recipe, dict[int, str], Settling]:
    """How to fit, by which model each worth is planned where that was tried, and how probabilities came true.

    Many labels belong into the fit. Few say more by putting right how often each bid is right (`belief.responses`).
    """
    recipes = {"agreement": _CLOSED if alternatives else _OPEN, "labels": _LABELS}
    rows = (found.word.max(axis=1) > _TRUSTED) & _whole(found)
    if int(rows.sum()) >= _JUDGED_MANY:
        recipes = dict(reversed(recipes.items()))
    if int(rows.sum()) < _JUDGED_ENOUGH:
        return recipes["agreement"], {}, ()
    choices, settling = tried(found, alternatives, worths, rows, names, recipes)
    best = max(recipes, key=lambda one: sum(choice == one for choice in choices.values()))
    return recipes[best], choices, settling


def _sobered(found: Lines, alternatives: int, learned: Learned, worths: list[int]) -> Settling:
    """Where little was judged, policies are best if wrong answers are thought to meet half of the time, and the
    probabilities that are told are nearer to the truth if more often: the intercepts between the two."""
    sober = learn(found, alternatives, _SOBER)
    parts = []
    for worth in worths:
        keys = short(learned.classes, learned, worth, False)
        bought = policy(learned.classes, keys, DEPTH, learned.costs, float(worth))
        thought = [sober.classes.odds(keys, DEPTH, one)[1].right for one in range(len(found.domains))]
        states = np.arange(len(bought.shape.names))
        surely = np.array([right[states, group] for right, group in zip(thought, bought.believes, strict=True)])
        told_of, soberly = play(bought, found), play(replace(bought, surely=surely), found)
        parts.append(Tried(told_of.right, told_of.answers, told_of.surely, soberly.surely))
    return settled(parts)


def _unfit(found: Lines, confident: int) -> str:
    if confident > _CONFIDENT * len(found.said):
        return "answers come with a confidence of their own, which the copying model weighs"
    answers = (found.said >= 0).sum(axis=1)
    several = answers > 1
    if int(several.sum()) < LEAST_ROWS or len(found.keys) < 2:
        return "too few requests with several answers"
    agreed = np.array([len(set(row[row >= 0])) < int((row >= 0).sum()) for row in found.said[several]])
    if not agreed.any():
        return _NEVER_EQUAL
    enough = max(int(found.judged.sum()), int((answers > 2).sum())) >= LEAST_ROWS
    return "" if enough else _UNDECIDED


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

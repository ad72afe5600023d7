"""A run of the bench: folds, the market and its controls on each, and what all of it comes to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from atomic.bench.routing.cascade import cascades, played, thought_right
from atomic.bench.routing.controls import Line, LinUcb, best_of, fixed, oracle, per_domain, random_mix
from atomic.bench.routing.learned import Trial, branched, first_labelled, learned
from atomic.bench.routing.matrix import Matrix, domains_of, matrix
from atomic.bench.routing.objectives import Objective
from atomic.bench.routing.outcomes import Table, hashed
from atomic.bench.routing.play import Feedback, Played, decision_us, play
from atomic.bench.routing.points import Point, point_for
from atomic.bench.routing.rehearsal import Rehearsal
from atomic.bench.routing.tasks import Tasks
from atomic.bench.routing.two_bidders import Gains, gains
from atomic.bench.virtual_time import run_virtually
from atomic.clock import FrozenClock

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the bench is run: `labels` None means all; `folds` fewer than five leave the others out."""

    objectives: Sequence[Objective]
    labels: int | None = None
    feedback: Feedback = "none"
    shuffle: int | None = None
    folds: int = FOLDS


@dataclass(slots=True)
class Fold:
    """What came of one fold: by objective the market's items, and the controls' lines."""

    test: Matrix
    bidders: tuple[str, ...]
    best: int
    lines: dict[str, dict[str, Line | None]] = field(default_factory=dict)
    plays: dict[str, list[Played]] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)
    decision_us: float = 0.0
    gains: dict[str, Gains] = field(default_factory=dict)


def folds(table: Table, learn: Table | None, options: Options) -> Iterator[Trial]:
    """What is learned from and tried on: another table, or each fifth of this one by SHA-256 of the ids."""
    tasks = Tasks([table, learn] if learn is not None else [table])
    if learn is not None:
        yield Trial(
            learn=_shuffled(learn, options.shuffle),
            test=_shuffled(table, options.shuffle),
            tasks=tasks,
            labelled=first_labelled(learn.items, options.labels),
        )
        return
    for number in range(options.folds):
        inside = [item for item in table.items if hashed(item) % FOLDS == number]
        outside = [item for item in table.items if hashed(item) % FOLDS != number]
        if inside and outside:
            yield Trial(
                learn=_shuffled(table.only(outside), options.shuffle),
                test=_shuffled(table.only(inside), options.shuffle),
                tasks=tasks,
                labelled=first_labelled(outside, options.labels),
            )


def _shuffled(table: Table, seed: int | None) -> Table:
    items = list(table.items)
    if seed is not None:
        random.Random(seed).shuffle(items)
    return table.only(items)


def run_fold(trial: Trial, options: Options) -> Fold:
    """Learn once, then try every objective on a market of its own."""
    domains = domains_of(trial.learn)
    learn, test = matrix(trial.learn, domains), matrix(trial.test, domains)
    fold = Fold(test, trial.learn.bidders, best_of(learn))
    clock = FrozenClock()
    run_virtually(_play_all(trial, options, fold, clock), clock)
    known = np.array([item.id in trial.labelled for item in trial.learn.items])
    told = learn.rows(known) if known.any() else learn
    found = _Controls(trial, learn, told, test, fold, len(domains))
    for objective in options.objectives:
        spend = float(np.mean([one.price for one in fold.plays[objective.text]]))
        fold.lines[objective.text] = found.at(spend)
    return fold


async def _play_all(trial: Trial, options: Options, fold: Fold, clock: FrozenClock) -> None:
    market = await learned(trial, clock)
    rehearsal = Rehearsal(market, trial)
    best = trial.learn.rows[fold.bidders[fold.best]]
    for objective in options.objectives:
        point = point_for(objective, rehearsal, lambda item: best[item.id])
        branch = await branched(market, trial, clock)
        if not fold.decision_us:
            fold.decision_us = decision_us(branch, trial, point)
        fold.points[objective.text] = point
        fold.plays[objective.text] = await play(branch, trial, point, options.feedback)
        await branch.close()
    if len(fold.bidders) == 2:
        fold.gains = gains(market, trial)
    await market.close()


class _Controls:
    """The controls of a fold; what costs nothing is made once, what has an operating point for each objective."""

    def __init__(self, trial: Trial, learn: Matrix, told: Matrix, test: Matrix, fold: Fold, domains: int) -> None:
        self._learn, self._told, self._test, self._fold, self._domains = learn, told, test, fold, domains
        self._linucb = LinUcb(told, test, domains)
        self._cascades = cascades(told, told.right, domains)
        tasks = {item.task: trial.tasks.call(item).task.alternatives for item in trial.learn.items}
        answers = (learn.said >= 0).any()
        thought = np.zeros_like(learn.right)
        for task, alternatives in tasks.items():
            ours = np.array([item.task == task for item in trial.learn.items])
            thought[ours] = thought_right(learn.rows(ours), alternatives)
        self._by_agreement = cascades(learn, thought, domains) if answers else None

    def at(self, spend: float) -> dict[str, Line | None]:
        """Every control, at matched cost where it has an operating point."""
        learn, told, test = self._learn, self._told, self._test
        return {
            "best_fixed": fixed(test, self._fold.best),
            "per_domain": per_domain(told, test, self._domains),
            "random_mix": random_mix(told, test, spend),
            "cascade": played(self._cascades, told, test, spend),
            "linucb": self._linucb.at(spend),
            "agreement": None if self._by_agreement is None else played(self._by_agreement, learn, test, spend),
            "oracle": oracle(test),
        }

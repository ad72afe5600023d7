"""Two bidders, one stronger: how well the market knows from the prompt alone who needs the stronger."""

from __future__ import annotations

import numpy as np

from atomic.bench.routing.bidder import bidder_name
from atomic.bench.routing.learned import Trial
from atomic.bench.routing.matrix import Floats
from atomic.bench.routing.rehearsal import Rehearsal
from atomic.market import Market

Gains = tuple[Floats, Floats, Floats]  # what is won by the stronger, and how right weak and strong are


def gains(market: Market, trial: Trial) -> dict[str, Gains]:
    """By task, an entry for each test item; where there are two bidders.

    What is won is the probability by which the stronger is thought better, before anybody answered. The stronger is the
    one that is right more often on the task's learn items.
    """
    found: dict[str, list[list[float]]] = {}
    rehearsal = Rehearsal(market, trial, trial.test.items)
    order = {task: _weak_and_strong(trial, task) for task in {item.task for item in trial.test.items}}
    for index, item in enumerate(rehearsal.items):
        weak, strong = order[item.task]
        gain = rehearsal.right(index, bidder_name(strong)) - rehearsal.right(index, bidder_name(weak))
        rights = [trial.test.rows[one][item.id].right for one in (weak, strong)]
        found.setdefault(item.task, []).append([gain, *rights])
    columns = {task: np.array(rows).T for task, rows in found.items()}
    return {task: (of_task[0], of_task[1], of_task[2]) for task, of_task in columns.items()}


def _weak_and_strong(trial: Trial, task: str) -> tuple[str, str]:
    one, other = trial.learn.bidders
    learnt = [item.id for item in trial.learn.items if item.task == task]
    ahead = sum(trial.learn.rows[one][item].right - trial.learn.rows[other][item].right for item in learnt)
    return (other, one) if ahead > 0 else (one, other)

"""Line-ups: who answered a request, which answers are equal, what each cost, and how right it was where that is known.

They are what response models are fitted to. A fold of the ledger, bounded: of each task the youngest are kept.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from atomic.belief.rights import alone, is_of
from atomic.records.attempt import AttemptFinished
from atomic.records.event import Event
from atomic.records.lesson import LessonsLearned
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened
from atomic.records.responses import ModelFitted

_MOST, _MOST_OF_TASK, _MOST_TASKS = 16_384, 4_096, 64
_MOST_OPEN = 4_096
_FIRST, _GROWTH = 40, 0.25  # line-ups before a model is fitted, and how many new ones, in share, before the next

Name = tuple[str, str]  # tenant, request id


class Lineup:
    """One request's answers, in the order they came; `groups` has -1 for an attempt without an answer.

    `rights` has, by key, how right an answer was where somebody said it, what that word weighs, and what it weighs
    where silence cannot make up for it. `at_once` is whether everybody was asked in the first round, so that who
    answered hangs on no answer. `before` are the bids that have changed since they answered.
    """

    __slots__ = ("at_once", "before", "confident", "domain", "groups", "keys", "prices", "rights")

    def __init__(self, domain: str) -> None:
        self.domain = sys.intern(domain)
        self.keys: tuple[str, ...] = ()
        self.groups: tuple[int, ...] = ()
        self.prices: tuple[int, ...] = ()
        self.rights: dict[str, tuple[float, float, float]] = {}
        self.at_once = True
        self.before: frozenset[str] = frozenset()
        self.confident = False  # some answer came with a confidence of its own

    def add(self, done: AttemptFinished, first_round: bool) -> None:
        """Somebody answered, or failed to."""
        self.keys = (*self.keys, sys.intern(done.key))
        self.groups = (*self.groups, -1 if done.group is None else done.group)
        self.prices = (*self.prices, done.price)
        self.at_once = self.at_once and first_round
        self.confident = self.confident or done.confidence is not None

    def without(self, key: str) -> Lineup:
        """The same without the answers of a bid."""
        made = self._copy()
        left = [n for n, name in enumerate(self.keys) if name != key]
        made.keys = tuple(self.keys[n] for n in left)
        made.groups = tuple(self.groups[n] for n in left)
        made.prices = tuple(self.prices[n] for n in left)
        made.rights.pop(key, None)
        made.before -= {key}
        return made

    def marked(self, name: str) -> Lineup:
        """The same, from before a bid or every bid of a bidder changed; itself where none of them is in it."""
        keys = {key for key in self.keys if is_of(key, name)}
        if not keys:
            return self
        made = self._copy()
        made.before |= keys
        return made

    def _copy(self) -> Lineup:
        """A new one: a plan may be reading the old one in its thread."""
        made = Lineup(self.domain)
        made.keys, made.groups, made.prices = self.keys, self.groups, self.prices
        made.rights = dict(self.rights)
        made.at_once, made.confident, made.before = self.at_once, self.confident, self.before
        return made

    def state(self) -> list[Any]:
        """Everything it holds, for digests and snapshots."""
        rights = [[key, *said] for key, said in sorted(self.rights.items())]
        whole = [self.domain, self.keys, self.groups, self.prices, rights, self.at_once, self.confident]
        return [*whole, sorted(self.before)] if self.before else whole

    @classmethod
    def of(cls, state: Sequence[Any]) -> Lineup:
        """One as `state` wrote it."""
        made = cls(state[0])
        keys, made.groups, made.prices = (tuple(one) for one in state[1:4])
        made.keys = tuple(sys.intern(key) for key in keys)
        made.rights = {sys.intern(key): (right, word, alone) for key, right, word, alone in state[4]}
        made.at_once, made.confident = state[5:7]
        made.before = frozenset(sys.intern(key) for one in state[7:] for key in one)
        return made


class OfTask:
    """A task's line-ups, the oldest first, and those of which its response model does not know all that is known."""

    __slots__ = ("alternatives", "fresh", "kept")

    def __init__(self, alternatives: int) -> None:
        self.alternatives = alternatives
        self.kept: OrderedDict[Name, Lineup] = OrderedDict()
        self.fresh: set[Name] = set()

    @property
    def due(self) -> bool:
        """Whether there is enough that is new to fit a model."""
        return len(self.fresh) >= max(_FIRST, int(_GROWTH * (len(self.kept) - len(self.fresh))))

    @property
    def all_fresh(self) -> bool:
        """Whether no model knows any of them."""
        return len(self.fresh) == len(self.kept)

    def drop(self, name: Name | None = None) -> None:
        """Keep one no longer; the oldest where none is named."""
        if name is None:
            name, _ = self.kept.popitem(last=False)
        self.kept.pop(name, None)
        self.fresh.discard(name)


class Lineups:
    """All tasks' line-ups, `most` of them. Reading never changes them; only `fold` does."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self.tasks: OrderedDict[str, OfTask] = OrderedDict()
        self.open: OrderedDict[Name, tuple[str, int, Lineup]] = OrderedDict()

    def fold(self, event: Event) -> None:
        """Take in one event."""
        payload, name = event.payload, (event.tenant, event.request_id)
        if isinstance(payload, AttemptFinished):
            if name in self.open:
                self.open[name][2].add(payload, event.round == 1)
        elif isinstance(payload, RequestOpened):
            self.open[name] = (payload.task, len(payload.labels), Lineup(payload.domain))
            if len(self.open) > _MOST_OPEN:
                self.open.popitem(last=False)
        elif isinstance(payload, OutcomeSettled):
            self._close(name)
        elif isinstance(payload, LessonsLearned):
            self._judged(payload, name)
        elif isinstance(payload, ModelFitted):
            task = self.tasks.get(payload.task)
            if task is not None and task.alternatives == payload.alternatives:
                task.fresh.clear()

    def forget(self, name: Name) -> None:
        """A request was erased."""
        self.open.pop(name, None)
        for task in self.tasks.values():
            task.drop(name)

    def changed(self, name: str) -> None:
        """A bid, or every bid of a bidder so named, seems another than before: see `belief.constant`."""
        for task in self.tasks.values():
            kept = OrderedDict((request, lineup.marked(name)) for request, lineup in task.kept.items())
            if any(kept[request] is not lineup for request, lineup in task.kept.items()):
                task.kept = kept
                task.fresh = set(kept)  # a new model is due

    def fair(self, task: str, name: Name) -> tuple[str, str] | None:
        """The two that were not chosen by who agreed, where others were asked in view of answers: these meet the harder
        questions. None where everybody was asked at once, or that is not known."""
        known = self.tasks.get(task)
        lineup = None if known is None else known.kept.get(name)
        if lineup is None or lineup.at_once or len(lineup.keys) < 2:
            return None
        return lineup.keys[0], lineup.keys[1]

    def _close(self, name: Name) -> None:
        task, alternatives, lineup = self.open.pop(name, ("", 0, None))
        if lineup is None or not lineup.keys:
            return
        known = self.tasks.get(task)
        if known is None or known.alternatives != alternatives:
            known = self.tasks[task] = OfTask(alternatives)
            if len(self.tasks) > _MOST_TASKS:
                self.tasks.popitem(last=False)
        self.tasks.move_to_end(task)
        known.kept[name] = lineup
        known.fresh.add(name)
        if len(known.kept) > _MOST_OF_TASK:
            known.drop()
        if sum(len(one.kept) for one in self.tasks.values()) > self._most:
            max(self.tasks.values(), key=lambda one: len(one.kept)).drop()

    def _judged(self, learned: LessonsLearned, name: Name) -> None:
        task = self.tasks.get(learned.task)
        lineup = None if task is None else task.kept.get(name)
        if task is None or lineup is None or learned.source == "agreement":
            return
        before = bool(lineup.rights)
        most = alone(learned)
        for lesson in learned.lessons:
            if lesson.kind == "right" and lesson.key in lineup.keys:
                if lesson.weight > 0.0:
                    said = lesson.target, min(1.0, lesson.weight), min(1.0, lesson.weight, most)
                    lineup.rights[sys.intern(lesson.key)] = said
                else:  # taken back, or the word of somebody whom nobody trusts
                    lineup.rights.pop(lesson.key, None)
        if not before and lineup.rights:
            task.fresh.add(name)

    def state(self) -> dict[str, Any]:
        """Everything they hold, for digests and snapshots."""
        return {
            "tasks": [
                [
                    task,
                    one.alternatives,
                    sorted(one.fresh),
                    [[*name, *lineup.state()] for name, lineup in one.kept.items()],
                ]
                for task, one in self.tasks.items()
            ],
            "open": [[*name, task, count, *lineup.state()] for name, (task, count, lineup) in self.open.items()],
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> Lineups:
        """Those that `state` wrote."""
        made = cls()
        for task, alternatives, fresh, kept in state["tasks"]:
            one = made.tasks[task] = OfTask(alternatives)
            one.kept.update({(tenant, request): Lineup.of(lineup) for tenant, request, *lineup in kept})
            # An earlier release only counted them: then the youngest are meant.
            names = list(one.kept)[max(0, len(one.kept) - fresh) :] if isinstance(fresh, int) else fresh
            one.fresh = {(tenant, request) for tenant, request in names}
        for tenant, request, task, count, *lineup in state["open"]:
            made.open[tenant, request] = (task, count, Lineup.of(lineup))
        return made

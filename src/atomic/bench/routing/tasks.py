"""The microtasks of an outcome table, typed by the answers that occur in it: tasks with one type of answer are one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from atomic.bench.routing.outcomes import Item, Table
from atomic.records.microtask import Call, Microtask, microtask
from atomic.records.request import Terms

_MOST_LABELS = 26  # more distinct answers than letters: an open question
_NO_NAME = re.compile(r"\W+")
ANY_PRICE = 10**15  # nano-USD: the objective alone decides what is paid
NO_HURRY_NS = 10**17


class Tasks:
    """The microtasks of some tables; answers of few kinds make a closed type.

    Tasks of one type are domains of one microtask: what is learned of bidders in one says something of the others.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        answers: dict[str, set[str]] = {}
        for table in tables:
            for item in table.items:
                found = answers.setdefault(item.task, set())
                found.update(rows[item.id].answer or "" for rows in table.rows.values())
        together: dict[tuple[str, ...], list[str]] = {}
        for task, found in answers.items():
            together.setdefault(_type(found - {""}), []).append(task)
        self._tasks: dict[str, Microtask[..., Any]] = {}
        for labels, tasks in together.items():
            self._tasks.update(dict.fromkeys(tasks, _declared(" and ".join(tasks), labels)))

    def call(self, item: Item) -> Call[Any]:
        """A call about an item."""
        return self._tasks[item.task](text=item.text)


def terms(worth: int, *, survey: tuple[str, ...] = (), explore: bool = False) -> Terms:
    """What the bench buys on: the worth, and no other limit."""
    return Terms(worth=worth, max_price=ANY_PRICE, deadline_ns=NO_HURRY_NS, explore=explore, survey=survey)


def _type(answers: set[str]) -> tuple[str, ...]:
    """The labels of a closed type; ("",) where answers were not kept, nothing for an open type."""
    if not answers:
        return ("",)
    return tuple(sorted(answers)) if 2 <= len(answers) <= _MOST_LABELS else ()


def _declared(task: str, labels: Sequence[str]) -> Microtask[..., Any]:
    async def ask(text: str) -> Any:
        raise NotImplementedError

    ask.__name__ = _NO_NAME.sub("_", task) or "task"
    ask.__doc__ = f"Answer the question ({task})."
    ask.__annotations__ = {"text": str, "return": Literal[tuple(labels)] if len(labels) > 1 else str}
    return microtask(worth=1.0)(ask)

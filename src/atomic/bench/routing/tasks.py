"""The microtasks of an outcome table: one for each task, typed by the answers that occur in it."""

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
    """A microtask for each task of some tables; answers of few kinds make a closed type."""

    def __init__(self, tables: Sequence[Table]) -> None:
        answers: dict[str, set[str]] = {}
        for table in tables:
            for item in table.items:
                found = answers.setdefault(item.task, set())
                found.update(rows[item.id].answer or "" for rows in table.rows.values())
        self._tasks = {task: _declared(task, sorted(found - {""})) for task, found in answers.items()}

    def call(self, item: Item) -> Call[Any]:
        """A call about an item."""
        return self._tasks[item.task](text=item.text)


def terms(worth: int, *, survey: tuple[str, ...] = (), explore: bool = False) -> Terms:
    """What the bench buys on: the worth, and no other limit."""
    return Terms(worth=worth, max_price=ANY_PRICE, deadline_ns=NO_HURRY_NS, explore=explore, survey=survey)


def _declared(task: str, answers: Sequence[str]) -> Microtask[..., Any]:
    async def ask(text: str) -> Any:
        raise NotImplementedError

    closed = 2 <= len(answers) <= _MOST_LABELS
    ask.__name__ = _NO_NAME.sub("_", task) or "task"
    ask.__doc__ = f"Answer the question ({task})."
    ask.__annotations__ = {"text": str, "return": Literal[tuple(answers)] if closed else str}
    return microtask(worth=1.0)(ask)

"""Flows: a graph of steps. What does not wait for each other runs at once; what is not needed is never started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atomic.errors import TaskError

Results = Mapping[str, Any]


def _always(_: Results) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node: its work gets the results so far; it starts once all of `after` have ended and `when` agrees."""

    name: str
    work: Callable[[Results], Awaitable[Any]]
    after: tuple[str, ...] = ()
    when: Callable[[Results], bool] = _always


async def run_flow(steps: Sequence[Step]) -> dict[str, Any]:
    """Run all steps and return the results by name; a step that was not needed is absent.

    The first step that raises cancels the others, and its error is raised. Raises TaskError for a graph with
    unknown names, two steps of one name, or a circle.

    >>> async def one(results): return 1
    >>> async def add(results): return results["one"] + 1
    >>> async def never(results): raise RuntimeError
    >>> asyncio.run(run_flow([
    ...     Step(name="one", work=one),
    ...     Step(name="two", work=add, after=("one",)),
    ...     Step(name="three", work=never, after=("two",), when=lambda results: results["two"] > 5),
    ... ]))
    {'one': 1, 'two': 2}
    """
    _check(steps)
    results: dict[str, Any] = {}
    ended = {step.name: asyncio.Event() for step in steps}

    async def walk(step: Step) -> None:
        for name in step.after:
            await ended[name].wait()
        if step.when(results):
            results[step.name] = await step.work(results)
        ended[step.name].set()

    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(walk(step))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return results


def _check(steps: Sequence[Step]) -> None:
    names = [step.name for step in steps]
    if len(set(names)) != len(names):
        raise TaskError(f"two steps of one name among {', '.join(names)}")
    waiting = {step.name: set(step.after) for step in steps}
    for step in steps:
        if unknown := set(step.after) - set(names):
            raise TaskError(f"step {step.name!r} waits for {', '.join(sorted(unknown))}, which is no step")
    while waiting:
        free = [name for name, needs in waiting.items() if not needs]
        if not free:
            raise TaskError(f"these steps wait for each other in a circle: {', '.join(sorted(waiting))}")
        for name in free:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(free)

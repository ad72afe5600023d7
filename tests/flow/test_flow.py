"""Flows: what does not wait for each other runs at once, what is not needed is never started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from atomic.errors import TaskError
from atomic.flow import Results, Step, run_flow


def giving(value: object) -> Callable[[Results], Awaitable[Any]]:
    async def work(results: Results) -> object:
        return value

    return work


async def never(results: Results) -> object:
    raise AssertionError("this step was not needed")


async def test_what_does_not_wait_for_each_other_runs_at_once() -> None:
    """Each of three steps ends only once all three have begun."""
    barrier = asyncio.Barrier(3)

    async def meet(results: Results) -> bool:
        await barrier.wait()
        return True

    results = await run_flow([Step(name=name, work=meet) for name in "abc"])

    assert {"a": True, "b": True, "c": True} == results


async def test_a_step_begins_when_all_it_waits_for_have_ended_and_sees_their_results() -> None:
    order: list[str] = []

    def noting(name: str) -> Callable[[Results], Awaitable[Any]]:
        async def work(results: Results) -> list[str]:
            await asyncio.sleep(0)
            order.append(name)
            return sorted(results)

        return work

    results = await run_flow(
        [
            Step(name="last", work=noting("last"), after=("left", "right")),
            Step(name="right", work=noting("right"), after=("first",)),
            Step(name="left", work=noting("left"), after=("first",)),
            Step(name="first", work=noting("first")),
        ]
    )

    assert ("first", "last") == (order[0], order[-1])
    assert [] == results["first"]
    assert ["first", "left", "right"] == results["last"]


async def test_a_step_that_is_not_needed_is_never_started_and_absent() -> None:
    results = await run_flow(
        [
            Step(name="spam", work=giving(True)),
            Step(name="reply", work=never, after=("spam",), when=lambda results: not results["spam"]),
            Step(name="file", work=giving("junk"), after=("spam", "reply")),
        ]
    )

    assert {"spam": True, "file": "junk"} == results


async def test_what_waits_for_a_step_that_was_not_needed_still_runs_and_can_see_that() -> None:
    async def looks(results: Results) -> bool:
        return "skipped" in results

    results = await run_flow(
        [
            Step(name="skipped", work=never, when=lambda _: False),
            Step(name="after", work=looks, after=("skipped",)),
        ]
    )

    assert {"after": False} == results


async def test_the_first_failure_cancels_the_others_and_is_raised_as_it_is() -> None:
    cancelled: list[str] = []

    async def waits(results: Results) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("waits")
            raise

    async def fails(results: Results) -> None:
        await asyncio.sleep(0)
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await run_flow(
            [
                Step(name="waits", work=waits),
                Step(name="fails", work=fails),
                Step(name="after", work=never, after=("fails",)),
            ]
        )

    assert ["waits"] == cancelled


async def test_a_condition_that_fails_is_a_failure_of_its_step() -> None:
    with pytest.raises(KeyError):
        await run_flow([Step(name="a", work=never, when=lambda results: bool(results["unknown"]))])


async def test_cancelling_a_flow_cancels_its_steps() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def waits(results: Results) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    flow = asyncio.ensure_future(run_flow([Step(name="waits", work=waits)]))
    await begun.wait()
    flow.cancel()

    with pytest.raises(asyncio.CancelledError):
        await flow
    assert cancelled.is_set()


async def test_no_steps_give_no_results() -> None:
    assert {} == await run_flow([])


@pytest.mark.parametrize(
    ("edges", "says"),
    [
        ({"a": ("a",)}, "circle: a"),
        ({"a": ("b",), "b": ("a",), "c": ()}, "circle: a, b"),
        ({"a": (), "b": ("c",), "c": ("d",), "d": ("b", "a")}, "circle: b, c, d"),
        ({"a": ("nowhere",)}, "waits for nowhere"),
    ],
)
async def test_a_graph_that_cannot_run_is_refused_before_anything_starts(
    edges: dict[str, tuple[str, ...]], says: str
) -> None:
    with pytest.raises(TaskError, match=says):
        await run_flow([Step(name=name, work=never, after=after) for name, after in edges.items()])


async def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(TaskError, match="two steps of one name"):
        await run_flow([Step(name="a", work=never), Step(name="a", work=never)])

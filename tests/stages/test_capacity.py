"""Capacity: places are counted while they are held, and who waits is called in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from atomic.clock import FrozenClock
from atomic.stages.capacity import Capacity, Turn

MINUTE = 60 * 1_000_000_000
NOBODY: dict[str, int] = {}


def turn_in(capacity: Capacity, stack: ExitStack, tenant: str = "", task: str = "spam", urgency: int = 0) -> Turn:
    return stack.enter_context(capacity.turn(tenant, task, urgency))


async def order(waiting: Sequence[tuple[str, str, int]], *, most_waiting: int = 100) -> tuple[list[str], list[str]]:
    """The tenants and tasks served as one place is freed again and again, and those that were turned away."""
    capacity = Capacity(most_waiting=most_waiting)
    served: list[str] = []
    refused: list[str] = []

    async def one(tenant: str, task: str, urgency: int) -> None:
        with capacity.turn(tenant, task, urgency) as turn:
            assert await turn.called(["a"], MINUTE)
            if turn.turned_away:
                refused.append(f"{tenant}/{task}/{urgency}")
                return
            with turn.holding(["a"]):
                served.append(f"{tenant}/{task}/{urgency}")
                await asyncio.sleep(0)

    with ExitStack() as stack:
        stack.enter_context(turn_in(capacity, stack).holding(["a"]))
        running = [asyncio.ensure_future(one(*named)) for named in waiting]
        await asyncio.sleep(0)
    await asyncio.gather(*running)

    assert NOBODY == dict(capacity.busy)
    assert 0 == capacity.waiting
    return served, refused


async def test_places_are_counted_while_they_are_held() -> None:
    capacity = Capacity()
    with ExitStack() as stack:
        turn = turn_in(capacity, stack)
        with turn.holding(["a", "b"]), turn.holding(["a"]):
            assert {"a": 2, "b": 1} == dict(capacity.busy)

    assert NOBODY == dict(capacity.busy)


async def test_a_place_is_given_back_whatever_happens() -> None:
    capacity = Capacity()
    with pytest.raises(RuntimeError), capacity.turn("", "spam", 0) as turn, turn.holding(["a"]):
        raise RuntimeError

    assert NOBODY == dict(capacity.busy)


async def test_a_place_may_be_given_back_before_the_others_of_its_round() -> None:
    capacity = Capacity()
    with capacity.turn("", "spam", 0) as turn, turn.holding(["slow", "quick"]) as held:
        held.free("quick")
        held.free("quick")

        assert {"slow": 1} == dict(capacity.busy)


async def test_who_asks_alike_is_served_first_come_first_served() -> None:
    served, _ = await order([("", "spam", 0), ("", "spam", 0), ("", "spam", 0)])

    assert ["/spam/0"] * 3 == served


async def test_tenants_take_turns_however_many_requests_one_has() -> None:
    served, _ = await order([("big", "spam", 0)] * 4 + [("small", "spam", 0)] * 2)

    assert [f"{one}/spam/0" for one in ("big", "small", "big", "small", "big", "big")] == served


async def test_tasks_of_one_tenant_take_turns() -> None:
    served, _ = await order([("", "backfill", 0)] * 3 + [("", "live", 0)])

    assert ["/backfill/0", "/live/0", "/backfill/0", "/backfill/0"] == served


async def test_the_dearest_waiting_goes_first_within_its_tenant() -> None:
    served, _ = await order([("", "backfill", 0), ("", "backfill", 0), ("", "live", 9)])

    assert ["/live/9", "/backfill/0", "/backfill/0"] == served


async def test_urgency_takes_no_turn_from_another_tenant() -> None:
    served, _ = await order([("loud", "spam", 10**9)] * 3 + [("calm", "spam", 0)])

    assert ["loud/spam/1000000000", "calm/spam/0"] == served[:2]


async def test_when_too_many_wait_the_last_of_the_longest_line_is_turned_away() -> None:
    served, refused = await order([("big", "spam", 0)] * 3 + [("small", "spam", 0)], most_waiting=3)

    assert ["big/spam/0"] == refused
    assert ["big/spam/0", "small/spam/0", "big/spam/0"] == served


async def test_who_floods_is_turned_away_itself() -> None:
    served, refused = await order([("small", "spam", 0)] + [("big", "spam", 0)] * 5, most_waiting=3)

    assert ["big/spam/0"] * 3 == refused
    assert "small/spam/0" in served


async def test_in_a_full_line_of_ones_own_the_least_urgent_goes() -> None:
    served, refused = await order([("", "a", 0), ("", "a", 0), ("", "b", 5)], most_waiting=2)

    assert (["/a/0"], ["/b/5", "/a/0"]) == (refused, served)


async def test_a_free_place_is_kept_for_who_was_called_and_no_newcomer_takes_it() -> None:
    capacity = Capacity()
    with ExitStack() as stack:
        first, second, newcomer = (turn_in(capacity, stack) for _ in range(3))
        with first.holding(["a"]):
            waiting = asyncio.ensure_future(second.called(["a"], MINUTE))
            await asyncio.sleep(0)

        assert {"a": 1} == dict(newcomer.busy)
        assert await waiting
        assert {"a": 0} == dict(second.busy)
        with second.holding(["a"]):
            assert {"a": 1} == dict(capacity.busy)


async def test_who_was_called_and_has_no_use_for_the_place_passes_it_on() -> None:
    capacity = Capacity()
    with ExitStack() as stack:
        first, second, third = (turn_in(capacity, stack) for _ in range(3))
        with first.holding(["a"]):
            waiting = [asyncio.ensure_future(one.called(["a"], MINUTE)) for one in (second, third)]
            await asyncio.sleep(0)
        assert await waiting[0]
        with second.holding(["b"]):
            assert await waiting[1]

    assert NOBODY == dict(capacity.busy)


async def test_who_waits_for_one_is_not_called_for_another() -> None:
    capacity = Capacity()
    with ExitStack() as stack:
        first, second, third = (turn_in(capacity, stack) for _ in range(3))
        with first.holding(["slow"]):
            waiting = asyncio.ensure_future(second.called(["slow"], MINUTE))
            with third.holding(["quick"]):
                await asyncio.sleep(0)

            assert {"slow": 1} == dict(capacity.busy)
            assert not waiting.done()
        assert await waiting


async def test_waiting_ends_when_the_time_is_up_and_is_measured() -> None:
    clock = FrozenClock()
    capacity = Capacity(clock)
    with capacity.turn("", "spam", 0) as turn:
        assert not await turn.called(["a"], 0)
        assert not await turn.called([], MINUTE)
        waiting = asyncio.ensure_future(turn.called(["a"], 1_000_000))
        await asyncio.sleep(0)
        clock.advance(1_000_000)

        assert not await waiting
        assert 1_000_000 == turn.waited_ns
    assert 0 == capacity.waiting


async def test_who_is_cancelled_after_being_called_passes_it_on() -> None:
    capacity = Capacity()
    with ExitStack() as stack:
        holder, one, other = (turn_in(capacity, stack) for _ in range(3))
        with holder.holding(["a"]):
            first, second = (asyncio.ensure_future(turn.called(["a"], MINUTE)) for turn in (one, other))
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})

        assert await second
        assert first.cancelled()


async def test_who_gave_up_is_passed_over() -> None:
    capacity = Capacity()
    with ExitStack() as stack:
        holder, one, other = (turn_in(capacity, stack) for _ in range(3))
        with holder.holding(["a"]):
            first, second = (asyncio.ensure_future(turn.called(["a"], MINUTE)) for turn in (one, other))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait({first})

        assert await second


async def test_of_one_tenants_tasks_the_one_with_most_in_line_loses_its_last() -> None:
    served, refused = await order([("", "backfill", 0)] * 3 + [("", "live", 0)], most_waiting=3)

    assert (["/backfill/0"], True) == (refused, "/live/0" in served)

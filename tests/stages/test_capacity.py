"""Capacity: places are counted while they are held, and who waits is woken in turn."""

from __future__ import annotations

import asyncio

import pytest

from atomic.stages.capacity import Capacity


async def test_places_are_counted_while_they_are_held() -> None:
    capacity = Capacity()
    with capacity.holding(["a", "b"]), capacity.holding(["a"]):
        assert {"a": 2, "b": 1} == dict(capacity.busy)

    assert {} == dict(capacity.busy)


async def test_a_place_is_given_back_whatever_happens() -> None:
    capacity = Capacity()
    with pytest.raises(RuntimeError), capacity.holding(["a"]):
        raise RuntimeError

    assert {} == dict(capacity.busy)


async def test_who_waits_is_woken_first_come_first_served() -> None:
    capacity, woken = Capacity(), []

    async def wait(name: str) -> None:
        assert await capacity.freed(30)
        woken.append(name)

    waiting = [asyncio.ensure_future(wait(name)) for name in "xyz"]
    await asyncio.sleep(0)
    for _ in range(3):
        with capacity.holding(["a"]):
            pass
        await asyncio.sleep(0.001)
    await asyncio.gather(*waiting)

    assert ["x", "y", "z"] == woken


async def test_waiting_ends_when_the_time_is_up() -> None:
    capacity = Capacity()

    assert not await capacity.freed(0)
    assert not await capacity.freed(0.001)
    capacity.wake()


async def test_who_is_cancelled_after_being_woken_passes_it_on() -> None:
    capacity = Capacity()
    first, second = (asyncio.ensure_future(capacity.freed(30)) for _ in range(2))
    await asyncio.sleep(0)

    capacity.wake()
    first.cancel()
    await asyncio.wait({first})

    assert await second
    assert first.cancelled()


async def test_who_gave_up_is_passed_over() -> None:
    capacity = Capacity()
    first, second = (asyncio.ensure_future(capacity.freed(30)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})

    capacity.wake()

    assert await second

"""Bounded retries, and the reason that a flow is parked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import orjson

from atomic.errors import AtomicError, TaskError
from atomic.records.flow import Json

_LONGEST_PAUSE_S = 3_600.0
_REASON = 500  # characters


class Parked(Exception):
    """A step failed as often as it may. Holds the reason and nothing else, so that no body comes with it."""


def reason_of(error: BaseException) -> str:
    """Why, in words without a body: our own errors are written to be read, of others only the type is told.

    >>> reason_of(TaskError("no such task")), reason_of(ValueError("Dear Ann, …"))
    ('TaskError: no such task', 'ValueError')
    """
    name = type(error).__name__
    return f"{name}: {error.message}"[:_REASON] if isinstance(error, AtomicError) else name


async def tried(work: Callable[[], Awaitable[Json]], *, attempts: int, pause: float) -> Json:
    """Do it, again after a failure, `attempts` times in all with pauses that double. Raises Parked.

    >>> async def fails() -> Json: raise ValueError
    >>> asyncio.run(tried(fails, attempts=3, pause=0.0))
    Traceback (most recent call last):
    atomic.durable.parking.Parked: ValueError (tried 3 times)
    """
    for attempt in range(1, attempts + 1):
        try:
            return cast(Json, orjson.loads(orjson.dumps(await work())))  # as it is read back later
        except Exception as error:  # a step is anybody's: tried again, then parked with the reason
            reason = reason_of(error)
        if attempt < attempts:
            await asyncio.sleep(min(pause * 2.0 ** (attempt - 1), _LONGEST_PAUSE_S))
    raise Parked(f"{reason} (tried {attempts} times)" if attempts > 1 else reason) from None


class Names:
    """The names that a run of a body has used: the same one twice would be two results under one name."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def use(self, name: str) -> None:
        """Use one. Raises TaskError."""
        if name in self._used:
            raise TaskError(f"two steps of one name in a flow: {name}", hint="number them")
        self._used.add(name)

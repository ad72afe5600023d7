"""The market for code that is not async: async inside, one synchronous door outside, nothing written twice."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from atomic.belief import Beliefs
from atomic.clock import Clock
from atomic.config import DEFAULT_FILE, Config, open
from atomic.errors import CallerError
from atomic.market import Market
from atomic.outcome import Outcome
from atomic.protocols import Bidder, Follower, Ledger, Tactic
from atomic.records.microtask import Call, Microtask
from atomic.streaming import Stream
from atomic.trade import Trade

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Door:
    """An event loop in a thread of its own; `wait` runs work there and waits for it here, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = True
        self._process = os.getpid()
        self._stop = asyncio.Event()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)  # which leaves our thread without it
        self._loop = self._runner.get_loop()
        # A daemon: a program that ends without closing its market must not hang.
        self._thread = threading.Thread(target=self._serve, name="atomic market", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._runner:
            self._runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stop.wait()

    def wait(self, work: Coroutine[Any, Any, R]) -> R:
        """What the work returns or raises. Interrupting the wait (Ctrl-C) cancels the work and waits for its end.

        Raises CallerError after `close`, and where waiting would never end: in the market's own thread and in a
        process that was forked from the market's.
        """
        if os.getpid() != self._process:
            work.close()
            raise CallerError("this market was opened before a fork", hint="open it in the child")
        if threading.current_thread() is self._thread:
            work.close()
            raise CallerError("this is the market's own thread", hint="await the methods of the market itself here")
        job = _Job(work)
        try:
            if self._submit(job.begin):
                job.ended.wait()
        except BaseException:  # wherever Ctrl-C struck: `begin` either comes before `cancel` in the loop, or never
            if self._submit(job.cancel):
                job.ended.wait()
            raise
        return job.result()

    def _submit(self, call: Callable[[], object]) -> bool:
        with self._lock:
            if self._open:
                self._loop.call_soon_threadsafe(call)
            return self._open

    def close(self) -> None:
        """End the loop and its thread; may be called twice. In a forked child there is neither."""
        if os.getpid() != self._process:
            return
        with self._lock:
            if self._open:
                self._open = False
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


class _Job(Generic[R]):
    """Work that one thread waits for and another does."""

    def __init__(self, work: Coroutine[Any, Any, R]) -> None:
        self._work = work
        self._task: asyncio.Task[R] | None = None
        self.ended = threading.Event()

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        if self._task is None:
            self.ended.set()
        else:
            self._task.cancel()

    def _end(self, task: asyncio.Task[R]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, so that nobody reports it as forgotten when the wait was interrupted
        self.ended.set()

    def result(self) -> R:
        if self._task is None or self._task.cancelled():
            self._work.close()
            raise CallerError("this market is closed")
        return self._task.result()


def _waiting(
    method: Callable[Concatenate[Market, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncMarket, P], R]:
    """A method of the market as one that waits."""

    @functools.wraps(method)
    def wait(self: SyncMarket, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._door.wait(method(self._market, *args, **kwargs))

    return wait


def _async(
    method: Callable[Concatenate[Market, P], R],
) -> Callable[Concatenate[Market, P], Coroutine[Any, Any, R]]:
    """A method that waits for nothing, to be called in the market's own thread all the same."""

    @functools.wraps(method)
    async def call(self: Market, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self, *args, **kwargs)

    return call


class SyncStream(Generic[T]):
    """A `Stream` whose pieces are waited for. Made by `SyncMarket.stream`."""

    def __init__(self, stream: Stream[T], door: Door) -> None:
        self._stream = stream
        self._door = door

    def __enter__(self) -> SyncStream[T]:
        """Begin to buy."""
        self._door.wait(self._stream.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop whoever still speaks."""
        self._door.wait(self._stream.__aexit__(kind, error, trace))

    def __iter__(self) -> Iterator[str]:
        """Pieces of the text."""
        pieces = aiter(self._stream)
        while (piece := self._door.wait(_next(pieces))) is not None:
            yield piece

    @property
    def said(self) -> str:
        """What was said so far."""
        return self._stream.said

    @property
    def outcome(self) -> Outcome[T]:
        """As of `Stream`."""
        return self._stream.outcome


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)


class SyncMarket:
    """A `Market` whose methods wait for their results; safe to use from many threads. Made by `open_sync`."""

    def __init__(self, market: Market, door: Door) -> None:
        self._market = market
        self._door = door

    @property
    def ledger(self) -> Ledger:
        """The ledger; reading it waits for nothing."""
        return self._market.ledger

    @property
    def beliefs(self) -> Beliefs:
        """What is believed of the bidders."""
        return self._market.beliefs

    @property
    def bidders(self) -> dict[str, Bidder]:
        """The bidders by name."""
        return self._market.bidders

    # `run` is spelled out, since its arguments may have any name, `self` too.
    def run(self, task: Microtask[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
        """Buy an answer to a microtask for one input. See `Market.run`."""
        return self._door.wait(self._market.run(task, *args, **kwargs))

    def stream(self, call: Call[T], trade: Trade | None = None, *, buffered: bool = False) -> SyncStream[T]:
        """Buy an answer that is read while it is said: `with` it, `for` its pieces. See `Market.stream`."""
        return SyncStream(self._market.stream(call, trade, buffered=buffered), self._door)

    buy = _waiting(Market.buy)
    feedback = _waiting(Market.feedback)
    record = _waiting(Market.record)
    start = _waiting(Market.start)
    close = _waiting(Market.close)
    follow = _waiting(_async(Market.follow))
    preview = _waiting(_async(Market.preview))


@contextmanager
def open_sync(
    config: str | Path | Mapping[str, Any] | Config = DEFAULT_FILE,
    *,
    bidders: Sequence[Bidder] = (),
    tactics: Sequence[Tactic] | None = None,
    clock: Clock | None = None,
    followers: Sequence[Follower] = (),
) -> Iterator[SyncMarket]:
    """A market for code that is not async, running until the `with` block ends. See `atomic.open`.

    `followers` are called in the market's own thread.

    >>> with open_sync({"market": {"ledger": ":memory:"}}) as market:
    ...     [event.kind for event in market.ledger.read()]
    ['market']
    """
    opened = open(config, bidders=bidders, tactics=tactics, clock=clock, followers=followers)
    door = Door()
    try:
        market = door.wait(opened.__aenter__())
        try:
            yield SyncMarket(market, door)
        except BaseException as error:  # as `with` does: whatever ends the block, the market is told and closed
            if not door.wait(opened.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            door.wait(opened.__aexit__(None, None, None))
    finally:
        door.close()

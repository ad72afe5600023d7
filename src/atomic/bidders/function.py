"""Any Python callable as a bidder."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from atomic.bidders.tag import Tag
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply, Usage
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.records.price import BookPrice
from atomic.threads import in_thread


class FunctionBidder:
    """Answers by calling a function with the microtask's own arguments.

    `function` may be async; otherwise it runs in a thread, so that blocking blocks nobody else. It returns the answer
    (the type, its JSON, or text to be read as it), or None to decline. `price` in nano-USD is billed per call.
    `tasks` names the microtasks it is for; empty: all. What it raises becomes an attempt that crashed, by the name of
    the exception's type alone, since a message may quote the input. A function that never returns keeps its thread;
    once `concurrency` of them hang it declines.

    >>> import asyncio
    >>> from atomic.records.microtask import microtask
    >>> from atomic.testing import ask_for
    >>> @microtask(worth="$1")
    ... async def length(text: str) -> int:
    ...     \"\"\"How many characters?\"\"\"
    >>> bidder = FunctionBidder("len", lambda text: len(text))
    >>> asyncio.run(bidder.attempt(ask_for(length("four")), Plan(bidder="len", tactic="plain"))).value
    4
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        price: int = 0,
        tasks: Collection[str] = (),
        profile: Profile | None = None,
    ) -> None:
        self._profile = profile or Profile(name=name, kind="function", concurrency=8)
        self._function = function
        self._tag = Tag(price)
        self._tasks = frozenset(tasks)
        self._running = 0  # threads, also those whose attempt was cancelled
        self._lock = threading.Lock()

    @property
    def profile(self) -> Profile:
        """As declared."""
        return self._profile

    def reprice(self, price: BookPrice) -> None:
        """Take on another price per call, from the next offer on."""
        if price.call is not None:
            self._tag.change(price.call, as_of=price.as_of)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Its declared price; no claim."""
        name = self._profile.name
        if self._tasks and ask.task.name not in self._tasks:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.DECLINED, detail="not for this task")
        if self._running >= self._profile.concurrency:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.NO_CAPACITY)
        price = self._tag.offered(ask)
        return Offer(bidder=name, tactic=sketch.tactic, price=price, ceiling=price)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """Call it. An async function is cancelled with the attempt; a thread is left to end by itself."""
        started, price = time.perf_counter(), self._tag.of(ask)
        try:
            if inspect.iscoroutinefunction(self._function):
                value = await self._function(**ask.arguments)
            elif self._running >= self._profile.concurrency:
                return Reply(reason=Reason.NO_CAPACITY, detail="earlier calls have not returned")
            else:
                with self._lock:
                    self._running += 1
                value = await in_thread(f"atomic {self._profile.name}", lambda: self._call(ask))
                value = await value if inspect.isawaitable(value) else value
        except Exception as error:  # the function is anybody's: whatever it raises is its failure, not ours
            return Reply(reason=Reason.CRASHED, detail=type(error).__name__, price=price)
        usage = Usage(seconds=time.perf_counter() - started)
        if value is None and not _is_answer(ask, value):
            return Reply(reason=Reason.DECLINED, detail="returned None", usage=usage, price=price)
        return Reply(value=value, usage=usage, price=price)

    def _call(self, ask: Ask) -> Any:
        try:
            return self._function(**ask.arguments)
        finally:
            with self._lock:
                self._running -= 1

    async def close(self) -> None:
        """Nothing to give back."""


def _is_answer(ask: Ask, value: object) -> bool:
    try:
        ask.task.output.validate_python(value, strict=True)
    except Exception:  # a validator of the task's author may raise anything; then it is not an answer
        return False
    return True

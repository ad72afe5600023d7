"""Blocking work beside the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(name: str, work: Callable[[], T]) -> T:
    """Run blocking work in a thread of its own; what it returns or raises is returned or raised here.

    Cancelling leaves the thread to itself. It is a daemon, unlike a pool's threads: work that never ends must not
    keep the process from ending. A thread costs about 0.1 ms, which is little beside work that blocks.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type] # T may be None itself

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = context.run(work)
        except BaseException as error:  # raised again where it is awaited
            # StopIteration cannot be raised into a future.
            failure = RuntimeError("StopIteration") if isinstance(error, StopIteration) else error
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, result, failure)
            except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
                return

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done

"""A server on loopback for as long as a test needs it: the whole of `atomic serve`, in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from atomic.config import Config, read_config
from atomic.protocols import Bidder
from atomic.records.microtask import Microtask


@asynccontextmanager
async def serving(
    config: Mapping[str, Any] | Config | None = None,
    *,
    bidders: Sequence[Bidder] = (),
    tasks: Sequence[Microtask[..., Any]] = (),
    port: int = 0,
) -> AsyncIterator[str]:
    """A running server; its URL, without a slash at its end. Without a configuration its ledger is in memory.

    `port` 0 is any that is free.

    >>> async def main() -> None:
    ...     async with serving() as url:
    ...         print(url.startswith("http://127.0.0.1:"))
    >>> asyncio.run(main())
    True
    """
    import uvicorn

    from atomic.server.app import make_app

    read = config if isinstance(config, Config) else read_config(config or {"market": {"ledger": ":memory:"}})
    app = make_app(read, bidders=bidders, tasks=tasks)
    listening = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if running.done():
                running.result()
                raise RuntimeError("the server did not start")
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()

"""A server on loopback for as long as a test needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def on_loopback(serve: Serve) -> AsyncIterator[int]:
    """Serve every connection on a free port, which it yields; what is still being served at the end is cancelled.

    >>> async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    ...     writer.write(b"hello")
    ...     writer.close()
    >>> async def main() -> bytes:
    ...     async with on_loopback(greet) as port:
    ...         reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ...         said = await reader.read()
    ...         writer.close()
    ...         return said
    >>> asyncio.run(main())
    b'hello'
    """
    connections = set[asyncio.Task[None]]()

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await serve(reader, writer)

    server = await asyncio.start_server(noted, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

"""A tool of an MCP server as a bidder: the task's input goes in as the tool's arguments, its result is the answer."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from atomic.bidders.tag import Tag
from atomic.errors import MissingExtra
from atomic.output import Refusal, from_json
from atomic.protocols import Profile, Sketch
from atomic.records.attempt import Plan, Reply
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Ask
from atomic.records.price import BookPrice
from atomic.records.request import DataLabel

if TYPE_CHECKING:
    from mcp import Client

_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class McpOptions:
    """Where a tool is: at a `url` (streamable HTTP), or behind a `command` that is started (stdio).

    `tasks` are the microtasks that it answers. `arguments` maps the tool's arguments to fields of the input, where they
    are not called the same. `price` in nano-USD is billed per call. `key`, where given, is sent as a bearer token.
    """

    tool: str
    tasks: tuple[str, ...]
    url: str = ""
    command: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    price: int = 0
    seconds: float = 30.0
    key: Callable[[], str] | None = None
    accepts: DataLabel = "internal"
    jurisdictions: tuple[str, ...] = ("unknown",)
    concurrency: int = 4
    right: float = 0.6


class McpTool:
    """Answers by one call of the tool. It connects at the first, and again at the next after the connection broke.

    A result that says that it is an error is none; what it says is not kept, since it may quote the input. Raises
    MissingExtra without the extra `mcp`.
    """

    def __init__(self, name: str, options: McpOptions) -> None:
        if importlib.util.find_spec("mcp") is None:
            raise MissingExtra(f"{name} needs mcp", hint='pip install "atomic-market[mcp]"')
        self._options = options
        self._tag = Tag(options.price)
        self._connection: _Connection | None = None
        self._profile = Profile(
            name=name,
            kind="mcp",
            right=options.right,
            accepts=options.accepts,
            jurisdictions=options.jurisdictions,
            concurrency=options.concurrency,
            deterministic=False,
        )

    @property
    def profile(self) -> Profile:
        """As configured."""
        return self._profile

    def reprice(self, price: BookPrice) -> None:
        """Take on another price per call, from the next offer on."""
        if price.call is not None:
            self._tag.change(price.call, as_of=price.as_of)

    def offer(self, ask: Ask, sketch: Sketch) -> Offer | NoBid:
        """Its price per call; no claim."""
        name = self._profile.name
        if ask.task.name not in self._options.tasks:
            return NoBid(bidder=name, tactic=sketch.tactic, reason=Reason.DECLINED, detail="not for this task")
        price = self._tag.offered(ask)
        return Offer(bidder=name, tactic=sketch.tactic, price=price, ceiling=price)

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        """One call."""
        price, given = self._tag.of(ask), orjson.loads(ask.input_json)
        names = {name: name for name in given} if not self._options.arguments else self._options.arguments
        if missing := [one for one in names.values() if one not in given]:
            return Reply(reason=Reason.NOT_CONFIGURED, detail=f"the input has no {', '.join(missing)}")
        if self._connection is None or self._connection.over:
            self._connection = _Connection(self._options)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                client = await self._connection.client()
        except TimeoutError:
            return Reply(reason=Reason.TIMED_OUT, detail="no connection")
        except Exception as error:  # whatever the library and a foreign process make of it; nothing was called
            return Reply(reason=Reason.FAILED, detail=f"no connection: {type(error).__name__}")
        try:
            async with asyncio.timeout(self._options.seconds):
                found = await client.call_tool(self._options.tool, {name: given[of] for name, of in names.items()})
        except TimeoutError:
            return Reply(reason=Reason.TIMED_OUT, price=price)
        except Exception as error:  # the same, once it may have been called: so it may be billed
            self._connection.end()
            return Reply(reason=Reason.FAILED, detail=type(error).__name__, price=price)
        if found.is_error:
            return Reply(reason=Reason.FAILED, detail="the tool says that it failed", price=price)
        return _answer(ask, found, price)

    async def close(self) -> None:
        """End the connection, and the process behind it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class _Connection:
    """A client in a task of its own: the library wants to be left where it was entered."""

    def __init__(self, options: McpOptions) -> None:
        self._options = options
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda one: one.cancelled() or one.exception())
        self._ending = asyncio.Event()
        self._task = asyncio.create_task(self._keep())

    @property
    def over(self) -> bool:
        return self._ending.is_set() or self._task.done()

    async def client(self) -> Client:
        return await asyncio.shield(self._ready)

    def end(self) -> None:
        self._ending.set()

    async def close(self) -> None:
        self._ending.set()
        if not self._ready.done():
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(await self._made(stack))
                self._ready.set_result(client)
                await self._ending.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error if isinstance(error, Exception) else ConnectionError("cancelled"))
            if not isinstance(error, Exception):
                raise

    async def _made(self, stack: AsyncExitStack) -> Client:
        from mcp import Client
        from mcp.client.stdio import StdioServerParameters
        from mcp.client.streamable_http import streamable_http_client

        options = self._options
        if options.command:
            return Client(StdioServerParameters(command=options.command[0], args=list(options.command[1:])))
        if options.key is None:
            return Client(options.url)
        import httpx2

        headers = {"authorization": f"Bearer {options.key()}"}
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers))
        return Client(streamable_http_client(options.url, http_client=http))


def _answer(ask: Ask, found: Any, price: int) -> Reply:
    """The structured result, or its texts, as the task's type; a text is read by the market."""
    value: object = found.structured_content
    if isinstance(value, Mapping) and set(value) == {"result"}:  # how the library wraps what is no object
        value = value["result"]
    if value is None:
        value = "\n".join(one.text for one in found.content if one.type == "text")
        if not value:
            return Reply(reason=Reason.EMPTY, price=price)
    if isinstance(value, str):
        return Reply(value=value, price=price)
    answer = from_json(ask.task, value)
    if isinstance(answer, Refusal):
        return Reply(reason=answer.reason, detail=answer.detail, price=price)
    return Reply(value=answer, price=price)

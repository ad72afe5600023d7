"""The market as an MCP server: its tasks are run, explained, tried otherwise and judged by tools.

Over stdio for a program on this machine (`atomic mcp`), or within the server at `/mcp`, where the key says whose
requests it makes and sees. What a tool refuses it says in words; what it did wrong is told by its kind alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from atomic.errors import AtomicError, CallerError, NotFound
from atomic.explain import explain as explained
from atomic.market import Market
from atomic.records.microtask import Microtask
from atomic.server.tasks import call_of
from atomic.trade import Trade
from atomic.version import __version__
from atomic.whatif import Amount, Change
from atomic.whatif import what_if as tried

P = ParamSpec("P")
T = TypeVar("T")
_INSTRUCTIONS = (
    "A market for AI work. `tasks` lists what can be asked; `run_task` buys an answer and says how probably it is "
    "right, what it cost and who gave it; `explain` says why; `what_if` what would have been bought otherwise. Say "
    "with `feedback` whether an answer was right: it learns from that at once."
)


class Desk(Protocol):
    """Whose requests these are, and what they may see. `request` is the HTTP request; None over stdio."""

    @property
    def market(self) -> Market:
        """The market."""
        ...

    @property
    def tasks(self) -> Mapping[str, Microtask[..., Any]]:
        """Microtasks by name."""
        ...

    async def trade(self, request: Any, task: str) -> Trade:
        """The options of a purchase. Raises KeyRefused or TooMany."""
        ...

    def visible(self, request: Any) -> Sequence[Microtask[..., Any]]:
        """The tasks that may be run. Raises KeyRefused."""
        ...

    def tenant(self, request: Any, doing: str) -> str:
        """Whose requests are meant. Raises KeyRefused where this may not be done."""
        ...

    def sees_answers(self, request: Any) -> bool:
        """Whether what was answered may be told."""
        ...

    def author(self, request: Any, stated: str) -> str:
        """In whose name a word is given."""
        ...

    def whole(self, request: Any) -> None:
        """Raises KeyRefused where not the whole ledger may be read."""
        ...


@dataclass(frozen=True, slots=True)
class OwnDesk:
    """For the owner of this machine: everything, in no tenant's name."""

    market: Market
    tasks: Mapping[str, Microtask[..., Any]]

    async def trade(self, request: Any, task: str) -> Trade:
        """No options."""
        return Trade()

    def visible(self, request: Any) -> Sequence[Microtask[..., Any]]:
        """All."""
        return list(self.tasks.values())

    def tenant(self, request: Any, doing: str) -> str:
        """Of nobody in particular."""
        return ""

    def sees_answers(self, request: Any) -> bool:
        """Yes."""
        return True

    def author(self, request: Any, stated: str) -> str:
        """As stated."""
        return stated

    def whole(self, request: Any) -> None:
        """May read it."""


def mcp_server(desk: Desk) -> MCPServer[Any]:
    """The server with its five tools."""
    server: MCPServer[Any] = MCPServer("atomic", instructions=_INSTRUCTIONS, version=__version__)
    tools = Tools(desk)
    for tool in (tools.tasks, tools.run_task, tools.explain, tools.what_if, tools.feedback):
        server.add_tool(_told(tool))
    return server


class Tools:
    """What the tools do; their docstrings are what a model reads of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def tasks(self, ctx: Context) -> dict[str, Any]:
        """What can be asked: every task with its instruction and the JSON Schemas of its input and answer."""
        found = sorted(self._desk.visible(_request(ctx)), key=lambda one: one.name)
        return {"tasks": [_task(one) for one in found]}

    async def run_task(self, task: str, input: Any, ctx: Context, request_id: str = "") -> dict[str, Any]:
        """Buy an answer to one input. `request_id` is an idempotency key: the same again buys nothing.

        A status "refused" is an honest refusal, and `why` says why.
        """
        known = self._desk.tasks.get(task)
        if known is None:
            raise NotFound(f"there is no task {task!r}", hint="the tool `tasks` lists them")
        trade = replace(await self._desk.trade(_request(ctx), task), request_id=request_id)
        outcome = await self._desk.market.buy(call_of(known, input), trade)
        answer = None if outcome.refused else known.output.dump_python(outcome.answer, mode="json")
        return {
            "request_id": outcome.id,
            "status": "refused" if outcome.refused else "answered",
            "answer": answer,
            "why": outcome.why,
            "probability": outcome.probability,
            "probability_source": outcome.probability_source,
            "cost_usd": outcome.cost / 1e9,
            "winner": outcome.winner,
        }

    async def explain(self, request_id: str, ctx: Context, brief: bool = False) -> str:
        """Why this request was answered by whom, what else was bid, and what it would have taken, in plain words."""
        tenant = self._desk.tenant(_request(ctx), "requests")
        story = explained(self._desk.market.ledger, request_id, tenant=tenant)
        if not self._desk.sees_answers(_request(ctx)):
            story = story.without_answers()
        return story.brief() if brief else story.text()

    async def what_if(
        self,
        ctx: Context,
        worth: str = "",
        without: list[str] | None = None,
        prices: dict[str, str] | None = None,
        task: str = "",
        last: int = 1_000,
    ) -> dict[str, Any]:
        """What recorded requests would have bought if a right answer had been worth another amount ("2x", "$0.01"), if
        some bidders had not been there, or had asked other prices."""
        self._desk.whole(_request(ctx))
        if not (worth or without or prices):
            raise CallerError("nothing is otherwise", hint="say worth, without or prices")
        change = Change(
            worth=Amount.read(worth) if worth else None,
            without=tuple(without or ()),
            prices=tuple((name, Amount.read(amount)) for name, amount in (prices or {}).items()),
        )
        found = tried(self._desk.market.ledger, change, task=task, last=max(1, last))
        return {"totals": found.totals(), "changed": [one.request_id for one in found.changed]}

    async def feedback(
        self, request_id: str, ctx: Context, right: float | None = None, truth: Any = None, author: str = ""
    ) -> str:
        """Say how right an answer was (0 to 1), or what is right. `author` is a role or an id, never an address."""
        tenant = self._desk.tenant(_request(ctx), "judging")
        author = self._desk.author(_request(ctx), author)
        await self._desk.market.feedback(request_id, right, truth=truth, author=author, tenant=tenant)
        return "learned"


def _request(ctx: Context) -> Any:
    return ctx.request_context.request


def _task(task: Microtask[..., Any]) -> dict[str, Any]:
    return {
        "name": task.name,
        "instruction": task.instruction,
        "input": task.input_model.model_json_schema(),
        "output": task.output.json_schema(),
    }


def _told(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """A tool whose errors say what to do, or, where they are not ours, nothing that they quote."""

    @wraps(tool)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except AtomicError as error:
            raise ToolError(str(error)) from None
        except Exception as error:  # a bug: its message may quote an input
            raise ToolError(f"crashed: {type(error).__name__}") from None

    return told

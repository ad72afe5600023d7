"""MCP both ways: the market's tools, over stdio and HTTP, and tools that bid; each tried against the other."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from tests.market.shop import awards, bidder, finished, no_bids, opened, spam
from tests.server.processes import ran, served, written
from tests.serving import serving

import atomic
from atomic.bidders.mcp_tool import McpOptions, McpTool
from atomic.clock import SystemClock
from atomic.integrations.mcp_server import OwnDesk, mcp_server
from atomic.market import Market
from atomic.records.bid import Reason
from atomic.testing import Line, check_bidder
from atomic.testing.model_server import model_server

CANARY = "the-canary-that-no-error-quotes"
TOOLS = '''
from typing import Literal
from mcp.server.mcpserver import MCPServer
tools = MCPServer("tools")

@tools.tool()
def is_spam(mail: str) -> Literal["spam", "ham"]:
    """Whether a mail is spam."""
    return "spam" if "pills" in mail else "ham"

tools.run("stdio")
'''


@asynccontextmanager
async def asked(market: Market) -> AsyncIterator[Client]:
    async with Client(mcp_server(OwnDesk(market, {"spam": spam}))) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    found = await client.call_tool(tool, arguments)
    assert not found.is_error, found.content
    said = found.structured_content
    return said["result"] if isinstance(said, dict) and set(said) == {"result"} else said


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    found = await client.call_tool(tool, arguments)
    assert found.is_error
    (content,) = found.content
    assert content.type == "text"
    return content.text


async def test_a_task_is_run_explained_judged_and_tried_otherwise() -> None:
    market = await opened(bidder("dear", [Line(answer="spam", price=1_000)]), per_day=10**9)
    async with asked(market) as client:
        (task,) = (await call(client, "tasks"))["tasks"]
        outcome = await call(client, "run_task", task="spam", input={"text": "Cheap pills"}, request_id="r1")
        again = await call(client, "run_task", task="spam", input="Cheap pills", request_id="r1")
        story = await call(client, "explain", request_id="r1")
        learned = await call(client, "feedback", request_id="r1", right=1.0, author="agent")
        otherwise = await call(client, "what_if", without=["dear"])

    assert ("spam", ["text"]) == (task["name"], list(task["input"]["properties"]))
    assert ("answered", "spam", "dear+plain", 1e-6) == tuple(
        outcome[name] for name in ("status", "answer", "winner", "cost_usd")
    )
    assert outcome == again
    assert 1 == len(finished(market))
    assert "dear+plain" in story
    assert "learned" == learned
    assert ["r1"] == otherwise["changed"]


async def test_what_is_wrong_is_told_with_what_to_do_and_quotes_nothing() -> None:
    market = await opened(bidder("a", ["spam"]))
    async with asked(market) as client:
        unknown = await refused(client, "run_task", task="nonsense", input=CANARY)
        misfit = await refused(client, "run_task", task="spam", input={"text": {"no": CANARY}})
        nobody = await refused(client, "explain", request_id="nobody")
        nothing = await refused(client, "what_if")

    assert "the tool `tasks` lists them" in unknown
    assert CANARY not in unknown + misfit
    assert "nobody" in nobody
    assert "say worth, without or prices" in nothing


async def test_over_stdio_as_a_program_of_its_own(tmp_path: Path) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url)
        command = StdioServerParameters(command=sys.executable, args=["-m", "atomic", "mcp"], cwd=tmp_path)
        async with Client(command) as client:
            outcome = await call(client, "run_task", task="mood", input="Thanks a lot!", request_id="r1")
    code, told = await ran(tmp_path, "explain", "r1")

    assert ("answered", "friendly") == (outcome["status"], outcome["answer"])
    assert (0, True) == (code, "mini" in told)


@pytest.mark.timeout(180)
async def test_at_the_server_with_keys_and_tenants(tmp_path: Path) -> None:
    async with model_server(answer="friendly") as upstream:
        written(tmp_path, upstream.url)
        _, told = await ran(tmp_path, "keys", "create", "shop", "--tenant", "acme")
        key = next(line for line in told.splitlines() if line.startswith("atk_"))
        async with served(tmp_path) as (_, url):
            async with httpx.AsyncClient() as stranger:
                assert 401 == (await stranger.post(f"{url}/mcp", json={})).status_code
            import httpx2

            async with (
                httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}) as http,
                Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
            ):
                outcome = await call(client, "run_task", task="mood", input="Thanks!", request_id="r1")
                story = await call(client, "explain", request_id="r1", brief=True)
                whole = await refused(client, "what_if", worth="2x")

    assert ("answered", "friendly") == (outcome["status"], outcome["answer"])
    assert story
    assert "tenant" in whole


def tools() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("tools")

    @server.tool()
    def is_spam(mail: str) -> Literal["spam", "ham"]:
        """Whether a mail is spam."""
        if "crash" in mail:
            raise ValueError(CANARY)
        return "spam" if "pills" in mail else "ham"

    @server.tool()
    def maybe(text: str) -> str:
        """An opinion."""
        return "perhaps"

    @server.tool()
    async def slow(text: str) -> str:
        """Takes its time."""
        await asyncio.sleep(60)
        return "spam"

    return server


@asynccontextmanager
async def tool(name: str = "is_spam", **options: Any) -> AsyncIterator[McpTool]:
    async with serving(tools().streamable_http_app()) as url:
        given: dict[str, Any] = {"arguments": {"mail": "text"}} if name == "is_spam" else {}
        made = McpTool(
            "lookup", McpOptions(tool=name, tasks=("spam",), url=f"{url}/mcp", price=500, **given, **options)
        )
        try:
            yield made
        finally:
            await made.close()


async def test_a_tool_is_bought_and_billed() -> None:
    async with tool() as lookup:
        market = await opened(lookup, clock=SystemClock(), per_day=10**9)
        outcomes = await asyncio.gather(*(market.run(spam, f"{number} pills") for number in range(5)))
        (done, *_) = finished(market)

    assert {("spam", "lookup+plain")} == {(one.answer, one.winner) for one in outcomes}
    assert 500 == done.price


async def test_a_tool_that_fails_costs_its_call_and_quotes_nothing() -> None:
    async with tool() as lookup:
        market = await opened(lookup, clock=SystemClock(), per_day=10**9)
        await market.run(spam, "crash")
        (done,) = finished(market)

    assert (Reason.FAILED, 500) == (done.reason, done.price)
    assert CANARY not in done.detail


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [("maybe", {}, Reason.NOT_THE_TYPE), ("slow", {"seconds": 0.3}, Reason.TIMED_OUT), ("nothing", {}, Reason.FAILED)],
)
async def test_what_is_no_answer_is_told_with_its_reason(name: str, options: dict[str, Any], reason: Reason) -> None:
    async with tool(name, **options) as lookup:
        market = await opened(lookup, clock=SystemClock(), per_day=10**9)
        await market.run(spam, "hello")
        (done,) = finished(market)

    assert reason is done.reason


async def test_a_tool_that_is_not_there_is_not_billed_and_others_answer() -> None:
    away = McpTool("away", McpOptions(tool="x", tasks=("spam",), url="http://127.0.0.1:9/mcp", price=500, right=0.9))
    market = await opened(away, bidder("near", ["spam"], right=0.6), clock=SystemClock(), per_day=10**9)
    outcome = await market.run(spam, "hello")
    await market.close()

    assert "near+plain" == outcome.winner
    assert {0} == {one.price for one in finished(market)}


async def test_a_tool_bids_on_its_own_tasks_alone() -> None:
    other = McpTool("other", McpOptions(tool="x", tasks=("elsewhere",), url="http://127.0.0.1:9/mcp"))
    market = await opened(other)
    await market.run(spam, "hello")

    assert Reason.DECLINED is no_bids(market, awards(market)[0])["other"].reason


async def test_it_keeps_the_contract_of_bidders() -> None:
    async with serving(tools().streamable_http_app()) as url:
        options = McpOptions(tool="is_spam", tasks=("spam",), url=f"{url}/mcp", arguments={"mail": "text"})
        await check_bidder(lambda: McpTool("lookup", options), spam, [("Cheap pills",)])


async def test_a_market_by_configuration_starts_a_tools_program_and_ends_it(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(TOOLS)
    lookup = {
        "kind": "mcp",
        "command": [sys.executable, str(tmp_path / "tools.py")],
        "tool": "is_spam",
        "tasks": ["spam"],
        "arguments": {"mail": "text"},
    }
    config = {"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": {"lookup": lookup}}
    async with atomic.open(config) as market:
        outcome = await market.run(spam, "Cheap pills")

    assert ("spam", "lookup+plain") == (outcome.answer, outcome.winner)


async def test_a_market_buys_from_the_tools_of_another_market(tmp_path: Path) -> None:
    far = await opened(bidder("deep", ["spam"]))
    async with serving(mcp_server(OwnDesk(far, {"spam": spam})).streamable_http_app()) as url:
        options = McpOptions(tool="explain", tasks=("spam",), url=f"{url}/mcp", arguments={"request_id": "text"})
        near = await opened(McpTool("far", options), clock=SystemClock())
        await near.run(spam, "nobody")
        await near.close()
        (done,) = finished(near)

    assert Reason.FAILED is done.reason
    assert "nobody" not in json.dumps(done.detail)

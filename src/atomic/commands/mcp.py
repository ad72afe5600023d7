"""`atomic mcp`: the market as an MCP server over stdio, for an agent on this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from atomic.commands.common import ConfigOption, LedgerOption, config_for
from atomic.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from atomic.config import Config


def mcp(config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """Serve the market's tools to an MCP client over stdin and stdout.

    The tasks are those of the modules that [serve] tasks names. See docs/mcp.md.
    """
    read = config_for(config, ledger)
    try:
        import mcp  # noqa: F401 - asked for before the market opens
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed", hint='pip install "atomic-market[mcp]"') from None
    if not read.settings.serve.tasks:
        raise ConfigError("there are no tasks to serve", hint='[serve] tasks = ["tasks.py"] names where they are')
    asyncio.run(_serve(read))


async def _serve(config: Config) -> None:
    from atomic.config import open
    from atomic.integrations.mcp_server import OwnDesk, mcp_server
    from atomic.server.tasks import tasks_of

    async with open(config) as market:
        await mcp_server(OwnDesk(market, tasks_of(config))).run_stdio_async()

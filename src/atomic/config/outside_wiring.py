"""How bidders that lie outside are made of their tables."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from atomic.config.outsiders import McpSettings, RemoteSettings
from atomic.config.secrets import secret_of
from atomic.config.values import SecretSettings
from atomic.protocols import Bidder

if TYPE_CHECKING:
    from atomic.bidders.signatures import Key


def remote(name: str, settings: RemoteSettings, folder: Path) -> Bidder:
    """A remote bidder; its signing key is read when it is first needed."""
    from atomic.bidders.remote import RemoteBidder, RemoteOptions

    def key() -> Key:
        from atomic.bidders.signatures import Key

        return Key.read(secret_of(_placed(settings.key, folder), user=name, what=f"the key of {name}"))

    options = RemoteOptions(
        url=settings.url,
        key=cache(key),
        public_key=settings.public,
        most=settings.most,
        bid_seconds=settings.bid_within,
        shows=settings.shows,
        tasks=settings.tasks,
        accepts=settings.accepts,
        jurisdictions=settings.jurisdictions,
        concurrency=settings.concurrency,
        right=settings.right,
        family=settings.family,
    )
    return RemoteBidder(name, options)


def mcp_tool(name: str, settings: McpSettings, folder: Path) -> Bidder:
    """A tool of an MCP server; a relative path in its command begins where the program was started."""
    from atomic.bidders.mcp_tool import McpOptions, McpTool

    where = settings.key
    options = McpOptions(
        tool=settings.tool,
        tasks=settings.tasks,
        url=settings.url or "",
        command=settings.command or (),
        arguments=settings.arguments,
        price=settings.price,
        seconds=settings.seconds,
        key=None if where is None else partial(secret_of, _placed(where, folder), user=name, what=f"the key of {name}"),
        accepts=settings.accepts,
        jurisdictions=settings.jurisdictions,
        concurrency=settings.concurrency,
        right=settings.right,
    )
    return McpTool(name, options)


def _placed(where: SecretSettings, folder: Path) -> SecretSettings:
    """The same place; a file's path begins at the configuration."""
    return where if where.file is None else SecretSettings(file=str(folder / Path(where.file).expanduser()))

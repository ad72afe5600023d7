"""`atomic conform`: whether a service keeps the bidding protocol; and the public key that it has to know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atomic.commands.common import JsonOption, columns, print_json, say
from atomic.errors import CallerError, MissingExtra

if TYPE_CHECKING:
    from atomic.bidders.signatures import Key
    from atomic.testing.conformance import Check

_MARKS = {True: "kept", False: "BROKEN", None: "not tried"}


def conform(
    url: Annotated[str, typer.Argument(help="Where the bidder is; without it, print the public key of --key.")] = "",
    key: Annotated[
        Path | None, typer.Option(help="The market's signing key: 32 bytes in base64 (openssl rand -base64 32).")
    ] = None,
    public: Annotated[str, typer.Option(help="The bidder's public key, in base64.")] = "",
    request: Annotated[
        Path | None, typer.Option(help="A request that it bids on, as JSON: task, input, label, language.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Try every promise of the bidding protocol on a service.

    Exit 1 if one is broken. See docs/bidding-protocol.md.
    """
    if key is None:
        raise CallerError("--key is needed", hint="openssl rand -base64 32 > market.key; chmod 600 market.key")
    ours = _key(key)
    if not url:
        say(ours.public)
        return
    if not public:
        raise CallerError("--public is needed: the bidder's public key, in base64")
    checks = asyncio.run(_tried(url, ours, public, _request(request)))
    if json:
        print_json([{"check": one.name, "kept": one.kept, "seen": one.seen} for one in checks])
    else:
        for line in columns(
            [(_MARKS[one.kept], one.name, "" if one.kept and one.seen == "" else one.seen) for one in checks]
        ):
            say(line)
    raise typer.Exit(1 if any(one.kept is False for one in checks) else 0)


def _key(path: Path) -> Key:
    try:
        from atomic.bidders.signatures import Key
    except ImportError as error:
        raise MissingExtra(f"{error.name} is not installed", hint='pip install "atomic-market[http]"') from None
    try:
        return Key.read(path.read_text())
    except OSError as error:
        raise CallerError(f"{path} cannot be read: {error.strerror}") from None


def _request(path: Path | None) -> Mapping[str, Any]:
    import orjson

    from atomic.testing.conformance import PROBE

    if path is None:
        return PROBE
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise CallerError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CallerError(f"{path} is not JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("task"), dict) or "input" not in found:
        raise CallerError(f"{path}: a request has a task and an input", hint="docs/bidding-protocol.md shows one")
    return found


async def _tried(url: str, key: Key, public: str, request: Mapping[str, Any]) -> list[Check]:
    import httpx

    from atomic.testing.conformance import conform as tried

    try:
        return await tried(url, key, public, request)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CallerError(f"nobody answers at {url}: {type(error).__name__}") from None

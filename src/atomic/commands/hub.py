"""`atomic models pull` and `list`: models by name from a model hub, with their hash and licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from atomic.commands.common import JsonOption, columns, print_json, say

if TYPE_CHECKING:
    from atomic.bidders.hub import Tell

_HEADING = ("model", "licence", "size", "sha256")


def pull(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help='"hub:owner/name/file.gguf", perhaps "@revision#sha256=…".')
    ],
    look: Annotated[bool, typer.Option("--look", help="Only say what it is; fetch nothing.")] = False,
) -> None:
    """Fetch a model from a model hub.

    Says its licence, size and hash first. What broke off goes on; what is fetched is checked against the hash. Set
    $HF_ENDPOINT for another hub, $HF_TOKEN where it wants a key.
    """
    from atomic.bidders.gguf import default_cache
    from atomic.bidders.hub import fetch, look_up

    found = look_up(model)
    say(f"{found.repository}/{found.file} at {found.commit[:12]}")
    say(f"licence: {found.licence or 'none stated'}")
    say(f"size:    {found.size:,} bytes")
    say(f"sha256:  {found.sha256}")
    if look:
        return
    path = fetch(found, default_cache(), tell=_told())
    typer.echo("", err=True)
    say(f"fetched: {path}")
    say(f'in a configuration: model = "{found.pinned}"')


def fetched(json: JsonOption = False) -> None:
    """List the models that were fetched, with their hash and licence."""
    from atomic.bidders.gguf import default_cache
    from atomic.bidders.hub import HUB, known

    rows = [
        (f"{HUB}{one.repository}/{one.file}", one.licence or "none stated", f"{one.size:,}", one.sha256)
        for one in known(default_cache())
    ]
    if json:
        print_json([dict(zip(_HEADING, row, strict=True)) for row in rows])
        return
    for line in columns([_HEADING, *rows]):
        say(line)


def _told() -> Tell:
    """Says how far it is, at every hundredth."""
    said = -1

    def tell(there: int, size: int) -> None:
        nonlocal said
        if (percent := 100 * there // max(1, size)) != said:
            said = percent
            typer.echo(f"\r{percent} %", nl=False, err=True)

    return tell

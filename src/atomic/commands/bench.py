"""`atomic bench`: measure the market on this machine. Each bench is a module of `atomic.bench` with a `run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from atomic.errors import CallerError

NAMES = ("decide", "ledger", "replay", "overhead", "memory", "inbox")
_PARTS = {"ledger": ("ledger", "rebuild")}  # one bench for people, measured by two modules
_MAIL_FILES = ("mail.tar.xz", "labels.jsonl")
QUICK = ("decide", "ledger", "replay", "overhead")


def bench(
    name: Annotated[str, typer.Argument(help=f"{', '.join(NAMES)}; without one: {', '.join(QUICK)}.")] = "",
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="inbox: a folder with mail.tar.xz and labels.jsonl.")
    ] = None,
    task: Annotated[str, typer.Option(help="inbox: which task is measured.")] = "spam",
    feedback: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="inbox: the share of the stream that is labelled.")
    ] = 1.0,
    only: Annotated[str, typer.Option(help='inbox: "local-models" leaves out all other bidders.')] = "",
    limit: Annotated[int | None, typer.Option(min=2, help="inbox: that many mails.")] = None,
    headers: Annotated[str, typer.Option(help='inbox: "all" shows every header.')] = "",
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="inbox: keep models' replies there.")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")] = None,
) -> None:
    """Measure, and print a table."""
    inbox = {"task": task, "feedback": feedback, "only": only, "limit": limit, "headers": headers, "cache": cache}
    if name and name not in NAMES:
        raise typer.BadParameter(f"there is no bench {name!r}: one of {', '.join(NAMES)}")
    if (name == "inbox") != (folder is not None):
        raise typer.BadParameter("`atomic bench inbox DIR` needs a folder, and no other bench does")
    if folder is not None and (lacking := [one for one in _MAIL_FILES if not (folder / one).is_file()]):
        raise typer.BadParameter(f"{folder} holds no {' and no '.join(lacking)}")
    results: dict[str, Any] = {}
    for one in [name] if name else filter(_is_there, QUICK):
        results[one] = _run(one, {"folder": folder, **inbox} if one == "inbox" else {})
    if json is not None:
        # A single bench's figures stand at the top as well, so that one file of all and files of one read alike.
        json.write_bytes(orjson.dumps(results | results.get(name, {}), option=orjson.OPT_INDENT_2))


def _is_there(name: str) -> bool:
    return find_spec(f"atomic.bench.{name}") is not None


def _run(name: str, options: Mapping[str, Any]) -> Any:
    if not _is_there(name):
        raise CallerError(f"this release has no bench {name!r}")
    result: dict[str, Any] = {}
    arguments = dict(options)
    folder = [arguments.pop("folder")] if arguments else []
    for part in filter(_is_there, _PARTS.get(name, (name,))):
        module = import_module(f"atomic.bench.{part}")
        result |= module.run(*folder, **arguments)
    typer.echo(name)
    table = getattr(module, "table", None)
    typer.echo(table(result) if table else "\n".join(_table(result)))
    return result


def _table(result: Mapping[str, Any], indent: str = "  ") -> Iterator[str]:
    """Figures as lines."""
    for key, value in result.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}"
            yield from _table(value, indent + "  ")
        else:
            shown = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            yield f"{indent}{key:<24} {shown}"

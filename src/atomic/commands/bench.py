"""`atomic bench`: measure the market on this machine. Each bench is a module of `atomic.bench` with a `run`."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from typer.core import TyperGroup

from atomic.commands.bench_routing import routing

# What takes no options of its own, with what `atomic bench --help` says of it.
_PLAIN = {
    "decide": "How long a decision takes, for 20 and 100 bidders.",
    "ledger": "Events per second into the ledger, and beliefs rebuilt from it.",
    "replay": "Awards recomputed per second.",
    "overhead": "What the market adds to calling a bidder directly.",
    "beliefs": "How long a lesson takes, and memory after a million.",
    "memory": "Memory after 10,000 and 100,000 requests.",
    "flows": "Durable flows against the bare engine's steps.",
    "load": "Latency and quality while one of five hangs, one lies about its price and one returns junk.",
    "typed": "A local model held to every type of the corpus: valid answers, and how long grammars take.",
    "engines": "What engines add to calling their library directly.",
}
_PARTS = {"ledger": ("ledger", "rebuild")}  # one bench for people, measured by two modules
_MAIL_FILES = ("mail.tar.xz", "labels.jsonl")
_ROW = "learn_"  # what modules of `atomic bench learn` begin with
QUICK = ("decide", "ledger", "replay", "overhead")

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there.")]


class _Benches(TyperGroup):
    """Whoever mistypes a name is told all of them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise typer.BadParameter(f"there is no bench {args[0]!r}: one of {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Benches,
    help=f"Measure, and print a table; without a name: {', '.join(QUICK)}.",
    invoke_without_command=True,
)
app.command()(routing)


@app.callback()
def _all(ctx: typer.Context, json: JsonFile = None) -> None:
    if ctx.invoked_subcommand is None:
        results = {name: _run(name) for name in QUICK if _is_there(name)}
        _write(json, results)


def _plain(name: str) -> Callable[..., None]:
    def command(json: JsonFile = None) -> None:
        _write_one(json, name, _run(name))

    return command


for _name, _help in _PLAIN.items():
    if find_spec(f"atomic.bench.{_name}") is not None:
        app.command(_name, help=_help)(_plain(_name))


@app.command()
def inbox(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with mail.tar.xz and labels.jsonl.")],
    task: Annotated[str, typer.Option(help="Which task is measured.")] = "spam",
    feedback: Annotated[float, typer.Option(min=0.0, max=1.0, help="The share of the stream that is labelled.")] = 1.0,
    only: Annotated[str, typer.Option(help='"local-models" leaves out all other bidders.')] = "",
    limit: Annotated[int | None, typer.Option(min=2, help="That many mails.")] = None,
    headers: Annotated[str, typer.Option(help='"all" shows every header.')] = "",
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep models' replies there.")] = None,
    json: JsonFile = None,
) -> None:
    """Right answers on real mails, against plain classifiers."""
    if lacking := [one for one in _MAIL_FILES if not (folder / one).is_file()]:
        raise typer.BadParameter(f"{folder} holds no {' and no '.join(lacking)}")
    options = {"task": task, "feedback": feedback, "only": only, "limit": limit, "headers": headers, "cache": cache}
    _write_one(json, "inbox", _run("inbox", folder, **options))


@app.command()
def tactics(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A folder that holds mail/, text/ or both."),
    ],
    only: Annotated[str, typer.Option(help="One row: mails, banking77 or clinc150.")] = "",
    model: Annotated[bool, typer.Option(help="With the local language model, a call to which takes seconds.")] = True,
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the model's replies there.")] = None,
    json: JsonFile = None,
) -> None:
    """Tactics on real mails and on texts with many labels: each alone, the market of them, and plain classifiers."""
    _write(json, _run("tactics", folder, only=only, model=model, cache=cache))


@app.command()
def gateway(
    against: Annotated[
        str, typer.Option(help="Who takes turns with it: direct, bare, litellm, portkey; with commas.")
    ] = "direct,bare",
    json: JsonFile = None,
) -> None:
    """What `atomic serve` adds to calling a model directly, and what it lets through, beside others in the same run.

    LiteLLM and Portkey are run from environments of their own, which `scripts/others.sh litellm node` makes.
    """
    names = tuple(one.strip() for one in against.split(",") if one.strip())
    _write_one(json, "gateway", _run("gateway", names))


@app.command()
def dashboard(
    requests: Annotated[int, typer.Option(min=100, help="That many requests are stored.")] = 100_000,
    json: JsonFile = None,
) -> None:
    """What pages of the dashboard cost while requests come in, what a viewer costs, and an audit bundle."""
    _write_one(json, "dashboard", _run("dashboard", requests))


@app.command()
def kill(
    kills: Annotated[int, typer.Option(min=1, help="That many processes.")] = 300,
    seed: Annotated[int, typer.Option(help="What is drawn by it: where each is killed.")] = 7,
    json: JsonFile = None,
) -> None:
    """Processes of an inbox killed at every step, with a mail server and a webhook outside.

    Exit 1 when something is lost, there twice, or in doubt without a question to a person.
    """
    result = _run("kill", kills, seed=seed)
    _write_one(json, "kill", result)
    if result["lost"] or result["doubled"] or result["unlisted"]:
        raise typer.Exit(1)


@app.command()
def repair(
    cases: Annotated[
        Path, typer.Argument(metavar="CASES", exists=True, dir_okay=False, help="A file of cases, JSON lines.")
    ],
    show: Annotated[bool, typer.Option("--show", help="Print each case that was wrong or missed.")] = False,
    json: JsonFile = None,
) -> None:
    """Damaged texts of models read as typed values: right, refused where that was due, wrong, missed.

    Exit 1 when a value was given that is not the right one.
    """
    result = _run("repair", cases, show=show)
    _write_one(json, "repair", result)
    if result["wrong"]:
        raise typer.Exit(1)


@app.command()
def week(
    mails: Annotated[int, typer.Option(min=800, help="That many mails.")] = 100_000,
    json: JsonFile = None,
) -> None:
    """A simulated week: restarts, kills, clock jumps, a full disk; what was lost, caps, the chain, memory."""
    _write_one(json, "week", _run("week", mails))


@app.command()
def learn(
    row: Annotated[str, typer.Argument(metavar="ROW", help="Which behaviour is measured; a wrong one names them all.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="An outcome table, for rows that need one.")
    ] = None,
    json: JsonFile = None,
) -> None:
    """One behaviour of a market that learns, on generated bidders or on those of an outcome table."""
    rows = _rows()
    if row not in rows:
        raise typer.BadParameter(f"there is no row {row!r}: one of {', '.join(rows)}")
    wanted = "folder" in signature(import_module(f"atomic.bench.{_ROW}{row}").run).parameters
    if wanted != (folder is not None):
        raise typer.BadParameter(f"the row {row} {'needs a folder' if wanted else 'needs no folder'}")
    _write(json, _run(f"{_ROW}{row}", *([folder] if folder is not None else [])))


def _rows() -> list[str]:
    folder = import_module("atomic.bench").__path__
    return sorted(one.name.removeprefix(_ROW) for one in pkgutil.iter_modules(folder) if one.name.startswith(_ROW))


def _is_there(name: str) -> bool:
    return find_spec(f"atomic.bench.{name}") is not None


def _run(name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for part in filter(_is_there, _PARTS.get(name, (name,))):
        module = import_module(f"atomic.bench.{part}")
        result |= module.run(*arguments, **options)
    typer.echo(name)
    table = getattr(module, "table", None)
    typer.echo(table(result) if table else "\n".join(_table(result)))
    return result


def _write(json: Path | None, results: Mapping[str, Any]) -> None:
    if json is not None:
        json.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))


def _write_one(json: Path | None, name: str, result: dict[str, Any]) -> None:
    """A bench's figures stand at the top as well, so that one file of all and files of one read alike."""
    _write(json, {name: result} | result)


def _table(result: Mapping[str, Any], indent: str = "  ") -> Iterator[str]:
    """Figures as lines."""
    for key, value in result.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}"
            yield from _table(value, indent + "  ")
        else:
            shown = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            yield f"{indent}{key:<24} {shown}"

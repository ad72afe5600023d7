"""`atomic` on the command line: which commands there are, and what becomes of errors."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from atomic.commands import (
    answer,
    audit,
    bench,
    bidders,
    calibrate,
    cases,
    conform,
    erase,
    explaining,
    feedback,
    feedback_import,
    flow,
    hub,
    importing,
    inbox,
    keys,
    ledger,
    mcp,
    modes,
    objectives,
    prices,
    serve,
    sources,
    tactics,
    tune,
    what_if,
)
from atomic.commands.failures import at_length, keep_private
from atomic.errors import AtomicError
from atomic.version import __version__

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_BUG = 70  # EX_SOFTWARE of sysexits.h


class _Commands(TyperGroup):
    """Errors that somebody can act on are told in plain words; where they arose only with --verbose."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AtomicError as error:
            if ctx.params.get("verbose"):
                typer.echo(at_length(error), err=True)
            typer.echo(f"atomic: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("atomic: interrupted", err=True)
            raise typer.Exit(_INTERRUPTED) from None


class _OneOrMany(TyperGroup):
    """`atomic feedback ID …` beside `atomic feedback import FILE`: what is no command's name is a request's."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        return super().resolve_command(ctx, args if args[0] == "import" else [_ONE, *args])


_ONE = "ID"
_feedback = typer.Typer(
    cls=_OneOrMany,
    help="Say how right an outcome was: `atomic feedback REQUEST`, or many at once: `import FILE`.",
    context_settings={"ignore_unknown_options": True},
)
_feedback.command("import")(feedback_import.import_)
_feedback.command(_ONE)(feedback.feedback)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help needs no rich, which would double its time
    pretty_exceptions_enable=False,
)


@app.callback()
def _atomic(
    verbose: Annotated[bool, typer.Option("--verbose", help="Log to stderr as JSON; show where errors arose.")] = False,
) -> None:
    """Atomic: a market for AI work."""
    if verbose:
        from atomic.commands.logs import configure_logs

        configure_logs(verbose=True)


app.command()(inbox.demo)
app.command()(serve.serve)
app.command()(mcp.mcp)
app.add_typer(keys.app, name="keys")
app.add_typer(inbox.app, name="inbox")
app.add_typer(flow.app, name="flow")
app.command()(explaining.explain)
app.command("why-not")(explaining.why_not)
app.command()(modes.savings)
app.command()(modes.modes)
app.command("what-if")(what_if.what_if)
app.add_typer(_feedback, name="feedback")
app.command()(answer.answer)
app.command()(calibrate.calibrate)
app.command("test")(cases.play_cases)
app.command()(tune.tune)
app.command("import")(importing.import_)
app.command()(explaining.replay)
app.command()(bidders.bidders)
app.command()(conform.conform)
app.command()(sources.sources)
app.command()(tactics.tactics)
app.command()(objectives.objectives)
bidders.models.command("pull")(hub.pull)
bidders.models.command("list")(hub.fetched)
app.add_typer(bidders.models, name="models")
app.add_typer(prices.app, name="prices")
app.add_typer(ledger.app, name="ledger")
app.command()(audit.audit)
app.command()(erase.erase)
app.command()(erase.retention)
app.command("export-subject")(erase.export_subject)
app.add_typer(bench.app, name="bench")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """The program."""
    keep_private()
    try:
        app(prog_name="atomic")
    except Exception as error:  # a bug: told without what it quotes
        typer.echo(f"{at_length(error)}\natomic: this is a bug; please report these lines", err=True)
        sys.exit(_BUG)

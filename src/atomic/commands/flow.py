"""`atomic flow …`: durable flows as they stand, and a person's word to them, whether or not they are running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import orjson
import typer

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, columns, ledger_file, print_json, say
from atomic.errors import CallerError, MissingExtra, NotFound

if TYPE_CHECKING:
    from atomic.durable.dbos_file import FlowsFile
    from atomic.records.flow import FlowState, Json

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Durable flows, such as one for each mail of `atomic inbox serve`.")

FlowArgument = Annotated[str, typer.Argument(metavar="ID", help="A flow's id, or its beginning.", show_default=False)]


@app.command("list")
def list_flows(
    status: Annotated[str, typer.Option(help="Only those: running, waiting, paused, parked, done or cancelled.")] = "",
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    json: JsonOption = False,
) -> None:
    """All flows, the newest first."""
    found = [one for one in _with(config, ledger, _all) if status in {"", one.status}]
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [("id", "kind", "status", "changed (UTC)", "why")]
    rows += [(one.id, one.kind, one.status, _time(one.changed_ns), one.reason or one.waits_for) for one in found]
    say("\n".join(columns(rows)) if found else "no flows")


@app.command()
def show(
    flow_id: FlowArgument, config: ConfigOption = None, ledger: LedgerOption = None, json: JsonOption = False
) -> None:
    """One flow: its argument, the steps that ended, its result or why it is parked."""
    one = _with(config, ledger, lambda flows: _one(flows, flow_id))
    if json:
        print_json(asdict(one))
        return
    said = {
        "status": one.status,
        "why": one.reason,
        "waits for": one.waits_for,
        "kind": one.kind,
        "argument": f"{one.argument}",
        "steps": ", ".join(one.steps),
        "result": "" if one.result is None else f"{one.result}",
        "began": _time(one.began_ns),
        "changed": _time(one.changed_ns),
    }
    say("\n".join([one.id, *columns([(f"  {name}", value) for name, value in said.items() if value])]))


@app.command()
def resume(flow_id: FlowArgument, config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """Let a paused or cancelled flow go on after its last ended step."""
    _go_on(config, ledger, flow_id, ("paused", "cancelled"))


@app.command()
def retry(flow_id: FlowArgument, config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """Let a parked flow try the step again that failed."""
    _go_on(config, ledger, flow_id, ("parked",))


@app.command()
def cancel(
    flow_id: FlowArgument,
    pause: Annotated[bool, typer.Option("--pause", help="Only for now: `resume` goes on.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """End a flow after the step that is being done."""

    async def work(flows: FlowsFile) -> str:
        one = await _one(flows, flow_id)
        if one.status in {"done", "cancelled"}:
            raise CallerError(f"flow {one.id} is {one.status}: there is nothing to cancel")
        await flows.cancel(one.id, pause=pause)
        return one.id

    say(f"{_with(config, ledger, work)}: {'paused' if pause else 'cancelled'}")


@app.command()
def signal(
    flow_id: FlowArgument,
    name: Annotated[str, typer.Argument(help="What it waits for, as `atomic flow show` says.", show_default=False)],
    value: Annotated[str, typer.Argument(help="What it is told: JSON, and what is none is a text.")] = "true",
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Tell a flow what it waits for, or will wait for: an approval, an event.

    It is kept in the file of flows as it is said: name things by their ids.
    """

    async def work(flows: FlowsFile) -> FlowState:
        one = await _one(flows, flow_id)
        if one.status in {"done", "cancelled"}:
            raise CallerError(f"flow {one.id} is {one.status}: it hears nothing any more")
        await flows.signal(one.id, name, _json(value))
        return one

    one = _with(config, ledger, work)
    then = "" if one.waits_for == name else f"; it waits for {one.waits_for or 'nothing'} now"
    say(f"{one.id}: told {name}{then}")


def _json(text: str) -> Json:
    """What was written, as JSON where it is some.

    >>> _json("true"), _json("7"), _json("Ann"), _json('"7"')
    (True, 7, 'Ann', '7')
    """
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value


def _go_on(config: Path | None, ledger: Path | None, flow_id: str, statuses: Sequence[str]) -> None:
    async def work(flows: FlowsFile) -> str:
        one = await _one(flows, flow_id)
        if one.status not in statuses:
            hint = "a parked flow is for `atomic flow retry`" if one.status == "parked" else ""
            raise CallerError(f"flow {one.id} is {one.status}, not {' or '.join(statuses)}", hint=hint)
        await flows.resume(one.id)
        return one.id

    say(f"{_with(config, ledger, work)}: goes on, now or when its runner is started")


def _with(config: Path | None, ledger: Path | None, work: Callable[[FlowsFile], Awaitable[T]]) -> T:
    from atomic.inbox.door import flows_file

    try:
        from atomic.durable.dbos_file import FlowsFile
    except ModuleNotFoundError as missing:
        if missing.name != "dbos":
            raise
        raise MissingExtra("durable flows need DBOS", hint="pip install 'atomic-market[flows]'") from None

    async def run() -> T:
        flows = FlowsFile(flows_file(ledger_file(config, ledger)))
        try:
            return await work(flows)
        finally:
            await flows.close()

    return asyncio.run(run())


async def _all(flows: FlowsFile) -> Sequence[FlowState]:
    return await flows.query()


async def _one(flows: FlowsFile, text: str) -> FlowState:
    """The flow that an id or its unique beginning means. Raises NotFound or CallerError."""
    ids = [one.id for one in await flows.query()]
    matching = [text] if text in ids else [one for one in ids if text and one.startswith(text)]
    if not matching:
        raise NotFound(f"there is no flow {text!r}", hint="see `atomic flow list`")
    if len(matching) > 1:
        raise CallerError(f"{len(matching)} flows match {text!r}", hint="write more of the id")
    return (await flows.query(matching[0]))[0]


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S") if ns else ""

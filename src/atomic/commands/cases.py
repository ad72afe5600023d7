"""`atomic test`: a user's own cases, against the market or one bidder."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from atomic.commands.common import ConfigOption, LedgerOption, config_for, say
from atomic.errors import CallerError, OperatorError

if TYPE_CHECKING:
    from atomic.cases import Compared, Played, Purse
    from atomic.cases.declared import Ready
    from atomic.config import Config
    from atomic.market import Market

_NOT_ALL_PLAYED = 3
_MARKS = {"passed": "ok   ", "failed": "FAIL ", "skipped": "skip "}


def play_cases(
    path: Annotated[Path, typer.Argument(help="A file of cases, or a folder of them.")] = Path(),
    bidder: Annotated[str, typer.Option(metavar="NAME", help="Ask this bidder alone: NAME or NAME+TACTIC.")] = "",
    max_cost: Annotated[
        str, typer.Option(metavar="AMOUNT", help="What all cases may cost together; needed where anything has a price.")
    ] = "",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit's XML.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Fail on a significant drop against these results alone.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results as a baseline for later runs.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every result as JSON.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Put down in the ledger what came of the cases, for the page of the task.")
    ] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Play a task's cases and compare what comes, field by field.

    On a copy of the ledger: nothing is learned from it. Exit code 0: all passed, or no significant drop against the
    baseline; 1: not so; 3: none failed, and not all could be played within --max-cost.
    """
    from atomic.cases import compare, find_suites, read_baseline, written
    from atomic.cases import junit as as_junit

    known = None if baseline is None else read_baseline(baseline)
    cases = find_suites(path)
    read = config_for(config, ledger)
    played = asyncio.run(_play(read, cases, bidder, _limit(read, max_cost)))
    if record:
        asyncio.run(_record(read, cases, played, bidder))
    compared = None if known is None else compare(known, played)
    if junit is not None:
        junit.write_bytes(as_junit(played))
    if json is not None:
        json.write_bytes(_as_json(played, compared))
    if write_baseline is not None:
        write_baseline.write_bytes(written(played, bidder))
    _end(played, compared)


def _limit(config: Config, amount: str) -> int | None:
    from atomic.records.money import nano_usd

    if amount:
        return nano_usd(amount)
    if dear := [name for name, one in config.settings.bidders.items() if one.priced]:
        raise CallerError(f"{dear[0]} has a price, and --max-cost is missing", hint="such as --max-cost $0.50")
    return None


async def _play(config: Config, cases: Sequence[Ready], bidder: str, limit: int | None) -> list[Played]:
    from atomic.cases import Purse, play

    purse = Purse(limit)
    async with _copied(config, purse) as market:
        return await play(market, cases, purse, bidder=bidder, tell=_tell)


async def _record(config: Config, cases: Sequence[Ready], played: Sequence[Played], bidder: str) -> None:
    """Put down what came of them. A ledger that cannot be written fails no test."""
    from atomic.cases import entries
    from atomic.clock import SystemClock
    from atomic.config.wiring import ledger_of

    if config.ledger is None or not config.ledger.exists():
        say("not put down: there is no ledger")
        return
    clock = SystemClock()
    try:
        ledger = ledger_of(config.ledger, clock)
        try:
            await ledger.append(list(entries(cases, played, bidder, clock.time_ns())))
        finally:
            await ledger.close()
    except OperatorError as error:
        say(f"not put down: {error.message}")


@asynccontextmanager
async def _copied(config: Config, purse: Purse) -> AsyncIterator[Market]:
    """A market on a copy of the ledger, in which nobody's modes are: what tests teach and buy beside is nobody's.

    What they may cost is taken from the day's cap of the ledger itself before, and what was not spent given back.
    """
    from atomic.config import open as open_market
    from atomic.config import unwritten, with_ledger

    settings = config.settings.model_copy(update={"task": {}})
    config = replace(config, settings=settings)
    if config.ledger is None or not config.ledger.exists():
        async with open_market(unwritten(config)) as market:
            yield market
        return
    from atomic.ledger.backup import NAME, back_up

    with tempfile.TemporaryDirectory(prefix="atomic-test-") as folder:
        copy = Path(folder) / "copy"
        await asyncio.to_thread(back_up, config.ledger, copy)
        async with _reserved(config, purse), open_market(with_ledger(config, copy / NAME)) as market:
            yield market


@asynccontextmanager
async def _reserved(config: Config, purse: Purse) -> AsyncIterator[None]:
    if not purse.limit:
        yield
        return
    from atomic.clock import SystemClock
    from atomic.config.wiring import ledger_of
    from atomic.protocols import Spend
    from atomic.records.event import Entry
    from atomic.records.outcome import MarketOpened
    from atomic.rules.auction import RULES_VERSION
    from atomic.shop import day_of
    from atomic.version import __version__

    clock = SystemClock()
    ledger = ledger_of(config.ledger, clock)
    opened = Entry(payload=MarketOpened(version=__version__, rules_version=RULES_VERSION, config=config.digest))
    day = day_of(clock.time_ns())
    try:
        kept = Spend(day=day, change=purse.limit, cap=config.settings.market.per_day)
        if not await ledger.append([opened], spend=kept):
            raise CallerError("the cap of this day leaves less than --max-cost", hint="`market.per_day` says it")
        try:
            yield
        finally:
            await ledger.append([opened], spend=Spend(day=day, change=purse.spent - purse.limit))
    finally:
        await ledger.close()


def _tell(one: Played) -> None:
    from atomic.records.money import dollars

    who = f" ({one.winner}, {dollars(one.cost)})" if one.winner else ""
    say(f"{_MARKS[one.status]} {one.id}{who}")
    for line in one.said:
        say(f"        {line}")
    for title, _ in one.noted:
        say(f"        noted: does not hold: {title}")


def _as_json(played: Sequence[Played], compared: Compared | None) -> bytes:
    rows = [
        {
            "id": one.id,
            "task": one.task,
            "status": one.status,
            "said": one.said,
            "noted": [title for title, _ in one.noted],
            "differences": [
                {"path": each.path, "kind": each.kind, "expected": each.expected, "given": each.given}
                for each in one.differences
            ],
            "winner": one.winner,
            "probability": one.probability,
            "cost_nano_usd": one.cost,
            "seconds": one.seconds,
        }
        for one in played
    ]
    found: dict[str, object] = {"cases": rows}
    if compared is not None:
        found["baseline"] = {
            "both": compared.both,
            "worse": compared.worse,
            "better": compared.better,
            "p": compared.chance,
            "test": "exact McNemar, one-sided",
            "dropped": compared.dropped,
        }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2, default=str) + b"\n"


def _end(played: Sequence[Played], compared: Compared | None) -> None:
    from atomic.records.money import dollars

    count = Counter(one.status for one in played)
    said = f"{count['passed']} passed, {count['failed']} failed"
    if count["skipped"]:
        said += f", {count['skipped']} not played"
    say(f"{said}; {dollars(sum(one.cost for one in played))}")
    if compared is not None:
        say(compared.words)
        for one in compared.worse:
            say(f"        worse: {one}")
    if compared.dropped if compared is not None else count["failed"]:
        raise typer.Exit(1)
    if count["skipped"]:
        raise typer.Exit(_NOT_ALL_PLAYED)

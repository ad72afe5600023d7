"""`atomic prices …`: what bidders cost, from when that is, and how it changes."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, columns, config_for, print_json, say
from atomic.errors import CallerError, ConfigError
from atomic.records.money import dollars

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.config.prices import Change
    from atomic.records.price import BookPrice

app = typer.Typer(no_args_is_help=True, help="What bidders cost: the price book in the ledger.")
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A price file: TOML, or JSON in a file .json.")]


@app.command()
def update(
    file: FileArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Although a price changes more than tenfold.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Record the prices of a file. Running processes offer at them from their next request on."""
    from atomic.config.prices import changes

    read = config_for(config, ledger)
    if read.ledger is None:
        raise ConfigError("this configuration keeps its ledger in memory: no price can be recorded")
    old, new = _compared(read, file)
    fresh = [price for price in new if price != old.get(price.bidder)]
    if not fresh:
        say("Nothing is new.")
        return
    found = changes(old, fresh)
    if not yes and (doubts := [*_doubts(found, old, fresh)]):
        raise CallerError("\n".join(doubts), hint="look again; if it is so, say --yes")
    seq = asyncio.run(_record(read.ledger, fresh))
    _show(found)
    say(f"Recorded as event {seq}: {', '.join(price.bidder for price in fresh)}.")


def _doubts(found: list[Change], old: dict[str, BookPrice], new: list[BookPrice]) -> Iterator[str]:
    for one in found:
        if one.absurd:
            yield f"{one.bidder}: {one.unit} from {dollars(one.old or 0)} to {dollars(one.new or 0)}"
    for price in new:
        if price.bidder in old and price.as_of < old[price.bidder].as_of:
            yield f"{price.bidder}: as of {price.as_of}, older than {old[price.bidder].as_of} which stands"


async def _record(path: Path, prices: list[BookPrice]) -> int:
    from atomic.ledger import SqliteLedger
    from atomic.records.event import Entry
    from atomic.records.price import PricesChanged

    async with SqliteLedger.open(path) as ledger:
        (event,) = await ledger.append([Entry(payload=PricesChanged(prices=tuple(prices)))], power_durable=True)
    return event.seq


@app.command()
def diff(
    file: FileArgument, json: JsonOption = False, config: ConfigOption = None, ledger: LedgerOption = None
) -> None:
    """Show what a file would change: old, new, percent. Records nothing."""
    from atomic.config.prices import changes

    found = changes(*_compared(config_for(config, ledger), file))
    if json:
        print_json(
            [
                {"bidder": one.bidder, "unit": one.unit, "old": one.old, "new": one.new, "percent": one.percent}
                for one in found
            ]
        )
    else:
        _show(found)


def _show(found: list[Change]) -> None:
    from atomic.records.price import UNITS

    if not found:
        say("No amount changes.")
        return
    rows = [
        (one.bidder, f"{one.unit} {UNITS[one.unit]}", _amount(one.old), _amount(one.new), _percent(one))
        for one in found
    ]
    say("\n".join(columns([("bidder", "price", "old", "new", "change"), *rows])))


def _amount(nano: int | None) -> str:
    return "-" if nano is None else dollars(nano)


def _percent(change: Change) -> str:
    percent = f"{change.percent:+.1f} %" if change.percent is not None else "new" if change.new is not None else "gone"
    return f"{percent} (!)" if change.absurd else percent


@app.command()
def check(
    max_age: Annotated[int, typer.Option("--max-age", metavar="DAYS", min=0, help="Older prices are warned of.")] = 90,
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Show what every bidder costs now, and warn of old prices and of bidders without one. Exit 1 if there are any."""
    read = config_for(config, ledger)
    now = standing(read)
    rows, wrong = [], 0
    for name in sorted(
        {*now, *(name for name, one in read.settings.bidders.items() if one.priced and one.kind != "remote")}
    ):
        warning = _warning(now.get(name), max_age)
        wrong += bool(warning)
        rows.append(_row(name, now.get(name), warning))
    heading = ("bidder", "price", "as of", "source", "warning")
    if json:
        print_json([dict(zip(heading, row, strict=True)) for row in rows])
    elif rows:
        say("\n".join(columns([heading, *rows])))
    else:
        say("Nobody here has a price.")
    raise typer.Exit(1 if wrong else 0)


def _row(name: str, price: BookPrice | None, warning: str) -> tuple[str, ...]:
    from atomic.commands.lines import priced

    if price is None:
        return name, "-", "-", "-", warning
    return name, priced(price), price.as_of or "-", price.source, warning


def _warning(price: BookPrice | None, max_age: int) -> str:
    if price is None:
        return "no price: it does not bid"
    if not price.as_of:  # one's own rate, which nobody has to look up
        return ""
    age = (_today() - datetime.date.fromisoformat(price.as_of)).days
    return f"{age} days old" if age > max_age else ""


def _today() -> datetime.date:
    return datetime.datetime.now(tz=datetime.UTC).date()


def standing(config: Config) -> dict[str, BookPrice]:
    """What each bidder costs now, as configuration and ledger have it."""
    from atomic.config.prices import standing_prices
    from atomic.ledger import LedgerReader

    if config.ledger is None or not config.ledger.exists():
        return standing_prices(config.settings.bidders, None)
    with LedgerReader.open(config.ledger) as opened:
        return standing_prices(config.settings.bidders, opened)


def _compared(config: Config, file: Path) -> tuple[dict[str, BookPrice], tuple[BookPrice, ...]]:
    """The prices that stand, and those of a file."""
    from atomic.config.prices import Payees, read_price_file

    payees = Payees(bidders=config.settings.bidders, others=_given_in_code(config), today=_today())
    return standing(config), read_price_file(file, payees)


def _given_in_code(config: Config) -> set[str]:
    """Bidders that the ledger knows and the configuration does not."""
    from atomic.ledger import LedgerReader
    from atomic.records.attempt import AttemptStarted

    if config.ledger is None or not config.ledger.exists():
        return set()
    with LedgerReader.open(config.ledger) as opened:
        started = (event.payload for event in opened.read(kinds=("started",)))
        names = {payload.bidder for payload in started if isinstance(payload, AttemptStarted)}
    return names - config.settings.bidders.keys()

"""`atomic calibrate`: buys everybody's answers to a file of inputs, and shows what each is worth."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

import typer

from atomic.commands.common import ConfigOption, LedgerOption, config_for
from atomic.errors import ConfigError

if TYPE_CHECKING:
    from atomic.calibrate import Case, Frontier
    from atomic.config import Config
    from atomic.market import Market
    from atomic.records.microtask import Microtask


def calibrate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Inputs: JSON lines or CSV.")],
    task: Annotated[str, typer.Option(help='A microtask: of the inbox by name, or your own as "module:name".')],
    budget: Annotated[str, typer.Option(metavar="AMOUNT", help="What all of it may cost, with what was spent before.")],
    bidders: Annotated[str, typer.Option(metavar="A,B", help="Ask these bidders alone.")] = "",
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the frontier there: .svg, or .html with the figures.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and buy nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before buying.")] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Learn who is right how often, from a file of inputs.

    A line holds the microtask's arguments, and `truth` where it is known. Says first what it will cost. Killed or out
    of money, it goes on where it was when it is run again; nothing is bought twice.
    """
    from atomic.calibrate import find_task, read_cases
    from atomic.records.money import nano_usd

    if picture is not None and picture.suffix not in {".svg", ".html"}:
        raise typer.BadParameter(f"{picture}: .svg or .html")
    asked = find_task(task)
    work = _Work(asked, read_cases(file, asked), nano_usd(budget), [one for one in bidders.split(",") if one])
    asyncio.run(work.run(config_for(config, ledger), picture, dry_run=dry_run, yes=yes))


@runtime_checkable
class _Counts(Protocol):
    """A ledger that counts what a day cost."""

    def spent(self, day: str, task: str = "") -> int:
        """Nano-USD, reservations included."""
        ...


class _Work:
    def __init__(self, task: Microtask[..., Any], cases: list[Case], budget: int, bidders: list[str]) -> None:
        self._task, self._cases, self._budget, self._bidders = task, cases, budget, bidders

    async def run(self, config: Config, picture: Path | None, *, dry_run: bool, yes: bool) -> None:
        from atomic import calibrate as calibration
        from atomic.config import open as open_market
        from atomic.records.money import dollars

        if unknown := [name for name in self._bidders if name not in config.settings.bidders]:
            raise ConfigError(f"there is no bidder {unknown[0]!r}", hint=f"one of {', '.join(config.settings.bidders)}")
        async with open_market(config) as market:
            plan = calibration.planned(market, self._cases, self._budget, self._bidders)
            typer.echo(calibration.before(plan, self._budget, self._cases))
            today = _left_today(config, market, self._task.name)
            if today is not None and today < plan.ceiling:
                typer.echo(f"of the caps per day {dollars(today)} is left: what does not fit waits for another day")
                self._budget = min(self._budget, plan.spent + today)
            if dry_run or not (yes or not plan.wanted or typer.confirm("Buy?")):
                return
            every = max(1, len(plan.wanted) // 10)
            total = len(plan.wanted)

            def tell(done: int) -> None:
                if done % every == 0 or done == total:
                    typer.echo(f"  {done} of {total} bought", err=True)

            await calibration.buy(market, plan, self._budget, tell, self._bidders)
            given = await calibration.label(market, self._cases)
            if given:
                typer.echo(f"{given} truths given")
            bought = [case for case in self._cases if calibration.requests_of(market, case)]
            found = await asyncio.to_thread(calibration.measured, market, bought)
        _show(found, self._task, picture)


def _left_today(config: Config, market: Market, task: str) -> int | None:
    """What the caps of this UTC day leave, in nano-USD: beyond it a request would end without an answer."""
    caps, ledger = config.settings.market, market.ledger
    if not isinstance(ledger, _Counts):
        return None
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    left = [] if caps.per_day is None else [caps.per_day - ledger.spent(today)]
    if task in caps.per_task:
        left.append(caps.per_task[task] - ledger.spent(today, task))
    return max(0, min(left)) if left else None


def _show(found: Frontier | str, task: Microtask[..., Any], picture: Path | None) -> None:
    from atomic import calibrate as calibration

    if isinstance(found, str):
        typer.echo(f"No frontier: {found}")
        return
    said = calibration.after(found, task.name)
    typer.echo(said)
    if picture is not None:
        page = calibration.page(found, task.name, said) if picture.suffix == ".html" else ""
        picture.write_text(page or calibration.picture(found, task.name))
        typer.echo(f"Drawn: {picture}")
